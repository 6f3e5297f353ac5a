import { describe, expect, test } from '@jest/globals';
import {
  conditionOf,
  containerOf,
  cycleOf,
  exit,
  NOW,
  notReady,
  podOf,
  recordOf,
  verificationContext,
} from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { PodView } from '../../api/views.ts';
import {
  evaluatePod,
  isTerminalReason,
  nextCycleAt,
  podDeadline,
  type VerificationContext,
  waitingFamily,
} from './pod.ts';
import { addCycle, type PodRecord } from './probe-cycle.ts';
import { withPins } from './recorded.ts';

const seconds = (count: number): number => count * 1000;
const asked = (
  code: number,
  verification: VerificationContext,
  startedAt = NOW - 100,
  pod: PodView = podOf(),
  times = 1,
): PodRecord => {
  let record: PodRecord | undefined;
  const context = {
    spec: verification.spec,
    verification: verification.id,
    inFallback: verification.inFallback,
  };
  for (let i = 0; i < times; i++) {
    record = addCycle(record, context, pod, {
      ...cycleOf(exit(code), pod, verification.spec),
      startedAt,
      finishedAt: startedAt + 50,
    });
  }
  return record as PodRecord;
};
const waiting = (reason: string, message = ''): PodView =>
  notReady({
    phase: 'Pending',
    containers: [containerOf({ id: '', state: 'waiting', reason, message, ready: false })],
  });

describe('a deadline', () => {
  test('counts from the latest of the creation of the pod, the start of the verification, and the last resume', () => {
    const pod = podOf({ createdAt: NOW - seconds(50) });
    expect(podDeadline(pod, verificationContext({ startedAt: NOW - seconds(90) }))).toBe(NOW + seconds(550));
    expect(podDeadline(pod, verificationContext({ startedAt: NOW - seconds(10) }))).toBe(NOW + seconds(590));
    expect(
      podDeadline(pod, verificationContext({ startedAt: NOW - seconds(90), resumedAt: NOW - seconds(5) })),
    ).toBe(NOW + seconds(595));
  });

  test('is told while it is open: not of a settled pod, and not while the clocks stand still', () => {
    const verification = verificationContext({ deadlineSeconds: 600 });
    const told = (context: VerificationContext, code: number) =>
      evaluatePod(podOf(), asked(code, context), context, NOW).deadlineAt;
    expect(told(verification, 17)).toBe(podDeadline(podOf(), verification));
    expect(told(verification, 0)).toBeUndefined();
    expect(told({ ...verification, resumedAt: NOW }, 17)).toBeUndefined();
  });

  test('comes after the initial delay', () => {
    expect(podDeadline(podOf(), verificationContext({ postCheck: { initialDelaySeconds: 30 } }))).toBe(
      NOW - seconds(60) + seconds(630),
    );
  });

  test('fails a pod that said Retry only by a try made at it or later', () => {
    const verification = verificationContext({ deadlineSeconds: 60 });
    expect(
      evaluatePod(podOf(), asked(17, verification, NOW - 1), verification, NOW + seconds(20)),
    ).toMatchObject({
      state: 'Retrying',
      reason: 'ProbeFailed',
    });
    expect(evaluatePod(podOf(), asked(17, verification, NOW), verification, NOW + 100)).toMatchObject({
      state: 'Failed',
      message: 'readiness-probe in container web exited 17 (ProbeFailed) until the deadline of 1m',
    });
  });

  test('does not fail a pod that could not be asked, unless the owner wants it', () => {
    const silent = (verification: VerificationContext) =>
      addCycle(
        undefined,
        { spec: verification.spec, verification: verification.id, inFallback: false },
        podOf(),
        {
          ...cycleOf({ kind: 'unreachable', message: 'connection lost' }),
          startedAt: NOW,
        },
      );
    const wait = verificationContext({ deadlineSeconds: 60 });
    expect(evaluatePod(podOf(), silent(wait), wait, NOW)).toMatchObject({
      state: 'Inconclusive',
      reason: 'NoEvidence',
    });
    const act = verificationContext({ deadlineSeconds: 60, postCheck: { onInconclusive: 'Fallback' } });
    expect(evaluatePod(podOf(), silent(act), act, NOW)).toMatchObject({
      state: 'Failed',
      reason: 'InconclusiveAtDeadline',
    });
  });

  test('leaves a pod that cannot be scheduled inconclusive, never failed', () => {
    const verification = verificationContext({
      deadlineSeconds: 60,
      postCheck: { onInconclusive: 'Fallback' },
    });
    const pod = podOf({
      phase: 'Pending',
      node: '',
      conditions: { PodScheduled: conditionOf('False', 60, 'Unschedulable', 'no node fits') },
      containers: [containerOf({ id: '', state: 'waiting', ready: false })],
    });
    const record = addCycle(
      undefined,
      { spec: verification.spec, verification: verification.id, inFallback: false },
      pod,
      {
        startedAt: NOW,
        finishedAt: NOW,
        results: [],
      },
    );
    expect(evaluatePod(pod, record, verification, NOW)).toMatchObject({
      state: 'Inconclusive',
      reason: 'Unschedulable',
    });
  });
});

