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
  specOf,
  verificationContext,
} from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import { resultText } from '../report/cause-text.ts';
import { waitingFamily } from './container-findings.ts';
import type { VerificationContext } from './context.ts';
import { evaluatePod } from './pod.ts';
import { addCycle, type PodRecord } from './probe-cycle.ts';
import { withPins } from './recorded.ts';
import { nextCycleAt, podDeadline } from './schedule.ts';

const seconds = (count: number): number => count * 1000;
/** A pod's result with its reason and its words beside it. */
function evaluate(...args: Parameters<typeof evaluatePod>) {
  const result = evaluatePod(...args);
  return { ...result, reason: result.cause.reason, message: resultText(result) };
}
function probed(
  code: number,
  verification: VerificationContext,
  startedAt = NOW - 100,
  pod: PodView = podOf(),
  times = 1,
): PodRecord {
  let record: PodRecord | undefined;
  const context = {
    spec: verification.spec,
    template: verification.template,
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
}
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

  test('is reported while it runs: not for a pod with a result, and not while suspended', () => {
    const verification = verificationContext({ deadlineSeconds: 600 });
    const deadlineOf = (context: VerificationContext, code: number) =>
      evaluate(podOf(), probed(code, context), context, NOW).deadlineAt;
    expect(deadlineOf(verification, 17)).toBe(podDeadline(podOf(), verification));
    expect(deadlineOf(verification, 0)).toBeUndefined();
    expect(deadlineOf({ ...verification, isPaused: true }, 17)).toBeUndefined();
  });

  test('comes after the initial delay', () => {
    expect(podDeadline(podOf(), verificationContext({ postCheck: { initialDelaySeconds: 30 } }))).toBe(
      NOW - seconds(60) + seconds(630),
    );
  });

  test('fails a retrying pod only by a try made at or after it', () => {
    const verification = verificationContext({ deadlineSeconds: 60 });
    expect(
      evaluate(podOf(), probed(17, verification, NOW - 1), verification, NOW + seconds(20)),
    ).toMatchObject({
      state: 'Retrying',
      reason: 'ProbeFailed',
    });
    expect(evaluate(podOf(), probed(17, verification, NOW), verification, NOW + 100)).toMatchObject({
      state: 'Failed',
      message: 'readiness-probe in container web exited 17 (ProbeFailed) until the deadline of 1m',
    });
  });

  test('does not fail a pod that could not be probed, unless the spec says so', () => {
    const silent = (verification: VerificationContext) =>
      addCycle(
        undefined,
        {
          spec: verification.spec,
          template: verification.template,
          verification: verification.id,
          inFallback: false,
        },
        podOf(),
        {
          ...cycleOf({ kind: 'unreachable', message: 'connection lost' }),
          startedAt: NOW,
        },
      );
    const wait = verificationContext({ deadlineSeconds: 60 });
    expect(evaluate(podOf(), silent(wait), wait, NOW)).toMatchObject({
      state: 'Inconclusive',
      reason: 'NoEvidence',
    });
    const act = verificationContext({ deadlineSeconds: 60, postCheck: { onInconclusive: 'Fallback' } });
    expect(evaluate(podOf(), silent(act), act, NOW)).toMatchObject({
      state: 'Failed',
      reason: 'InconclusiveAtDeadline',
    });
  });

  test.each([
    ['is waited for', 'Wait' as const, false, { state: 'Inconclusive', reason: 'Unschedulable' }],
    [
      'fails with onInconclusive: Fallback',
      'Fallback' as const,
      false,
      { state: 'Failed', reason: 'InconclusiveAtDeadline' },
    ],
    [
      'is waited for in a fallback',
      'Fallback' as const,
      true,
      { state: 'Inconclusive', reason: 'Unschedulable' },
    ],
  ])('of a pod that cannot be scheduled %s', (_what, onInconclusive, inFallback, expected) => {
    const verification = verificationContext({
      deadlineSeconds: 60,
      inFallback,
      postCheck: { onInconclusive },
    });
    const pod = podOf({
      phase: 'Pending',
      node: '',
      conditions: { PodScheduled: conditionOf('False', 60, 'Unschedulable', 'no node fits') },
      containers: [containerOf({ id: '', state: 'waiting', ready: false })],
    });
    const record = addCycle(
      undefined,
      {
        spec: verification.spec,
        template: verification.template,
        verification: verification.id,
        inFallback: false,
      },
      pod,
      {
        startedAt: NOW,
        finishedAt: NOW,
        results: [],
      },
    );
    expect(evaluate(pod, record, verification, NOW)).toMatchObject(expected);
  });
});

