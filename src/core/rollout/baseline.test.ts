import { expect, test } from '@jest/globals';
import {
  ago,
  conditionOf,
  exit,
  OLD,
  oldPodOf,
  probed,
  snapshotOf,
  statusOf,
  templateOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { Attempt } from '../../api/types.ts';
import { decide } from '../decision/decide.ts';
import type { TryOutcome } from '../verification/exit-codes.ts';

/** An attempt that is recorded and takes its baseline, with this outcome or without one yet. */
function decided(
  outcome: TryOutcome | undefined,
  startedSecondsAgo = 1,
  spec: Record<string, unknown> = {},
  attempt: Partial<Attempt> = {},
) {
  const status = statusOf(
    { phase: 'Pending', targetGeneration: 1, from: { images: { web: OLD }, revision: 'old' } },
    { rolledAt: undefined, targetGeneration: 2, startedAt: ago(startedSecondsAgo), ...attempt },
  );
  const upgrade = upgradeOf({ status, spec });
  const pods = [oldPodOf({ conditions: { Ready: conditionOf('True') } })];
  const records = outcome ? probed(upgrade, pods, outcome) : new Map();
  return decide(
    snapshotOf({ upgrade, pods, workload: workloadOf({ containers: templateOf(OLD) }), records }),
  );
}

test('the baseline is taken once, and stored before anything is written', () => {
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

test('a previous version that does not respond delays nothing for long, and its baseline is empty', () => {
  expect(decided(undefined, 60).status.from?.baseline).toEqual([]);
});

const REQUIRED = { preCheck: { baseline: 'RequirePass' } };

test('a previous version that fails is not upgraded if it has to pass', () => {
  const { status, action, cycles } = decided(exit(17), 1, REQUIRED);
  expect({ action, cycles }).toEqual({ action: { kind: 'none' }, cycles: [] });
  expect(status).toMatchObject({
    phase: 'Failed',
    attempt: { gating: false, end: { reason: 'BaselineFailed', why: { pod: 'web-new-1', exitCode: 17 } } },
    from: { baseline: [{ exitCode: 17, pods: 1, total: 1 }] },
  });
  expect(status.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'BaselineFailed',
  });
  expect(status.conditions?.find(({ type }) => type === 'Verified')?.status).toBe('Unknown');
});

test('what is no evidence against the version before lets the attempt go on', () => {
  const answers = [exit(0), { kind: 'missing' }, { kind: 'unreachable', message: 'closed' }] as const;
  for (const answer of answers) {
    expect(decided(answer, 1, REQUIRED).status).toMatchObject({ phase: 'Pending' });
  }
  expect(decided(undefined, 1, REQUIRED).state).toBe('BaselinePending');
  expect(decided(undefined, 60, REQUIRED).status).toMatchObject({ phase: 'Pending', from: { baseline: [] } });
});

test('a retry continues although the previous version fails', () => {
  const { status } = decided(exit(17), 1, REQUIRED, { trigger: 'Retry' });
  expect(status).toMatchObject({ phase: 'Pending', from: { baseline: [{ exitCode: 17 }] } });
});

test('a network check is part of a baseline that has to pass', () => {
  const postCheck = { checks: [{ name: 'page', httpGet: { port: 80 } }] };
  expect(decided(undefined, 1, { postCheck }).state).toBe('ImagesPending');
  const refused = { kind: 'answered', good: false, output: 'HTTP 503' } as const;
  expect(decided(refused, 1, { postCheck, ...REQUIRED }).status.attempt?.end).toMatchObject({
    reason: 'BaselineFailed',
    why: { check: 'page' },
  });
});

test('no baseline is taken if the spec disables it', () => {
  expect(decided(undefined, 1, { preCheck: { baseline: 'None' } }).state).toBe('ImagesPending');
});

test('a baseline that has to pass is waited for until every check can have run, one after the other', () => {
  const checks = ['a', 'b'].map((name) => ({ name, timeoutSeconds: 30, exec: { command: [`/${name}`] } }));
  const postCheck = { checks };
  expect(decided(undefined, 40, { postCheck }).state).toBe('BaselinePending');
  expect(decided(undefined, 40, { postCheck }).status.from?.baseline).toEqual([]);
  expect(decided(undefined, 40, { postCheck, ...REQUIRED }).status.from?.baseline).toBeUndefined();
  expect(decided(undefined, 63, { postCheck, ...REQUIRED }).status.from?.baseline).toEqual([]);
});

/** What is recorded of so many pods of the previous version that ended so. */
function recorded(
  outcomes: readonly (TryOutcome | undefined)[],
  spec: Record<string, unknown> = {},
  isLate = true,
) {
  const status = statusOf(
    { phase: 'Pending', targetGeneration: 1, from: { images: { web: OLD }, revision: 'old' } },
    { rolledAt: undefined, targetGeneration: 2, startedAt: ago(isLate ? 60 : 1) },
  );
  const upgrade = upgradeOf({ status, spec });
  const pods = outcomes.map((_, index) =>
    oldPodOf({ name: `web-${index}`, uid: `web-${index}`, conditions: { Ready: conditionOf('True') } }),
  );
  const records = new Map(
    outcomes.flatMap((outcome, index) =>
      outcome ? [...probed(upgrade, pods.slice(index, index + 1), outcome)] : [],
    ),
  );
  const workload = workloadOf({ containers: templateOf(OLD) });
  return decide(snapshotOf({ upgrade, pods: pods.toReversed(), workload, records }));
}
const MISSING = { kind: 'missing' } as const;

test.each<[string, readonly (TryOutcome | undefined)[], object]>([
  ['all of the same', [exit(17), exit(17), exit(17)], { exitCode: 17, pods: 3, total: 3 }],
  ['a code beside passes', [exit(0), exit(17), exit(0)], { exitCode: 17, pods: 1, total: 3 }],
  ['the first of two codes', [exit(17), exit(3), exit(17)], { exitCode: 17, pods: 2, total: 3 }],
  ['a code before passes', [exit(17), exit(0), exit(0)], { exitCode: 17, pods: 1, total: 3 }],
  ['a pass', [exit(0), exit(0), undefined], { exitCode: 0, pods: 2, total: 2 }],
  ['no command', [MISSING, MISSING, MISSING], { missing: true }],
  ['a command that one pod has', [MISSING, exit(0), MISSING], { exitCode: 0, pods: 1, total: 1 }],
])('a baseline has one entry for each check: %s', (_, outcomes, entry) => {
  const { baseline } = recorded(outcomes).status.from ?? {};
  expect(JSON.parse(JSON.stringify(baseline))).toEqual([
    { check: 'readiness-probe', container: 'web', ...entry },
  ]);
});

test('three pods are probed, those that are Ready, the first by name, and each once', () => {
  const names = (outcomes: readonly (TryOutcome | undefined)[]) =>
    recorded(outcomes, {}, false).cycles.map(({ pod }) => pod.name);
  expect(names([undefined, undefined, undefined, undefined])).toEqual(['web-0', 'web-1', 'web-2']);
  expect(names([exit(0), undefined, undefined, undefined])).toEqual(['web-1', 'web-2']);
  expect(recorded([undefined], {}, false).wakeAt).toBe(Date.parse(ago(1)) + 12_000);
});

test('a previous version that has to pass fails by its worst pod, with the number of the others', () => {
  const why = (...outcomes: TryOutcome[]) => recorded(outcomes, REQUIRED).status.attempt?.end?.why;
  expect(why(exit(0), exit(17), exit(3))).toMatchObject({ pod: 'web-1', exitCode: 17, others: 1 });
  expect(why(exit(0), exit(17), exit(0))?.others).toBeUndefined();
});
