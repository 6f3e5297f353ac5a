import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  conditionOf,
  NEW,
  NOW,
  OLD,
  oldPodOf,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  verificationContext,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { PodView } from '../../api/views.ts';
import type { Attempt } from '../complete-status.ts';
import { verificationId } from '../status.ts';
import { countedOf, type PodResult } from './pod-result.ts';
import { withPins } from './recorded.ts';
import { hasNoCheckRun, type PodSummary, summarizePods, ungated, unrecorded } from './summary.ts';

const MINUTE = 60_000;

/** A pod of the wanted revision without the gate, made so long after the start of the attempt by the API server's clock. */
function missed(afterMs: number, change: Partial<Attempt>, from: string | undefined): number {
  const pod = podOf({ gates: [], createdAt: NOW + afterMs });
  const status = activeStatusOf();
  const attempt = { ...status.attempt, startedAt: new Date(NOW).toISOString(), gating: true, ...change };
  return ungated(
    {
      results: [{ pod, state: 'Waiting', cause: { reason: 'NotProbedYet' }, recorded: false }],
    } as unknown as PodSummary,
    {
      ...status,
      attempt: attempt as Attempt,
      from: { images: { web: OLD }, ...(from ? { revision: from } : {}) },
      to: { images: { web: NEW }, revision: 'new' },
    },
  ).length;
}

describe('a pod that came without the gate', () => {
  test.each([
    ['made after the start', MINUTE, {}, 'old', 1],
    ['of a revision that the attempt brought, whatever the clocks say', -MINUTE, {}, 'old', 1],
    ['older than a retry, which may find it', -MINUTE, { trigger: 'Retry' }, 'old', 0],
    ['older than an attempt that overtook another one', -MINUTE, { inherited: true }, 'old', 0],
    ['of the revision that ran before', -MINUTE, {}, 'new', 0],
    ['older, where the revision before is not known', -MINUTE, {}, undefined, 0],
    ['while the attempt does not gate', MINUTE, { gating: false }, 'old', 0],
  ] as const)('%s', (_which, afterMs, change, from, count) => {
    expect(missed(afterMs, change as Partial<Attempt>, from)).toBe(count);
  });
});

describe('the pods of a verification', () => {
  const status = statusOf();
  const upgrade = upgradeOf({ status });
  const id = verificationId(upgrade, status);
  const named = (name: string, change: Partial<PodView> = {}) =>
    podOf({ name, uid: name, node: name, ...change });
  const skipped = named('skipped', {
    conditions: {
      Ready: conditionOf('True'),
      [VERIFIED]: conditionOf('True', 5, 'AllSkipped', withPins('skipped', { ...upgrade, id }, podOf())),
    },
  });
  const pods = [
    withResult(upgrade, named('passed')),
    withResult(upgrade, named('failed'), false),
    skipped,
    named('waiting'),
    named('lost'),
    oldPodOf({ name: 'old', uid: 'old', node: 'old' }),
    named('going', { deleting: true }),
  ];
  function summary(excludedNodes: readonly string[] = []) {
    const snapshot = snapshotOf({
      upgrade: upgradeOf({ status: statusOf({}, { excludedNodes }) }),
      pods,
      nodeReady: (node) => node !== 'lost',
    });
    const context = verificationContext({ id, nodeReady: snapshot.nodeReady });
    return summarizePods(snapshot, workloadOf({ kind: 'DaemonSet', desired: 7 }), context);
  }

  test('are counted by what they come to', () => {
    expect(summary().counts).toEqual({
      desired: 7,
      updated: 5,
      ready: 3,
      passed: 1,
      skipped: 1,
      failed: 1,
      inconclusive: 1,
      retrying: 1,
    });
    expect(summary().outdated.map(({ name }) => name)).toEqual(['old']);
  });

  test('are not those of excluded nodes, as far as these have pods', () => {
    const { counts, outdated } = summary(['lost', 'old', 'gone']);
    expect(counts).toMatchObject({ desired: 5, updated: 4, inconclusive: 0 });
    expect(outdated).toEqual([]);
  });
});

test('results are still to be recorded if they are final and not recorded yet', () => {
  const result = (state: PodResult['state'], recorded: boolean) => ({ state, recorded }) as PodResult;
  const results = [
    result('Passed', false),
    result('Passed', true),
    result('Skipped', false),
    result('Failed', false),
    result('Waiting', false),
    result('Retrying', false),
    result('Inconclusive', false),
  ];
  expect(unrecorded({ results }).map(({ state }) => state)).toEqual(['Passed', 'Skipped', 'Failed']);
});

test('no check has run if none has in any pod, of which there is one', () => {
  const result = (reason: 'NoCheckRan' | 'Passed') => ({ cause: { reason } }) as unknown as PodResult;
  expect(hasNoCheckRun([])).toBe(false);
  expect(hasNoCheckRun([result('NoCheckRan'), result('NoCheckRan')])).toBe(true);
  expect(hasNoCheckRun([result('NoCheckRan'), result('Passed')])).toBe(false);
});

test('a pod with a gate, or of a version that changes no image, missed none', () => {
  const [gated, open] = [podOf({ createdAt: NOW }), podOf({ createdAt: NOW, gates: [] })];
  const results = [gated, open].map((pod) => ({ pod, ...countedOf(pod, undefined) }));
  const summary = { results } as unknown as PodSummary;
  const status = activeStatusOf();
  expect(ungated(summary, status).map(({ pod }) => pod)).toEqual([open]);
  expect(ungated(summary, { ...status, to: status.from })).toEqual([]);
  expect(ungated(summary, { ...status, attempt: undefined })).toEqual([]);
  const added = { ...status, from: { images: { web: NEW } }, to: { images: { web: NEW, log: 'log:1' } } };
  expect(ungated(summary, added)).toEqual([]);
});
