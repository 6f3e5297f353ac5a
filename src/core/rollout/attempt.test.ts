/** How an attempt ends, and what is restored. */
import { describe, expect, test } from '@jest/globals';
import { type EvaluationChange, evaluationOf } from '../../../test/support/evaluations.ts';
import {
  activeStatusOf,
  ago,
  fallbackOf,
  NEW,
  OLD,
  snapshotOf,
  specOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import type { Cause } from '../cause.ts';
import { endPartial, imagesToRestore, rejectVersion, succeed } from './attempt.ts';
import type { Evaluation } from './evaluation.ts';
import { finishFallback, giveUpFallback } from './fallback.ts';

const FROM = { web: OLD, log: 'log:1' };
const TO = { web: NEW, log: 'log:1' };
const running = (images: Readonly<Record<string, string>>) =>
  workloadOf({
    containers: Object.entries(images).map(
      ([name, image]) => ({ name, image, role: 'regular', startupProbe: false }) as const,
    ),
  });
const statusOf = (status: Partial<UpgradeStatus> = {}, attempt: Partial<Attempt> = {}) =>
  activeStatusOf({ from: { images: FROM }, to: { images: TO }, ...status }, attempt);

describe('the images to restore', () => {
  test.each<
    [string, Record<string, string>, Record<string, string>, Partial<UpgradeStatus>?, Partial<Attempt>?]
  >([
    ['are those that the attempt changed', TO, { web: OLD }],
    ['are none if the previous ones run', FROM, {}],
    ['are none of a container that somebody else changed', { ...TO, web: 'web:3' }, {}],
    ['are none of a container that somebody added', { ...TO, proxy: 'p:1' }, { web: OLD }],
    ['are none of a container that is gone', { log: 'log:1' }, {}],
    [
      'are none of a container that somebody else changed before the attempt has written any',
      { ...TO, web: 'web:3' },
      {},
      {},
      { rolledAt: undefined },
    ],
    [
      'are those of the attempt before, if this one has not written any',
      { ...TO, web: 'web:3' },
      { web: OLD },
      {},
      { rolledAt: undefined, inherited: true, overtaken: { web: 'web:3' } },
    ],
    [
      'are all that differ, if an earlier version of the operator did not record what it found',
      { ...TO, web: 'web:3' },
      { web: OLD },
      {},
      { rolledAt: undefined, inherited: true },
    ],
    [
      'are none that others set before it has written any',
      { ...TO, web: 'web:4' },
      {},
      {},
      { rolledAt: undefined, inherited: true, overtaken: { web: 'web:3' } },
    ],
    [
      'are those of the attempt while the template is reverted',
      FROM,
      { web: OLD },
      { turnedBack: { images: { web: OLD }, startedAt: ago(9) } },
    ],
  ])('%s', (_, runs, images, status = {}, attempt = {}) => {
    expect(imagesToRestore(statusOf(status, attempt), running(runs))).toEqual(images);
  });
});

describe('evidence against a version', () => {
  const cause: Cause = { reason: 'ProbeFailed', check: 'probe', container: 'web', exitCode: 17 };
  function rejected(
    action: 'Rollback' | 'Pause' | 'None',
    {
      reason = 'ProbeFailed',
      adopted = false,
      runs = TO,
    }: { reason?: 'Aborted' | 'ProbeFailed'; adopted?: boolean; runs?: Record<string, string> } = {},
  ) {
    const snapshot = snapshotOf({ upgrade: upgradeOf({ spec: { fallback: { action } } }) });
    const status = statusOf({}, { adopted });
    const { phase, attempt, fallback } = rejectVersion(snapshot, running(runs), status, {
      cause: { ...cause, reason },
      pods: [],
    });
    return [phase, attempt.end?.reason, attempt.gating, fallback?.images];
  }

  test.each([
    ['is a fallback', rejected('Rollback'), ['FallingBack', undefined, true, { web: OLD }]],
    [
      'keeps the version behind closed gates',
      rejected('Pause'),
      ['Failed', 'FallbackPaused', true, undefined],
    ],
    ['lets the version serve', rejected('None'), ['Failed', 'FallbackDisabled', false, undefined]],
    [
      'is a fallback after an abort, whatever else is set',
      rejected('None', { reason: 'Aborted' }),
      ['FallingBack', undefined, true, { web: OLD }],
    ],
    [
      'has no target where nothing was changed',
      rejected('Rollback', { adopted: true }),
      ['Failed', 'NoFallbackTarget', false, undefined],
    ],
    [
      'has no target where the previous images run',
      rejected('Rollback', { runs: FROM }),
      ['Failed', 'NoFallbackTarget', false, undefined],
    ],
  ])('%s', (_, result, expected) => {
    expect(result).toEqual(expected);
  });
});

const withCause = (evaluation: Evaluation, reason: 'NoCheckRan' | 'PostCheckPassed'): Evaluation => ({
  ...evaluation,
  summary: {
    ...evaluation.summary,
    results: evaluation.summary.results.map((result) => ({ ...result, cause: { reason } })),
  },
});
const three = { pods: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] };
const noChecks = { postCheck: { ...specOf().postCheck, checks: [] } };

