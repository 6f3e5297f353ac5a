/**
 * What deciding costs by the size of a workload, without a cluster: gathering what is known, and one decision. A full pass evaluates every
 * pod, as after a start; an event changes one pod of those that were evaluated before.
 * `node test/bench/core.ts` prints the median CPU time of each size, which a busy machine changes less than the time on the wall.
 */
import { largeWorkload } from '../support/large-workload.ts';

const SIZES = [100, 1000, 5000, 10_000];
const PASSES = 15;
const EVENTS = 400;

/** Median CPU time of this thread a run, in ms, taken over `together` runs each: one is shorter than what the system counts in. */
function medianOf(runs: readonly (() => void)[], together: number): string {
  const times: number[] = [];
  for (let first = 0; first < runs.length; first += together) {
    const some = runs.slice(first, first + together);
    const before = process.threadCpuUsage();
    for (const run of some) {
      run();
    }
    const { user, system } = process.threadCpuUsage(before);
    times.push((user + system) / some.length / 1000);
  }
  return `${times.sort((a, b) => a - b)[Math.floor(times.length / 2)]?.toFixed(2)} ms`;
}

console.log('pods     full pass   one pod’s event');
for (const size of SIZES) {
  const passes = Array.from({ length: PASSES }, () => {
    const workload = largeWorkload(size);
    return () => void workload.decide();
  });
  const workload = largeWorkload(size);
  const events = Array.from({ length: EVENTS }, (_, round) => () => {
    const pod = workload.pods[(round * 37) % size];
    if (pod) {
      workload.change({ ...pod, resourceVersion: String(1000 + round) });
    }
    workload.decide();
  });
  workload.decide();
  console.log(`${String(size).padEnd(8)} ${medianOf(passes, 3).padEnd(11)} ${medianOf(events, 20)}`);
}
