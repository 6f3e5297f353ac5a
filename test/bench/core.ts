/**
 * What deciding costs by the size of a workload, without a cluster: one full decision, with the pods' records as they stand in the middle of an
 * attempt. `node test/bench/core.ts` prints the median of each size.
 */
import { performance } from 'node:perf_hooks';
import { decide } from '../../src/core/decision/decide.ts';
import { verificationId } from '../../src/core/status.ts';
import { addCycle, type PodRecord } from '../../src/core/verification/probe-cycle.ts';
import {
  cycleOf,
  exit,
  NOW,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from '../support/snapshots.ts';

const SIZES = [100, 1000, 5000, 10_000];
const ROUNDS = 9;

function snapshotWith(count: number) {
  const upgrade = upgradeOf({ status: statusOf() });
  const verification = verificationId(upgrade, upgrade.status ?? {});
  const context = { spec: upgrade.spec, template: ['web'], verification, inFallback: false };
  const pods = Array.from({ length: count }, (_, i) => podOf({ name: `web-new-${i}`, uid: `pod-${i}` }));
  const records = new Map<string, PodRecord>(
    pods.map((pod, i) => [
      pod.uid,
      addCycle(undefined, context, pod, {
        ...cycleOf(exit(i % 7 === 0 ? 17 : 0), pod),
        startedAt: NOW,
        finishedAt: NOW,
      }),
    ]),
  );
  return snapshotOf({ upgrade, pods, records, workload: workloadOf({ desired: count }) });
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

console.log('pods     full decision');
for (const size of SIZES) {
  const snapshot = snapshotWith(size);
  const took = Array.from({ length: ROUNDS }, () => {
    const from = performance.now();
    decide(snapshot);
    return performance.now() - from;
  });
  console.log(`${String(size).padEnd(8)} ${median(took).toFixed(1)} ms`);
}