describe('cycles', () => {
  test('pass a pod after successThreshold of them in a row', () => {
    const verification = verificationContext({ postCheck: { successThreshold: 3 } });
    expect(evaluate(podOf(), probed(0, verification, NOW, podOf(), 2), verification, NOW).state).toBe(
      'Waiting',
    );
    expect(evaluate(podOf(), probed(0, verification, NOW, podOf(), 3), verification, NOW)).toMatchObject({
      state: 'Passed',
      recorded: false,
      message: 'readiness-probe in container web exited 0',
    });
  });

  test('fail a pod after failureThreshold of them in a row, before any deadline', () => {
    const verification = verificationContext({ postCheck: { failureThreshold: 2 } });
    expect(evaluate(podOf(), probed(5, verification), verification, NOW).state).toBe('Retrying');
    expect(evaluate(podOf(), probed(5, verification, NOW, podOf(), 2), verification, NOW)).toMatchObject({
      state: 'Failed',
      message:
        'readiness-probe in container web exited 5 (ProbeFailed), 2 times in a row (failureThreshold 2)',
    });
  });

  test('of another verification, or of containers that are gone, say nothing', () => {
    const verification = verificationContext();
    expect(evaluate(podOf(), recordOf({ verification: 'proof-0' }), verification, NOW).state).toBe('Waiting');
    const restarted = podOf({ containers: [containerOf({ id: 'containerd://bbbb' })] });
    expect(evaluate(restarted, probed(0, verification), verification, NOW).state).toBe('Waiting');
  });
});

describe('a pod that does not pass yet', () => {
  test('says how often it has passed of the times that are wanted', () => {
    const verification = verificationContext({ postCheck: { successThreshold: 3 } });
    const record = probed(0, verification, NOW - 100, podOf(), 2);
    expect(evaluate(podOf(), record, verification, NOW).message).toBe(
      'readiness-probe in container web exited 0 (Passed), 2 times in a row (successThreshold 3)',
    );
  });

  test.each([true, false])(
    'names the container that cannot be probed, with readiness.required %s',
    (required) => {
      const verification = verificationContext({ postCheck: { readiness: { required } } });
      expect(evaluate(waiting('ContainerCreating'), undefined, verification, NOW).message).toBe(
        'not ready: container web is ContainerCreating',
      );
    },
  );
});