describe('cycles', () => {
  test('pass a pod after successThreshold of them in a row', () => {
    const verification = verificationContext({ postCheck: { successThreshold: 3 } });
    expect(evaluatePod(podOf(), asked(0, verification, NOW, podOf(), 2), verification, NOW).state).toBe(
      'Waiting',
    );
    expect(evaluatePod(podOf(), asked(0, verification, NOW, podOf(), 3), verification, NOW)).toMatchObject({
      state: 'Passed',
      recorded: false,
      message: 'readiness-probe in container web exited 0',
    });
  });

  test('fail a pod after failureThreshold of them in a row, before any deadline', () => {
    const verification = verificationContext({ postCheck: { failureThreshold: 2 } });
    expect(evaluatePod(podOf(), asked(5, verification), verification, NOW).state).toBe('Retrying');
    expect(evaluatePod(podOf(), asked(5, verification, NOW, podOf(), 2), verification, NOW)).toMatchObject({
      state: 'Failed',
      message:
        'readiness-probe in container web exited 5 (ProbeFailed), 2 times in a row (failureThreshold 2)',
    });
  });

  test('of another verification, or of containers that are gone, say nothing', () => {
    const verification = verificationContext();
    expect(evaluatePod(podOf(), recordOf({ verification: 'proof-0' }), verification, NOW).state).toBe(
      'Waiting',
    );
    const restarted = podOf({ containers: [containerOf({ id: 'containerd://bbbb' })] });
    expect(evaluatePod(restarted, asked(0, verification), verification, NOW).state).toBe('Waiting');
  });
});

describe('the next cycle', () => {
  const verification = verificationContext({ postCheck: { periodSeconds: 10, initialDelaySeconds: 5 } });

  test('is the first one when the container has run for the initial delay', () => {
    const pod = podOf({ containers: [containerOf({ startedAt: NOW - seconds(2) })] });
    expect(nextCycleAt(pod, undefined, verification, NOW)).toBe(NOW + seconds(3));
  });

  test('comes a period later, give or take a fifth, the same for the same pod every time', () => {
    const record = asked(17, verification, NOW);
    const at = nextCycleAt(podOf(), record, verification, NOW) ?? 0;
    expect(at).toBeGreaterThanOrEqual(NOW + seconds(8));
    expect(at).toBeLessThanOrEqual(NOW + seconds(12));
    expect(nextCycleAt(podOf(), record, verification, NOW + 1000)).toBe(at);
    expect(nextCycleAt(podOf({ uid: 'pod-2' }), record, verification, NOW)).not.toBe(at);
  });

  test('comes at once when the pod has become ready since', () => {
    expect(nextCycleAt(podOf(), asked(17, verification, NOW, notReady()), verification, NOW + 10)).toBe(
      NOW + 10,
    );
  });

  test('is made at the deadline, also of a pod in which nothing runs', () => {
    const short = verificationContext({ deadlineSeconds: 65 });
    expect(nextCycleAt(podOf(), asked(17, short, NOW), short, NOW)).toBe(NOW + seconds(5));
    expect(nextCycleAt(waiting('ContainerCreating'), undefined, short, NOW)).toBe(NOW + seconds(5));
  });

  test('is not wanted of a pod that passed, failed, or is on a lost node', () => {
    expect(evaluatePod(podOf(), asked(0, verification), verification, NOW).cycleAt).toBeUndefined();
    expect(
      evaluatePod(podOf(), undefined, verificationContext({ nodeReady: () => false }), NOW),
    ).toMatchObject({
      state: 'Inconclusive',
      reason: 'NodeUnreachable',
    });
    expect(
      evaluatePod(podOf(), undefined, verificationContext({ nodeReady: () => false }), NOW).cycleAt,
    ).toBeUndefined();
  });
});

