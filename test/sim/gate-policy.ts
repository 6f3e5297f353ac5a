/** The admission policy of the chart, a few milliseconds behind the Upgrades it reads, as in a real API server. */
import { VERIFIED } from '../../src/api/names.ts';
import type { Upgrade } from '../../src/api/types.ts';
import type { PodView } from '../../src/api/views.ts';
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
    return gates && !pod.gates.includes(VERIFIED) ? { ...pod, gates: [...pod.gates, VERIFIED] } : pod;
  }
}

function matches({ metadata, spec, status }: Upgrade, pod: PodView): boolean {
  if (metadata.namespace !== pod.namespace || status?.attempt?.gating !== true) {
    return false;
  }
  const { kind, name } = spec.targetRef;
  const owner =
    kind === 'Deployment' ? { kind: 'ReplicaSet', name: `${name}-${pod.revision}` } : { kind, name };
  if (pod.owner.kind !== owner.kind || pod.owner.name !== owner.name) {
    return false;
  }
  return !Object.entries(status.from?.images ?? {}).every(([container, image]) =>
    pod.containers.some((own) => own.name === container && own.image === image),
  );
}
