/** What an attempt in stages costs: the writes that it makes, and how long it stands still between two stages. */
import { VERIFIED } from '../../src/api/names.ts';
import type { PodView } from '../../src/api/views.ts';
import type { WriteRecord } from './operator.ts';
import { play, type Run } from './run.ts';
import { type KindName, NEW, told, workloadOf } from './stories.ts';

export interface Cost {
  readonly run: Run;
  readonly pods: number;
  readonly stages: number;
  readonly seconds: number;
  /** Verdicts, which open gates. */
  readonly verdicts: number;
  readonly deletions: number;
  /** Of the partition, or of the images. */
  readonly specs: number;
  /** That began or ended a stage. */
  readonly stageChanges: number;
  /** Told progress: no more often than every two seconds. */
  readonly progress: number;
  /** All that is left: the attempt's beginning and end, finalizer, managed fields. */
  readonly others: number;
  /** The longest time between the last verified pod of a stage and the first thing done for the next one. */
  readonly boundaryMs: number;
}

const STAGES = [
  { name: 'one', pods: 1 },
  { name: 'tenth', pods: '10%' },
  { name: 'half', pods: '50%' },
];

/** A good version rolled over so many pods in four stages. */
export async function costOf(kind: KindName, pods: number): Promise<Cost> {
  const nodes = Array.from({ length: pods }, (_, index) => `node-${index + 1}`);
  const done: { at: number; stages: number; moves: boolean }[] = [];
  const run = await play(
    {
      ...told('cost', kind, {}),
      workload: {
        ...workloadOf(kind),
        ordered: false,
        replicas: pods,
        ...(kind === 'Deployment' ? { maxSurge: 4 } : {}),
      },
      nodes,
      spec: { containers: [{ name: 'web', image: NEW }], strategy: { stages: STAGES, maxParallel: 4 } },
      minutes: 60,
    },
    {
      disturb: ({ world }) => {
        let changes = 0;
        let told = '';
        world.state.onChange(({ kind: what, object }) => {
          if (what === 'Pod' && isNewlyServing(object as PodView)) {
            done.push({ at: world.clock.now(), stages: changes, moves: false });
          }
          const stages = JSON.stringify(world.upgrade()?.status?.stages?.map(({ state }) => state));
          if (what === 'Upgrade' && stages !== told) {
            told = stages;
            changes += 1;
            done.push({ at: world.clock.now(), stages: changes, moves: true });
          }
        });
      },
    },
  );
  const count = (...kinds: WriteRecord['kind'][]) =>
    run.writes.filter(({ kind: own, result }) => kinds.includes(own) && result === 'ok').length;
  const stageChanges = done.filter(({ moves }) => moves).length;
  const statuses = count('patchStatus');
  const begins =
    run.world.upgrade()?.status?.stages?.map(({ startedAt }) => Date.parse(startedAt ?? '')) ?? [];
  return {
    run,
    pods,
    stages: STAGES.length + 1,
    seconds: run.tookSeconds,
    verdicts: count('patchVerified'),
    deletions: count('deletePod'),
    specs: count('patchImages', 'patchPartition'),
    stageChanges,
    progress: Math.max(0, statuses - stageChanges - BEGIN_AND_END),
    others: count('releaseFields', 'patchFinalizers') + BEGIN_AND_END,
    boundaryMs: Math.max(...begins.slice(1).map((begin) => begin - lastBefore(done, begin))),
  };
}

/** The attempt is recorded, its baseline, its images as they stand, and its end. */
const BEGIN_AND_END = 4;

const lastBefore = (
  done: readonly { readonly at: number; readonly moves: boolean }[],
  time: number,
): number => Math.max(...done.filter(({ at, moves }) => !moves && at <= time).map(({ at }) => at));

const isNewlyServing = ({ containers, conditions }: PodView): boolean =>
  containers[0]?.image === NEW &&
  conditions['Ready']?.status === 'True' &&
  conditions[VERIFIED]?.status === 'True';
