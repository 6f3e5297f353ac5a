/** Pods that have their result, and what can still change it. */
import { describe, expect, test } from '@jest/globals';
import {
  conditionOf,
  containerOf,
  exit,
  NOW,
  podOf,
  recordOf,
  verificationContext,
} from '../../../test/support/snapshots.ts';
import { effectiveChecks } from '../../api/checks.ts';
import { VERIFIED } from '../../api/names.ts';
import type { PodView } from '../../api/views.ts';
import type { VerificationContext } from './context.ts';
import { evaluateTry } from './exit-codes.ts';
import type { PodRecord, TryRecord } from './probe-cycle.ts';
import { withPins } from './recorded.ts';
import { keptPass, recordedPod } from './recorded-pod.ts';

const [CHECK] = effectiveChecks(verificationContext().spec);
const tried = (code: number, timeouts = 0): TryRecord => ({
  check: 'readiness-probe',
  container: 'web',
  containerId: 'a',
  verdict: evaluateTry(CHECK as never, exit(code), { inFallback: false, podReady: true }),
  attempts: 1,
  timeouts,
  firstAt: NOW,
  lastAt: NOW,
});

function result(
  record: Partial<PodRecord> | undefined,
  context: Parameters<typeof verificationContext>[0] = {},
  pod: PodView = podOf(),
) {
  const stored = { status: 'True', reason: 'PostCheckPassed', message: 'exited 0' } as const;
  const known = record && recordOf(record);
  return recordedPod(pod, known, stored, verificationContext({ isSoaking: true, ...context }), NOW);
}

describe('a pod that has passed', () => {
  test('is not probed again without a soak', () => {
    const failing = { failures: 3, tries: [tried(17)] };
    expect(result(failing, { isSoaking: false })).toMatchObject({ state: 'Passed', recorded: true });
    expect(result(failing, { isSoaking: false }).cycleAt).toBeUndefined();
  });

  test.each([
    [2, {}, 'Passed'],
    [3, {}, 'Failed'],
    [4, { postCheck: { failureThreshold: 5 } }, 'Passed'],
    [5, { postCheck: { failureThreshold: 5 } }, 'Failed'],
    [3, { postCheck: { failureThreshold: 1 } }, 'Failed'],
  ] as const)('and then fails %d times in its soak, with %j, has %s', (failures, context, state) => {
    expect(result({ failures, tries: [tried(0), tried(17)] }, context).state).toBe(state);
  });

  test('and fails in its soak says so, which is to be recorded', () => {
    expect(result({ failures: 3, tries: [tried(0), tried(17)] })).toMatchObject({
      recorded: false,
      cause: {
        reason: 'ProbeFailed',
        exitCode: 17,
        repeated: 3,
        late: true,
        pod: 'web-new-1',
        node: 'node-1',
      },
    });
    expect(result({ failures: 3, tries: [] })).toMatchObject({ state: 'Passed', recorded: true });
  });

  test.each<
    [string, Partial<PodRecord> | undefined, Parameters<typeof result>[1], number | undefined, PodView?]
  >([
    ['at the start of the verification, if it never was', undefined, { startedAt: NOW - 5 }, NOW - 5],
    ['half a minute later', { startedAt: NOW }, {}, NOW + 30_000],
    [
      'a period later, if that is longer',
      { startedAt: NOW },
      { postCheck: { periodSeconds: 50 } },
      NOW + 50_000,
    ],
    ['later after time-outs', { startedAt: NOW, tries: [tried(0, 3)] }, {}, NOW + 60_000],
    ['no more after many of them', { startedAt: NOW, tries: [tried(0, 8)] }, {}, undefined],
    ['not on a lost node', { startedAt: NOW }, { nodeReady: () => false }, undefined],
    ['not without a node', { startedAt: NOW }, {}, undefined, podOf({ node: '' })],
  ])('is probed again %s', (_, record, context, at, pod = podOf()) => {
    expect(result(record, context, pod).cycleAt).toBe(at);
  });
});

describe('a pod that has passed and is not ready any more', () => {
  const unready = (change: Partial<PodView> = {}): PodView =>
    podOf({
      conditions: { ContainersReady: conditionOf('False', 20) },
      containers: [containerOf({ ready: false })],
      ...change,
    });
  const lapse = (pod: PodView, context: Parameters<typeof result>[1] = {}) =>
    result(undefined, { isSoaking: false, startedAt: NOW - 90_000, ...context }, pod);

  test('keeps its result, and says why', () => {
    expect(lapse(unready())).toMatchObject({
      state: 'Passed',
      recorded: true,
      lapse: { cause: { reason: 'NotReady', container: 'web', late: true, pod: 'web-new-1' } },
    });
    expect(lapse(podOf()).lapse).toBeUndefined();
  });

  test('does not serve while its node is lost, whatever the node last said of it', () => {
    expect(lapse(podOf(), { nodeReady: () => false })).toMatchObject({
      state: 'Passed',
      lapse: { cause: { reason: 'NodeUnreachable', late: true, node: 'node-1' } },
    });
  });

  test.each<[string, number | undefined, PodView, Parameters<typeof result>[1]]>([
    ['after the time of a pod', NOW + 580_000, unready(), {}],
    ['that starts again after a pause', NOW + 595_000, unready(), { resumedAt: NOW - 5000 }],
    ['never while its node is lost', undefined, unready(), { nodeReady: () => false }],
    [
      'never while it waits for what others injected',
      undefined,
      unready({ containers: [containerOf({ name: 'mesh', ready: false })] }),
      {},
    ],
    [
      'never if it need not be ready',
      undefined,
      unready(),
      { postCheck: { readiness: { required: false } } },
    ],
  ])('counts against its version %s', (_, at, pod, context) => {
    const { lapse: found, lookAt } = lapse(pod, context);
    expect(found?.countsAt).toBe(at);
    expect(lookAt).toBe(at);
  });
});

test('a pod that has failed is not probed in a soak', () => {
  const stored = { status: 'False', reason: 'ProbeFailed', message: 'exited 17' } as const;
  const failed = recordedPod(podOf(), recordOf({}), stored, verificationContext({ isSoaking: true }), NOW);
  expect(failed).toMatchObject({ state: 'Failed', recorded: true, cause: { text: 'exited 17' } });
  expect(failed.cycleAt).toBeUndefined();
});

describe('the pass of an earlier attempt', () => {
  const recorded = (status: 'True' | 'False', id: string): PodView => ({
    ...podOf(),
    conditions: {
      [VERIFIED]: conditionOf(
        status,
        5,
        'PostCheckPassed',
        withPins('exited 0', { id, spec: context().spec }, podOf()),
      ),
    },
  });
  const context = (kept?: readonly string[]): VerificationContext => verificationContext({ kept });
  test('counts in one that continues it, a failure does not', () => {
    expect(keptPass(recorded('True', 'b'), context(['a', 'b']))).toMatchObject({ message: 'exited 0' });
    expect(keptPass(recorded('True', 'c'), context(['a', 'b']))).toBeUndefined();
    expect(keptPass(recorded('False', 'b'), context(['a', 'b']))).toBeUndefined();
    expect(keptPass(recorded('True', 'b'), context())).toBeUndefined();
  });
});
