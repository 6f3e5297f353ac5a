/** The admission policy of the chart, a few milliseconds behind the Upgrades it reads, as in a real API server. */
import { VERIFIED } from '../../src/api/names.ts';
import type { Upgrade } from '../../src/api/types.ts';
import type { NewPod, PodView } from '../../src/api/views.ts';
import { gatePatch } from '../../src/core/gate.ts';
import type { VirtualClock } from './clock.ts';
import { type ClusterState, keyOf } from './state.ts';

export class GatePolicyModel {
  installed = true;
  /** How far its view of the Upgrades lags behind. */
  lagMs = 5;
  readonly #seen = new Map<string, Upgrade>();

  constructor(clock: VirtualClock, state: ClusterState) {
    state.onChange(({ kind, type, object }) => {
      if (kind !== 'Upgrade') {
        return;
      }
      clock.after(this.lagMs, () => {
        if (type === 'delete') {
          this.#seen.delete(keyOf(object));
        } else {
          this.#seen.set(keyOf(object), object as Upgrade);
        }
      });
    });
  }

  /** The pod as it is admitted. */
  admit(pod: PodView): PodView {
    const gates = this.installed && [...this.#seen.values()].some((upgrade) => matches(upgrade, pod));
    return gates ? { ...pod, gates: [...pod.gates, VERIFIED] } : pod;
  }
}

function matches(upgrade: Upgrade, pod: PodView): boolean {
  const { metadata } = upgrade;
  const created: NewPod = {
    namespace: pod.namespace,
    owner: { apiVersion: 'apps/v1', ...pod.owner },
    templateHash: pod.revision,
    containers: pod.containers,
    gates: pod.gates,
  };
  return pod.namespace === metadata.namespace && gatePatch(created, [upgrade]).length > 0;
}
