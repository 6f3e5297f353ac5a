/** An Upgrade played by the operator's own decisions, looked at as the dashboard does. */
import { VERIFIED } from '../../../src/api/names.ts';
import type { PodView } from '../../../src/api/views.ts';
import type { TryOutcome } from '../../../src/core/verification/exit-codes.ts';
import { Stage } from '../../../test/support/stage.ts';
import { detailOf } from '../src/dashboard/detail.ts';
import type { Detail } from '../src/dashboard/model.ts';
import { type Recording, record } from '../src/dashboard/recording.ts';
import type { LaneSources, PodNote } from '../src/dashboard/sources.ts';
import type { Scene, Traffic } from '../src/scene.ts';

export const GOOD: TryOutcome = { kind: 'exit', code: 0, output: '' };
export const BAD: TryOutcome = { kind: 'exit', code: 17, output: 'config: key tls.cert missing\n' };

export const gated = (pod: PodView): PodView => ({ ...pod, gates: [VERIFIED] });

/** The stage, looked at again and again as the dashboard does. */
export class Watched {
  readonly stage: Stage;
  recording: Recording | undefined;
  notes: PodNote[] = [];
  /** Pods that are left of a version before, and of one that ends. */
  others: PodView[] = [];
  /** What the endpoints of pods behind a closed gate say. */
  endpoints: Traffic = 'out';
  nodes = new Map(
    ['node-1', 'node-2', 'node-3'].map((name, index) => [
      name,
      {
        name,
        labels: {
          'topology.kubernetes.io/zone': index === 2 ? 'zone-b' : 'zone-a',
          canary: String(index === 2),
        },
      },
    ]),
  );

  constructor(stage: Stage) {
    this.stage = stage;
  }

  scene(): Scene {
    const { upgrade, workload, pods } = this.stage;
    const all = [...this.others, ...pods];
    const traffic = new Map(
      all.map((pod): [string, Traffic] => [
        pod.uid,
        pod.gates.length > 0 && pod.conditions[VERIFIED]?.status !== 'True' ? this.endpoints : 'serving',
      ]),
    );
    const revision = pods[0]?.revision;
    return {
      upgrade,
      ...(workload ? { workload } : {}),
      pods: all,
      rawPods: all.map(() => ({})),
      revisions: [],
      traffic,
      missing: [],
      ...(revision === undefined ? {} : { updateRevision: revision }),
    };
  }

  look(): Detail {
    this.recording = record(this.recording, this.scene(), this.stage.now);
    return detailOf(this.sources());
  }

  sources(): LaneSources {
    const { notes, nodes } = this;
    const recording = this.recording ?? record(undefined, this.scene(), this.stage.now);
    return { scene: this.scene(), recording, notes, nodes, now: this.stage.now };
  }
}

/** An attempt whose new pods run behind closed gates, with the pods of the version before. */
export function begun(spec: object = {}): Watched {
  const watched = new Watched(new Stage({ ...spec }));
  const before = watched.stage.pods;
  watched.look();
  watched.stage.seconds(5).settle();
  watched.stage.pods = watched.stage.pods.map(gated);
  watched.others = before;
  watched.look();
  return watched;
}
