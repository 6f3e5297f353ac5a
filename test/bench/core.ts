/**
 * What deciding costs by the size of a workload, without a cluster: gathering what is known, and one decision. A full pass evaluates every
 * pod, as after a start; an event changes one pod of those that were evaluated before.
 * `node test/bench/core.ts` prints the median and the least CPU time of each size, which a busy machine changes little.
 */
import { largeWorkload } from '../support/large-workload.ts';

const SIZES = [100, 1000, 5000, 10_000];
const PASSES = 15;
const EVENTS = 200;

function times(count: number, prepare: (round: number) => () => void): number[] {
  return Array.from({ length: count }, (_, round) => {
    const run = prepare(round);
    const before = process.threadCpuUsage();
    run();
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000;
  }).sort((a, b) => a - b);
}

const text = (sorted: readonly number[]): string =>
  `${sorted[Math.floor(sorted.length / 2)]?.toFixed(2)} (least ${sorted[0]?.toFixed(2)}) ms`;

console.log('pods     full pass                     one pod’s event');
for (const size of SIZES) {
  const passes = times(PASSES, () => {
    const workload = largeWorkload(size);
    return () => workload.decide();
  });
  const workload = largeWorkload(size);
  workload.decide();
  const events = times(EVENTS, (round) => {
    const pod = workload.pods[(round * 37) % size];
    if (pod) {
      workload.change({ ...pod, resourceVersion: String(1000 + round) });
    }
    return () => workload.decide();
  });
  console.log(`${String(size).padEnd(8)} ${text(passes).padEnd(29)} ${text(events)}`);
}