describe('the next cycle', () => {
  const verification = verificationContext({ postCheck: { periodSeconds: 10, initialDelaySeconds: 5 } });

  test('is the first one when the container has run for the initial delay', () => {
    const pod = podOf({ containers: [containerOf({ startedAt: NOW - seconds(2) })] });
    expect(nextCycleAt(pod, undefined, verification, NOW)).toBe(NOW + seconds(3));
  });

  test('comes a period later, give or take a fifth, the same for the same pod every time', () => {
    const record = probed(17, verification, NOW);
    const at = nextCycleAt(podOf(), record, verification, NOW) ?? 0;
    expect(at).toBeGreaterThanOrEqual(NOW + seconds(8));
    expect(at).toBeLessThanOrEqual(NOW + seconds(12));
    expect(nextCycleAt(podOf(), record, verification, NOW + 1000)).toBe(at);
    expect(nextCycleAt(podOf({ uid: 'pod-2' }), record, verification, NOW)).not.toBe(at);
  });

  test('comes at once when the pod has become ready since', () => {
    const next = nextCycleAt(podOf(), probed(17, verification, NOW, notReady()), verification, NOW + 10);
    expect(next).toBeLessThanOrEqual(NOW + 10);
  });

  test('is made at the deadline, also of a pod in which nothing runs', () => {
    const short = verificationContext({ deadlineSeconds: 65 });
    expect(nextCycleAt(podOf(), probed(17, short, NOW), short, NOW)).toBe(NOW + seconds(5));
    expect(nextCycleAt(waiting('ContainerCreating'), undefined, short, NOW)).toBe(NOW + seconds(5));
  });

  test('is not wanted of a pod that passed, failed, or is on a lost node', () => {
    expect(evaluate(podOf(), probed(0, verification), verification, NOW).cycleAt).toBeUndefined();
    expect(evaluate(podOf(), undefined, verificationContext({ nodeReady: () => false }), NOW)).toMatchObject({
      state: 'Inconclusive',
      reason: 'NodeUnreachable',
    });
    expect(
      evaluate(podOf(), undefined, verificationContext({ nodeReady: () => false }), NOW).cycleAt,
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
    const pod = waiting(reason, 'no such thing');
    expect(evaluate(pod, undefined, seen(waitingFamily(reason), patience), NOW)).toMatchObject({
      state: 'Failed',
      reason,
      message: expect.stringContaining(`(${reason}: no such thing)`),
    });
    if (patience > 0) {
      const early = evaluate(pod, undefined, seen(waitingFamily(reason), patience - 1), NOW);
      expect(early.state).not.toBe('Failed');
      expect(early.lookAt).toBe(NOW + 1000);
    }
  });

  test.each(['CrashLoopBackOff', 'ContainerCreating', 'PodInitializing', ''])(
    'for "%s" is waited for',
    (reason) => {
      expect(evaluate(waiting(reason), undefined, verificationContext(), NOW).state).toBe('Waiting');
    },
  );

  test.each([
    ['RunContainerError', 'context deadline exceeded'],
    ['CreateContainerError', 'failed to reserve container name "a": name "a" is reserved for "b"'],
    ['CreateContainerConfigError', 'failed to sync secret cache: timed out waiting for the condition'],
    ['CreateContainerConfigError', 'secret "web-token" not found'],
    ['CreateContainerConfigError', 'configmap "settings" not found'],
    ['CreateContainerConfigError', "couldn't find key token in Secret shop/web-token"],
    ['CreateContainerConfigError', "couldn't find key port in ConfigMap shop/settings"],
    ['CreateContainerConfigError', 'object "shop"/"web-token" not registered'],
    ['CreateContainerConfigError', `container's runAsUser breaks non-root policy`],
    ['ErrImagePull', 'pull QPS exceeded'],
    ['ErrImagePull', 'failed to register layer: write /app.rpm: no space left on device'],
    ['CreateContainerError', 'failed to create fsnotify watcher: too many open files'],
    ['RunContainerError', 'fork/exec /usr/bin/runc: cannot allocate memory'],
    ['RunContainerError', 'fork/exec /usr/bin/runc: resource temporarily unavailable'],
    ['ImagePullBackOff', 'Back-off pulling image "a:1": ErrImagePull: 503 Service Unavailable'],
    ['ImagePullBackOff', 'Back-off pulling image "a:1": RegistryUnavailable: the registry is unavailable'],
    ['ImagePullBackOff', 'Back-off pulling image "registry.example/web:2.0"'],
  ])(
    'for %s with the message "%s", which a container of any version would meet, is waited for',
    (reason, message) => {
      const result = evaluate(waiting(reason, message), undefined, seen(waitingFamily(reason), 3600), NOW);
      expect(result).toMatchObject({
        state: 'Waiting',
        message: expect.stringContaining(message.slice(-25)),
      });
    },
  );

  test.each([
    ['ErrImagePull', 'dial tcp: lookup registry.exmaple: no such host'],
    ['ErrImagePull', 'failed to authorize: 401 Unauthorized'],
    ['CreateContainerConfigError', 'container has runAsNonRoot and image will run as root (pod: "a")'],
    ['CreateContainerConfigError', 'container has runAsNonRoot and image has non-numeric user (web)'],
    [
      'CreateContainerConfigError',
      'environment variable key "A" not found in file "/made/by/an/init/container"',
    ],
    ['CreateContainerError', 'failed to generate spec: the entrypoint says: secret "web-token" not found'],
    ['ErrImagePull', 'platform "linux/amd65" is invalid: no such architecture'],
    ['ErrImageNeverPull', 'Container image "web:2.0" is not present with pull policy of Never'],
    ['InvalidImageName', `Failed to apply default image tag ":::": couldn't parse image name ":::"`],
  ])('for %s with the message "%s" fails its pod', (reason, message) => {
    const result = evaluate(waiting(reason, message), undefined, seen(waitingFamily(reason), 60), NOW);
    expect(result.state).toBe('Failed');
  });

  test('keeps its time while the kubelet alternates between ErrImagePull and ImagePullBackOff', () => {
    expect(waitingFamily('ImagePullBackOff')).toBe(waitingFamily('ErrImagePull'));
  });
});

describe('restarts', () => {
  const crashed = (restarts: number, change: Partial<PodView> = {}): PodView =>
    podOf({ containers: [containerOf({ restarts, exitCode: 3 })], ...change });

  test('beyond maxRestarts fail a pod that this attempt made', () => {
    expect(evaluate(crashed(2), undefined, verificationContext(), NOW).state).toBe('Waiting');
    expect(evaluate(crashed(3), undefined, verificationContext(), NOW)).toMatchObject({
      state: 'Failed',
      reason: 'TooManyRestarts',
      message: 'container web restarted 3 times, last with exit code 3; allowed: 2',
    });
  });

  test('from before this verification say nothing about this version', () => {
    const before = verificationContext({ restartsBefore: () => 7 });
    expect(evaluate(crashed(9), undefined, before, NOW).state).toBe('Waiting');
    expect(evaluate(crashed(10), undefined, before, NOW).state).toBe('Failed');
  });

  test('count by whatever clock: a pod whose creation lies before our start is judged like any other', () => {
    const ahead = verificationContext({ startedAt: NOW + seconds(3) });
    expect(evaluate(crashed(9), undefined, ahead, NOW).state).toBe('Failed');
  });

  test('of a container that was not upgraded, or that somebody injected, are no evidence', () => {
    const containers = [containerOf(), containerOf({ name: 'proxy', role: 'sidecar', restarts: 9 })];
    expect(evaluate(podOf({ containers }), undefined, verificationContext(), NOW).state).toBe('Waiting');
  });

  const ended = (reason: string, change: Partial<ContainerView> = {}): PodView =>
    podOf({
      specChanges: 3,
      containers: [
        containerOf({
          restarts: 3,
          exitCode: 137,
          ended: { reason, message: 'words of the application', byRule: false },
          ...change,
        }),
      ],
    });

  test('name how the container ended last, never what it left as a message', () => {
    const { state, message } = evaluate(ended('OOMKilled'), undefined, verificationContext(), NOW);
    expect(state).toBe('Failed');
    expect(message).toBe(
      'container web restarted 3 times, last ended as OOMKilled (exit code 137); allowed: 2',
    );
  });

  test.each([
    ['that a resize in place requires', ended('Completed', { restartsToResize: true })],
    ['after the node had lost the container', ended('Unknown')],
    [
      'that its runtime could not carry out',
      ended('StartError', {
        ended: { reason: 'StartError', message: 'shim task: context deadline exceeded', byRule: false },
      }),
    ],
    ['of all containers that a restart rule of another one asks for', ended('RestartingAllContainers')],
    [
      'that a restart rule asks for',
      ended('Error', { ended: { reason: 'Error', message: '', byRule: true } }),
    ],
  ])('%s say nothing of the version', (_what, pod) => {
    expect(evaluate(pod, undefined, verificationContext(), NOW).state).toBe('Waiting');
  });

  test('count although the application says in its own message that another one did not respond', () => {
    const pod = ended('Error', {
      ended: { reason: 'Error', message: 'database: i/o timeout', byRule: false },
    });
    expect(evaluate(pod, undefined, verificationContext(), NOW).state).toBe('Failed');
  });

  test('beyond those that resizes explain do', () => {
    const pod = ended('Error', { restartsToResize: true, restarts: 6 });
    expect(evaluate(pod, undefined, verificationContext(), NOW).state).toBe('Failed');
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
        [VERIFIED]: {
          status,
          reason,
          message: withPins(message, { id: 'proof-1', spec: specOf() }, pod),
          since: NOW,
        },
      },
    });

  test.each([
    ['True', 'PostCheckPassed', 'Passed'],
    ['True', 'AllSkipped', 'Skipped'],
    ['False', 'SchemaTooOld', 'Failed'],
  ] as const)('of %s %s stands without asking again', (status, reason, state) => {
    expect(
      evaluate(storedOn(status, reason, 'as it was'), undefined, verificationContext(), NOW),
    ).toMatchObject({
      state,
      reason,
      message: 'as it was',
      recorded: true,
    });
  });

  test('is void for another verification and after a restart', () => {
    const pod = storedOn('True', 'PostCheckPassed', '');
    expect(evaluate(pod, undefined, verificationContext({ id: 'proof-2' }), NOW).state).toBe('Waiting');
    expect(
      evaluate(
        { ...pod, containers: [containerOf({ id: 'containerd://bbbb' })] },
        undefined,
        verificationContext(),
        NOW,
      ).state,
    ).toBe('Waiting');
  });
});
