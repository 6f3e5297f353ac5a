import { describe, expect, test } from '@jest/globals';
import {
  conditionOf,
  containerOf,
  exit,
  NOW,
  notReady,
  podOf,
  proofOf,
  recordOf,
  roundOf,
} from '../../test/support/snapshots.ts';
import { VERIFIED } from '../api/names.ts';
import type { PodView } from '../api/views.ts';
import { isTerminalReason, judgePod, nextRoundAt, type Proof, podDeadline, waitingFamily } from './judge.ts';
import { addRound, type PodRecord } from './round.ts';
import { pinned } from './stored-verdict.ts';

const seconds = (count: number): number => count * 1000;
const asked = (
  code: number,
  proof: Proof,
  startedAt = NOW - 100,
  pod: PodView = podOf(),
  times = 1,
): PodRecord => {
  let record: PodRecord | undefined;
  const context = { spec: proof.spec, proof: proof.id, inFallback: proof.inFallback };
  for (let i = 0; i < times; i++) {
    record = addRound(record, context, pod, {
      ...roundOf(exit(code), pod, proof.spec),
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
  test('counts from the latest of the creation of the pod, the start of the proof, and the last resume', () => {
    const pod = podOf({ createdAt: NOW - seconds(50) });
    expect(podDeadline(pod, proofOf({ startedAt: NOW - seconds(90) }))).toBe(NOW + seconds(550));
    expect(podDeadline(pod, proofOf({ startedAt: NOW - seconds(10) }))).toBe(NOW + seconds(590));
    expect(podDeadline(pod, proofOf({ startedAt: NOW - seconds(90), resumedAt: NOW - seconds(5) }))).toBe(
      NOW + seconds(595),
    );
  });

  test('comes after the initial delay', () => {
    expect(podDeadline(podOf(), proofOf({ postCheck: { initialDelaySeconds: 30 } }))).toBe(
      NOW - seconds(60) + seconds(630),
    );
  });

  test('fails a pod that said Retry only by a try made at it or later', () => {
    const proof = proofOf({ deadlineSeconds: 60 });
    expect(judgePod(podOf(), asked(17, proof, NOW - 1), proof, NOW + seconds(20))).toMatchObject({
      state: 'Retrying',
      reason: 'ProbeFailed',
    });
    expect(judgePod(podOf(), asked(17, proof, NOW), proof, NOW + 100)).toMatchObject({
      state: 'Failed',
      message: 'readiness-probe in container web exited 17 (ProbeFailed) until the deadline of 1m',
    });
  });

  test('does not fail a pod that could not be asked, unless the owner wants it', () => {
    const silent = (proof: Proof) =>
      addRound(undefined, { spec: proof.spec, proof: proof.id, inFallback: false }, podOf(), {
        ...roundOf({ kind: 'unreachable', message: 'connection lost' }),
        startedAt: NOW,
      });
    const wait = proofOf({ deadlineSeconds: 60 });
    expect(judgePod(podOf(), silent(wait), wait, NOW)).toMatchObject({
      state: 'Inconclusive',
      reason: 'NoEvidence',
    });
    const act = proofOf({ deadlineSeconds: 60, postCheck: { onInconclusive: 'Fallback' } });
    expect(judgePod(podOf(), silent(act), act, NOW)).toMatchObject({
      state: 'Failed',
      reason: 'InconclusiveAtDeadline',
    });
  });

  test('leaves a pod that cannot be scheduled inconclusive, never failed', () => {
    const proof = proofOf({ deadlineSeconds: 60, postCheck: { onInconclusive: 'Fallback' } });
    const pod = podOf({
      phase: 'Pending',
      node: '',
      conditions: { PodScheduled: conditionOf('False', 60, 'Unschedulable', 'no node fits') },
      containers: [containerOf({ id: '', state: 'waiting', ready: false })],
    });
    const record = addRound(undefined, { spec: proof.spec, proof: proof.id, inFallback: false }, pod, {
      startedAt: NOW,
      finishedAt: NOW,
      results: [],
    });
    expect(judgePod(pod, record, proof, NOW)).toMatchObject({
      state: 'Inconclusive',
      reason: 'Unschedulable',
    });
  });
});

describe('rounds', () => {
  test('pass a pod after successThreshold of them in a row', () => {
    const proof = proofOf({ postCheck: { successThreshold: 3 } });
    expect(judgePod(podOf(), asked(0, proof, NOW, podOf(), 2), proof, NOW).state).toBe('Waiting');
    expect(judgePod(podOf(), asked(0, proof, NOW, podOf(), 3), proof, NOW)).toMatchObject({
      state: 'Passed',
      stored: false,
      message: 'readiness-probe in container web exited 0',
    });
  });

  test('fail a pod after failureThreshold of them in a row, before any deadline', () => {
    const proof = proofOf({ postCheck: { failureThreshold: 2 } });
    expect(judgePod(podOf(), asked(5, proof), proof, NOW).state).toBe('Retrying');
    expect(judgePod(podOf(), asked(5, proof, NOW, podOf(), 2), proof, NOW)).toMatchObject({
      state: 'Failed',
      message:
        'readiness-probe in container web exited 5 (ProbeFailed), 2 times in a row (failureThreshold 2)',
    });
  });

  test('of another proof, or of containers that are gone, say nothing', () => {
    const proof = proofOf();
    expect(judgePod(podOf(), recordOf({ proof: 'proof-0' }), proof, NOW).state).toBe('Waiting');
    const restarted = podOf({ containers: [containerOf({ id: 'containerd://bbbb' })] });
    expect(judgePod(restarted, asked(0, proof), proof, NOW).state).toBe('Waiting');
  });
});

describe('the next round', () => {
  const proof = proofOf({ postCheck: { periodSeconds: 10, initialDelaySeconds: 5 } });

  test('is the first one when the container has run for the initial delay', () => {
    const pod = podOf({ containers: [containerOf({ startedAt: NOW - seconds(2) })] });
    expect(nextRoundAt(pod, undefined, proof, NOW)).toBe(NOW + seconds(3));
  });

  test('comes a period later, give or take a fifth, the same for the same pod every time', () => {
    const record = asked(17, proof, NOW);
    const at = nextRoundAt(podOf(), record, proof, NOW) ?? 0;
    expect(at).toBeGreaterThanOrEqual(NOW + seconds(8));
    expect(at).toBeLessThanOrEqual(NOW + seconds(12));
    expect(nextRoundAt(podOf(), record, proof, NOW + 1000)).toBe(at);
    expect(nextRoundAt(podOf({ uid: 'pod-2' }), record, proof, NOW)).not.toBe(at);
  });

  test('comes at once when the pod has become ready since', () => {
    expect(nextRoundAt(podOf(), asked(17, proof, NOW, notReady()), proof, NOW + 10)).toBe(NOW + 10);
  });

  test('is made at the deadline, also of a pod in which nothing runs', () => {
    const short = proofOf({ deadlineSeconds: 65 });
    expect(nextRoundAt(podOf(), asked(17, short, NOW), short, NOW)).toBe(NOW + seconds(5));
    expect(nextRoundAt(waiting('ContainerCreating'), undefined, short, NOW)).toBe(NOW + seconds(5));
  });

  test('is not wanted of a pod that passed, failed, or is on a lost node', () => {
    expect(judgePod(podOf(), asked(0, proof), proof, NOW).roundAt).toBeUndefined();
    expect(judgePod(podOf(), undefined, proofOf({ nodeReady: () => false }), NOW)).toMatchObject({
      state: 'Inconclusive',
      reason: 'NodeUnreachable',
    });
    expect(judgePod(podOf(), undefined, proofOf({ nodeReady: () => false }), NOW).roundAt).toBeUndefined();
  });
});

describe('a container that cannot start', () => {
  const seen = (reason: string, secondsAgo: number): Proof =>
    proofOf({ waitingSince: new Map([['pod-1/web', { reason, since: NOW - seconds(secondsAgo) }]]) });

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
    expect(judgePod(pod, undefined, seen(waitingFamily(reason), patience), NOW)).toMatchObject({
      state: 'Failed',
      reason,
      message: `container web cannot start, ${reason}: no such thing`,
    });
    if (patience > 0) {
      const early = judgePod(pod, undefined, seen(waitingFamily(reason), patience - 1), NOW);
      expect(early.state).not.toBe('Failed');
      expect(early.lookAt).toBe(NOW + 1000);
    }
  });

  test.each(['CrashLoopBackOff', 'ContainerCreating', 'PodInitializing', ''])(
    'for "%s" is waited for',
    (reason) => {
      expect(isTerminalReason(reason)).toBe(false);
      expect(judgePod(waiting(reason), undefined, proofOf(), NOW).state).toBe('Waiting');
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
    expect(judgePod(crashed(2), undefined, proofOf(), NOW).state).toBe('Waiting');
    expect(judgePod(crashed(3), undefined, proofOf(), NOW)).toMatchObject({
      state: 'Failed',
      reason: 'TooManyRestarts',
      message: 'container web restarted 3 times, last with exit code 3 (maxRestarts 2)',
    });
  });

  test('of a pod that was there before say nothing about this version', () => {
    expect(judgePod(crashed(9, { createdAt: NOW - seconds(600) }), undefined, proofOf(), NOW).state).toBe(
      'Waiting',
    );
  });

  test('of a pod made in the very second of the start count: creation times are whole seconds', () => {
    const proof = proofOf({ startedAt: NOW - 59_300 });
    expect(judgePod(crashed(3, { createdAt: NOW - 60_000 }), undefined, proof, NOW).state).toBe('Failed');
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
        [VERIFIED]: { status, reason, message: pinned(message, 'proof-1', pod), since: NOW },
      },
    });

  test.each([
    ['True', 'PostCheckPassed', 'Passed'],
    ['True', 'AllSkipped', 'Skipped'],
    ['False', 'SchemaTooOld', 'Failed'],
  ] as const)('of %s %s stands without asking again', (status, reason, state) => {
    expect(judgePod(storedOn(status, reason, 'as it was'), undefined, proofOf(), NOW)).toMatchObject({
      state,
      reason,
      message: 'as it was',
      stored: true,
    });
  });

  test('is void for another proof and after a restart', () => {
    const pod = storedOn('True', 'PostCheckPassed', '');
    expect(judgePod(pod, undefined, proofOf({ id: 'proof-2' }), NOW).state).toBe('Waiting');
    expect(
      judgePod({ ...pod, containers: [containerOf({ id: 'containerd://bbbb' })] }, undefined, proofOf(), NOW)
        .state,
    ).toBe('Waiting');
  });
});