describe('a success', () => {
  const ended = (change: EvaluationChange, reason: 'NoCheckRan' | 'PostCheckPassed' = 'PostCheckPassed') =>
    succeed(withCause(evaluationOf(change), reason));
  test.each<[string, ReturnType<typeof ended>, string]>([
    ['by its checks', ended(three), 'PostCheckPassed'],
    ['by readiness, without checks', ended({ ...three, spec: noChecks }), 'ReadinessOnly'],
    ['by readiness, where no check ran', ended(three, 'NoCheckRan'), 'ReadinessOnly'],
  ])('%s is what was verified last', (_, status, reason) => {
    expect(status).toMatchObject({
      phase: 'Succeeded',
      attempt: { gating: false, end: { outcome: 'Succeeded', reason, cause: '3 of 3 pods passed' } },
      lastVerified: { images: { web: NEW }, verifiedAt: ago(0), pods: 3, revision: 'new' },
    });
  });

  test('without any check is none that was verified', () => {
    const status = ended({ pods: [{ name: 'a', state: 'Skipped' }] });
    expect(status).toMatchObject({ phase: 'Succeeded', attempt: { end: { reason: 'AllSkipped' } } });
    expect(status.lastVerified).toBeUndefined();
  });
});

describe('a partial success', () => {
  test('says where the version failed, and its gates stay', () => {
    const pods = [{ name: 'a' }, { name: 'b', state: 'Skipped' }] as const;
    const evaluation = evaluationOf({ pods, left: ['c'], desired: 3 });
    expect(endPartial(evaluation)).toMatchObject({
      phase: 'Partial',
      attempt: {
        gating: true,
        end: {
          outcome: 'Partial',
          reason: 'ProbeFailed',
          cause: 'c: ProbeFailed',
          why: { passed: 2, desired: 3 },
        },
      },
    });
    expect(endPartial({ ...evaluation, status: { ...evaluation.status, phase: 'Partial' } })).toBeUndefined();
    expect(endPartial(evaluationOf(three))).toBeUndefined();
  });
});

describe('a fallback', () => {
  const falling = (evaluation: Evaluation): Evaluation => ({
    ...evaluation,
    status: { ...evaluation.status, fallback: { evidence: [], exitCodes: [], ...fallbackOf() } },
  });
  const finished = (change: EvaluationChange) =>
    finishFallback(falling(evaluationOf({ ...three, direction: 'Back', ...change })));
  const verify = (isVerified: boolean) => ({ fallback: { ...specOf().fallback, verify: isVerified } });

  test.each<[string, ReturnType<typeof finished>, string, string]>([
    ['is verified by its checks', finished({}), 'Verified', 'PostCheck'],
    ['is verified by readiness, without checks', finished({ spec: noChecks }), 'Verified', 'ReadinessOnly'],
    [
      'is verified by readiness, where no check passed',
      finished({ pods: [{ name: 'a', state: 'Skipped' }], desired: 1 }),
      'Verified',
      'ReadinessOnly',
    ],
    [
      'is not verified where the user does not want it',
      finished({ spec: verify(false) }),
      'Unverified',
      'No',
    ],
    ['is not verified without pods', finished({ pods: [], desired: 0 }), 'Unverified', 'No'],
  ])('that ended %s', (_, status, state, verified) => {
    expect(status).toMatchObject({
      phase: 'FellBack',
      attempt: {
        gating: false,
        end: { outcome: 'FellBack', reason: 'ProbeFailed', cause: fallbackOf().cause },
      },
      fallback: { state, verified, finishedAt: ago(0) },
      quarantined: { images: { web: NEW }, attempt: 1 },
    });
    expect(status.lastVerified?.images).toEqual(verified === 'No' ? undefined : { web: OLD });
  });

  test.each([
    ['Failed', 'it exited 17; the fallback failed too: not probed yet'],
    ['Unverified', 'it exited 17; the fallback could not be verified: not probed yet'],
  ] as const)('that is given up as %s keeps its gates', (state, cause) => {
    const { snapshot, status } = falling(evaluationOf({ direction: 'Back' }));
    const evidence = { cause: { reason: 'NotProbedYet' }, pods: [] } as const;
    expect(giveUpFallback(snapshot, status, evidence, state)).toMatchObject({
      phase: 'FallbackFailed',
      attempt: { gating: true, end: { outcome: 'FallbackFailed', cause: `pod web-new-1: ${cause}` } },
      fallback: { state, verified: 'No', finishedAt: ago(0) },
      quarantined: { images: { web: NEW } },
    });
  });

  test('starts with the evidence of three pods, and what was left is forgotten', () => {
    const report = { name: 'a', state: 'Failed', reason: 'ProbeFailed', checks: [] } as const;
    const before = statusOf(
      {
        left: [{ name: 'a', state: 'Failed', reason: 'ProbeFailed' }],
        turnedBack: { images: {}, startedAt: ago(9) },
      },
      { deadlineAt: ago(-9), end: { outcome: 'Partial', reason: 'ProbeFailed', cause: '', at: ago(5) } },
    );
    const cause: Cause = { reason: 'NodeUnreachable', node: 'node-7' };
    const snapshot = snapshotOf({ workload: workloadOf({ generation: 7 }) });
    const { fallback, ...status } = rejectVersion(
      snapshot,
      running(TO),
      { ...before, turnedBack: undefined },
      {
        cause,
        pods: [report, report, report, report],
      },
    );
    expect(status).toMatchObject({
      left: [],
      turnedBack: undefined,
      targetGeneration: 7,
      attempt: { end: undefined, deadlineAt: undefined, progressAt: ago(0), maxUpdated: 0, maxPassed: 0 },
    });
    expect(fallback).toEqual({
      state: 'Rolling',
      reason: 'NodeUnreachable',
      cause: 'node node-7 is not Ready',
      why: cause,
      images: { web: OLD },
      startedAt: ago(0),
      evidence: [report, report, report],
      exitCodes: [],
    });
  });
});
