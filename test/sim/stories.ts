/** The reference stories. Each is told for one kind of workload; most exist for all. */
import { type Behaviour, exits, exitsFirst } from './behaviour.ts';
import type { Story } from './story.ts';
import type { WorkloadSpec } from './world.ts';

export type KindName = 'Deployment' | 'StatefulSet' | 'StatefulSet Parallel' | 'DaemonSet';
export const KINDS: readonly KindName[] = ['Deployment', 'StatefulSet', 'StatefulSet Parallel', 'DaemonSet'];

export const OLD = 'registry.example/web:1.0';
export const NEW = 'registry.example/web:2.0';

export function workloadOf(kind: KindName): WorkloadSpec {
  const common = { name: 'web', images: { web: OLD }, replicas: 3 };
  if (kind === 'StatefulSet Parallel') return { kind: 'StatefulSet', ordered: false, ...common };
  return { kind, ...common };
}

const told = (name: string, kind: KindName, behaviour: Behaviour, more: Partial<Story> = {}): Story => ({
  name: `${name}, ${kind}`,
  workload: workloadOf(kind),
  images: { [NEW]: behaviour },
  ...more,
  spec: { containers: [{ name: 'web', image: NEW }], ...more.spec },
});

export const good = (kind: KindName): Story => told('good', kind, {});
export const retryThenGood = (kind: KindName): Story => told('retry-then-good', kind, exitsFirst(3, 2));
/** A rule says that 17 is final. */
export const bad = (kind: KindName): Story =>
  told('bad', kind, exits(17, 'schema too old'), {
    spec: {
      postCheck: {
        checks: [
          {
            name: 'readiness-probe',
            exec: { command: ['/usr/bin/readiness_probe.sh'] },
            exitCodes: [{ codes: '17', class: 'Fail', reason: 'SchemaTooOld', message: 'the database schema is too old' }],
          },
        ],
      },
    },
  });
export const deadline = (kind: KindName): Story => told('deadline', kind, exits(17), { spec: { postCheck: { deadlineSeconds: 60 } } });

/** The four stories that every crash point is swept over. */
export const swept = (kind: KindName): readonly Story[] => [good(kind), retryThenGood(kind), bad(kind), deadline(kind)];
