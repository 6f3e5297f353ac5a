import { expect, test } from '@jest/globals';
import {
  ago,
  conditionOf,
  containerOf,
  cycleOf,
  exit,
  OLD,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { decide } from '../decision/decide.ts';
import { verificationId } from '../status.ts';
import type { TryOutcome } from '../verification/exit-codes.ts';
import { addCycle } from '../verification/probe-cycle.ts';

/** An attempt that is recorded, and has asked the version before; `undefined` while it has not answered. */
function decided(answer: TryOutcome | undefined, startedSecondsAgo = 1) {
  const status = statusOf(
    { phase: 'Pending', targetGeneration: 1, from: { images: { web: OLD }, revision: 'old' } },
    { rolledAt: undefined, targetGeneration: 2, startedAt: ago(startedSecondsAgo) },
  );
  const upgrade = upgradeOf({ status });
  const containers = [containerOf({ image: OLD })];
  const pod = podOf({ revision: 'old', containers, conditions: { Ready: conditionOf('True') } });
  const context = {
    spec: upgrade.spec,
    template: ['web'],
    verification: verificationId(upgrade, status),
    inFallback: false,
  };
  const known = answer && addCycle(undefined, context, pod, cycleOf(answer, pod, upgrade.spec));
  const template = [{ name: 'web', image: OLD, role: 'regular' as const, startupProbe: false }];
  return decide(
    snapshotOf({
      upgrade,
      pods: [pod],
      workload: workloadOf({ containers: template }),
      records: new Map(known && [[pod.uid, known]]),
    }),
  );
}

test('the version before is asked once, and its answer is stored before anything is written', () => {
  expect(decided(undefined)).toMatchObject({
    state: 'BaselinePending',
    cycles: [{ pod: { name: 'web-new-1' } }],
  });
  const answered = decided(exit(3));
  expect(answered).toMatchObject({ intent: true, action: { kind: 'none' }, cycles: [] });
  expect(answered.status.from?.baseline).toEqual([
    { check: 'readiness-probe', container: 'web', exitCode: 3, pods: 1, total: 1 },
  ]);
  expect(decided({ kind: 'missing' }).status.from?.baseline).toMatchObject([{ missing: true }]);
});

test('a version before that does not answer holds nothing up for long, and nothing is known of it', () => {
  expect(decided(undefined, 60).status.from?.baseline).toEqual([]);
});