describe('a container that cannot start', () => {
  const seen = (reason: string, secondsAgo: number): VerificationContext =>
    verificationContext({
      waitingSince: new Map([['pod-1/web', { reason, since: NOW - seconds(secondsAgo) }]]),
    });

  test.each([
    ['ErrImageNeverPull', 0],
    ['InvalidImageName', 0],
    ['CreateContainerConfigError', 30],
    ['CreateContainerError', 30],
    ['RunContainerError', 30],
    ['ErrImagePull', 60],
    ['ImagePullBackOff', 60],
  ])('for %s fails its pod after %i s', (reason, patience) => {
    expect(isTerminalReason(reason)).toBe(true);
    const pod = waiting(reason, 'no such thing');
    expect(evaluatePod(pod, undefined, seen(waitingFamily(reason), patience), NOW)).toMatchObject({
      state: 'Failed',
      reason,
      message: `container web cannot start, ${reason}: no such thing`,
    });
    if (patience > 0) {
      const early = evaluatePod(pod, undefined, seen(waitingFamily(reason), patience - 1), NOW);
      expect(early.state).not.toBe('Failed');
      expect(early.lookAt).toBe(NOW + 1000);
    }
  });

  test.each(['CrashLoopBackOff', 'ContainerCreating', 'PodInitializing', ''])(
    'for "%s" is waited for',
    (reason) => {
      expect(isTerminalReason(reason)).toBe(false);
      expect(evaluatePod(waiting(reason), undefined, verificationContext(), NOW).state).toBe('Waiting');
    },
  );

  test('keeps its clock while the kubelet says ErrImagePull and ImagePullBackOff in turn', () => {
    expect(waitingFamily('ImagePullBackOff')).toBe(waitingFamily('ErrImagePull'));
  });
});

describe('restarts', () => {
  const crashed = (restarts: number, change: Partial<PodView> = {}): PodView =>
    podOf({ containers: [containerOf({ restarts, exitCode: 3 })], ...change });

  test('beyond maxRestarts fail a pod that this attempt made', () => {
    expect(evaluatePod(crashed(2), undefined, verificationContext(), NOW).state).toBe('Waiting');
    expect(evaluatePod(crashed(3), undefined, verificationContext(), NOW)).toMatchObject({
      state: 'Failed',
      reason: 'TooManyRestarts',
      message: 'container web restarted 3 times, last with exit code 3 (maxRestarts 2)',
    });
  });

  test('of a pod that was there before say nothing about this version', () => {
    expect(
      evaluatePod(crashed(9, { createdAt: NOW - seconds(600) }), undefined, verificationContext(), NOW).state,
    ).toBe('Waiting');
  });

  test('of a pod made in the very second of the start count: creation times are whole seconds', () => {
    const verification = verificationContext({ startedAt: NOW - 59_300 });
    expect(evaluatePod(crashed(3, { createdAt: NOW - 60_000 }), undefined, verification, NOW).state).toBe(
      'Failed',
    );
  });
});

describe('a stored verdict', () => {
  const storedOn = (
    status: 'True' | 'False',
    reason: string,
    message: string,
    pod: PodView = podOf(),
  ): PodView =>
    podOf({
      conditions: {
        ...podOf().conditions,
        [VERIFIED]: { status, reason, message: withPins(message, 'proof-1', pod), since: NOW },
      },
    });

  test.each([
    ['True', 'PostCheckPassed', 'Passed'],
    ['True', 'AllSkipped', 'Skipped'],
    ['False', 'SchemaTooOld', 'Failed'],
  ] as const)('of %s %s stands without asking again', (status, reason, state) => {
    expect(
      evaluatePod(storedOn(status, reason, 'as it was'), undefined, verificationContext(), NOW),
    ).toMatchObject({
      state,
      reason,
      message: 'as it was',
      recorded: true,
    });
  });

  test('is void for another verification and after a restart', () => {
    const pod = storedOn('True', 'PostCheckPassed', '');
    expect(evaluatePod(pod, undefined, verificationContext({ id: 'proof-2' }), NOW).state).toBe('Waiting');
    expect(
      evaluatePod(
        { ...pod, containers: [containerOf({ id: 'containerd://bbbb' })] },
        undefined,
        verificationContext(),
        NOW,
      ).state,
    ).toBe('Waiting');
  });
});
