import { describe, expect, test } from '@jest/globals';
import { podOf } from '../../../test/support/snapshots.ts';
import type { Unrunnable } from '../../api/enums.ts';
import { kubernetesReason } from '../../api/reasons.ts';
import type { Cause } from '../cause.ts';
import type { PodResult } from '../verification/pod-result.ts';
import type { TryRecord } from '../verification/probe-cycle.ts';
import { causeText, fallbackFailedText, resultText, whatText } from './cause-text.ts';

const probe = { check: 'probe', container: 'web' } as const;
const IMAGE = 'registry.example/web:2.0';
const DELETE = 'delete the pod, and its controller creates a new one';

test.each<[Cause, string]>([
  [{ ...probe, reason: 'ProbeFailed', exitCode: 17 }, 'probe in container web exited 17 (ProbeFailed)'],
  [{ ...probe, reason: 'ProbeFailed' }, 'probe in container web failed (ProbeFailed)'],
  [
    { ...probe, reason: 'ProbeHookCrashed', exitCode: 1 },
    'probe in container web exited 1 (ProbeHookCrashed: the readiness hook crashed)',
  ],
  [
    { ...probe, reason: 'ProbeFailed', exitCode: 3, detail: 'no licence.' },
    'probe in container web exited 3 (ProbeFailed: no licence.)',
  ],
  [
    { ...probe, reason: 'CommandMissing', image: IMAGE, command: '/bin/check' },
    'image web:2.0 has no /bin/check (CommandMissing): add it, name another check in spec.postCheck.checks, or set whenMissing: Skip',
  ],
  [
    { ...probe, reason: 'CommandMissing', image: IMAGE, command: '/bin/check --fast' },
    'image web:2.0 has no /bin/check --fast (CommandMissing): write each argument as an entry of its own in exec.command, which no shell runs',
  ],
  [
    { ...probe, reason: 'CommandMissing' },
    'image of the container has no the command of the check (CommandMissing): add it, name another check in spec.postCheck.checks, or set whenMissing: Skip',
  ],
  [
    { ...probe, reason: 'NoEvidence', detail: 'connection lost' },
    'probe in container web returned no result (NoEvidence: connection lost)',
  ],
  [
    { ...probe, reason: 'InconclusiveAtDeadline' },
    'probe in container web returned no result (InconclusiveAtDeadline)',
  ],
  [
    { reason: 'TooManyRestarts', container: 'web', restarts: 3, limit: 2 },
    'container web restarted 3 times; allowed: 2',
  ],
  [{ reason: 'TooManyRestarts', container: 'web', limit: 2 }, 'container web restarted 0 times; allowed: 2'],
  [
    { reason: 'TooManyRestarts', container: 'web', restarts: 3, limit: 2, exitCode: 1 },
    'container web restarted 3 times, last with exit code 1; allowed: 2',
  ],
  [
    {
      reason: 'TooManyRestarts',
      container: 'web',
      restarts: 3,
      limit: 2,
      ended: kubernetesReason('OOMKilled'),
    },
    'container web restarted 3 times, last ended as OOMKilled; allowed: 2',
  ],
  [
    {
      reason: 'TooManyRestarts',
      container: 'web',
      restarts: 3,
      limit: 2,
      exitCode: 137,
      ended: kubernetesReason('OOMKilled'),
    },
    'container web restarted 3 times, last ended as OOMKilled (exit code 137); allowed: 2',
  ],
  [{ reason: 'NodeUnreachable', node: 'node-1' }, 'node node-1 is not Ready'],
  [
    { reason: 'ImageChanged', container: 'web', image: 'a/web:hotfix', wanted: IMAGE },
    `container web has image web:hotfix in place of web:2.0, which its workload did not set: ${DELETE}`,
  ],
  [
    { reason: 'ImageChanged', container: 'web', image: IMAGE },
    `container web may have had another image for a while, which its workload did not set: ${DELETE}`,
  ],
  [
    { reason: 'ForeignPod' },
    `older than the revision in its labels, so its controller did not create it: ${DELETE}`,
  ],
  [
    { reason: 'ForeignPod', container: 'web', detail: '/usr/bin' },
    `a volume is mounted at /usr/bin in container web, over the check's command, but not in its workload: ${DELETE}`,
  ],
  [{ reason: 'NotProbedYet' }, 'not probed yet'],
  [{ reason: 'AllSkipped' }, 'every check was skipped'],
  [
    { ...probe, reason: 'NoCheckRan' },
    "neither this version nor the previous one has the check's command, so readiness decided",
  ],
  [{ reason: 'NotReady' }, 'not ready when it was last probed'],
  [{ reason: 'NotReady', container: 'web' }, 'not ready: container web is running but not ready'],
  [{ reason: 'NotReady', condition: 'example.com/lb' }, 'not ready: condition example.com/lb is not True'],
  [{ reason: 'NotReady', condition: 'example.com/lb', detail: 'no endpoint.' }, 'not ready: no endpoint'],
  [{ reason: 'NotStarted', container: 'web' }, 'not ready: container web is not started'],
  [{ reason: 'NotStarted' }, 'not ready: NotStarted'],
  [
    { reason: kubernetesReason('CrashLoopBackOff'), container: 'web', exitCode: 1 },
    'not ready: container web is CrashLoopBackOff (last exit code 1)',
  ],
  [
    {
      reason: kubernetesReason('CrashLoopBackOff'),
      container: 'web',
      exitCode: 137,
      ended: kubernetesReason('OOMKilled'),
      detail: 'back-off 10s',
    },
    'not ready: container web is CrashLoopBackOff (OOMKilled, last exit code 137, back-off 10s)',
  ],
  [{ reason: 'Initializing', container: 'migrate' }, 'not ready: init container migrate has not ended'],
  [
    { reason: 'Initializing', container: 'migrate', since: '2026-01-01T00:00:00.000Z' },
    'not ready: init container migrate has not ended, running since 2026-01-01T00:00:00.000Z',
  ],
  [{ reason: 'Unschedulable' }, 'not ready: no node fits'],
  [{ reason: 'Unschedulable', detail: '0/3 nodes' }, 'not ready: no node fits: 0/3 nodes'],
  [
    {
      reason: 'Unschedulable',
      detail:
        "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
    },
    "not ready: no node fits: 3 node(s) didn't have free ports for the requested pod ports",
  ],
  [
    {
      reason: 'Unschedulable',
      detail: '0/3 nodes are available: 3 Insufficient memory, 1 Insufficient cpu.',
      deadlineSeconds: 600,
    },
    'not ready: no node fits: 3 Insufficient memory, 1 Insufficient cpu until the deadline of 10m',
  ],
  [{ reason: 'MinReadySeconds', seconds: 30 }, 'ready, but for less than 30s so far'],
  [
    { reason: 'MinReadySeconds', seconds: 45, deadlineSeconds: 90 },
    'never ready for 45s in a row until the deadline of 1m30s',
  ],
  [{ reason: 'MinReadySeconds', detail: 'as it was' }, 'not ready: as it was'],
  [{ reason: 'MinReadySeconds' }, 'not ready: MinReadySeconds'],
  [
    {
      reason: kubernetesReason('ErrImagePull'),
      container: 'web',
      image: IMAGE,
      detail: `failed to pull ${IMAGE}: failed to resolve: a: not found`,
    },
    'image web:2.0 cannot be pulled (ErrImagePull: a: not found)',
  ],
  [
    { reason: kubernetesReason('InvalidImageName'), container: 'web', image: IMAGE },
    'image web:2.0 cannot be pulled (InvalidImageName)',
  ],
  [
    { reason: kubernetesReason('CreateContainerConfigError'), container: 'web', detail: 'no secret "a"' },
    'container web cannot start (CreateContainerConfigError: no secret "a")',
  ],
  [
    {
      reason: kubernetesReason('CreateContainerConfigError'),
      container: 'web',
      detail:
        'container has runAsNonRoot and image will run as root (pod: "web-5d_shop(5a3d-9b)", container: web)',
    },
    'container web cannot start (CreateContainerConfigError: container has runAsNonRoot and image will run as root)',
  ],
  [{ reason: 'PostCheckPassed', passed: 2, desired: 3 }, '2 of 3 pods passed'],
  [{ reason: 'ReadinessOnly', passed: 3, desired: 3 }, '3 of 3 pods passed'],
  [{ reason: 'NoPods', passed: 0, desired: 0 }, '0 of 0 pods passed'],
  [{ reason: 'Aborted' }, 'aborted by postcheck.dev/abort'],
  [{ reason: 'Aborted', deleted: true }, 'aborted because the Upgrade was deleted'],
  [{ reason: 'Aborted', by: 'kubectl' }, 'aborted by kubectl, which set the previous image again'],
  [{ reason: 'PodsRefused', detail: 'quota' }, 'none of its pods can be created: quota'],
  [{ reason: 'RolloutCheckFailed', check: 'errors', detail: '0.7' }, 'rollout check errors returned 0.7'],
  [{ reason: 'Superseded', trigger: 'Created' }, 'the status was lost'],
  [{ reason: 'Superseded' }, 'the status was lost'],
  [{ reason: 'Superseded', trigger: 'Retry' }, 'postcheck.dev/retry started it again'],
  [
    { reason: 'Superseded', trigger: 'ContainersChanged', detail: 'web=web:3' },
    'spec.containers changed to web=web:3',
  ],
  [
    { reason: 'TargetReplaced', trigger: 'TargetReplaced' },
    'the workload was replaced by another one with the same name',
  ],
  [{ reason: 'TargetNotFound', workload: 'Deployment web' }, 'Deployment web was deleted during the attempt'],
  [
    { reason: 'ImageConflict', container: 'web', image: 'm'.repeat(1100), by: 'argocd' },
    `container web was set to ${'m'.repeat(100)}… (1100 characters) by argocd during the attempt; postcheck does not overwrite it`,
  ],
  [
    { reason: 'ImageConflict', container: 'web', image: 'web:3 or so', by: 'kubectl. All pods are verified' },
    'container web was set to "web:3 or so" by "kubectl. All pods are verified" during the attempt; postcheck does not overwrite it',
  ],
  [
    { reason: 'ImageConflict', container: 'web', image: 'web:3', by: 'argocd' },
    'container web was set to web:3 by argocd during the attempt; postcheck does not overwrite it',
  ],
  [
    { reason: 'ImageConflict', container: 'web', image: 'web:3' },
    'container web was set to web:3 by an unknown field manager during the attempt; postcheck does not overwrite it',
  ],
  [
    { reason: 'ImageRewritten', container: 'web', image: 'm'.repeat(1024), wanted: 'web:2', limit: 1024 },
    `the API server stored an image of more than 1024 characters, ${'m'.repeat(100)}…, instead of web:2 for container web: check for an admission policy that sets it`,
  ],
  [
    { reason: 'ImageRewritten', container: 'web', image: 'web:1', wanted: 'web:2' },
    'the API server stored image web:1, which ran before, instead of web:2 for container web: check for an admission policy that sets it',
  ],
])('%j', (cause, text) => {
  expect(whatText(cause)).toBe(text);
});

test.each<[Unrunnable | undefined, string]>([
  ['NotExecutable', 'it is not executable for the user of the container (chmod +x, or a mount without exec)'],
  [undefined, 'it is not executable for the user of the container (chmod +x, or a mount without exec)'],
  ['NoInterpreter', 'the interpreter in its first line is missing (or the line has a DOS line end)'],
  ['WrongFormat', 'it is built for another CPU, or lacks the #! line'],
  ['NoWorkingDirectory', "the container's working directory is missing"],
])('a command that cannot be run for %s', (unrunnable, text) => {
  const cause: Cause = {
    ...probe,
    reason: 'CommandNotRunnable',
    image: IMAGE,
    command: '/bin/check',
    unrunnable,
  };
  expect(whatText(cause)).toBe(`/bin/check in image web:2.0 cannot be run (CommandNotRunnable): ${text}`);
});

test('an error of the kubelet is shortened', () => {
  const reason = kubernetesReason('ErrImagePull');
  expect(whatText({ reason, image: IMAGE, detail: 'x'.repeat(300) })).toBe(
    `image web:2.0 cannot be pulled (ErrImagePull: ${'x'.repeat(200)})`,
  );
});

describe('what was repeated', () => {
  test.each<[Partial<Cause>, string]>([
    [{ repeated: 2 }, ', 2 times in a row'],
    [{ repeated: 2, limit: 5 }, ', 2 times in a row (failureThreshold 5)'],
    [{ repeated: 3, limit: 5, late: true }, ', 3 times in a row after it had passed'],
    [{ late: true }, ', after it had passed'],
    [{ repeated: 3, deadlineSeconds: 90 }, ', 3 times in a row until the deadline of 1m30s'],
    [{ deadlineSeconds: 600 }, ' until the deadline of 10m'],
    [{ limit: 5 }, ''],
  ])('%j', (change, text) => {
    const cause: Cause = { ...probe, reason: 'ProbeFailed', exitCode: 5, ...change };
    expect(whatText(cause)).toBe(`probe in container web exited 5 (ProbeFailed)${text}`);
  });

  test('names the other threshold where the check passed', () => {
    expect(whatText({ ...probe, reason: 'Passed', exitCode: 0, repeated: 1, limit: 2 })).toBe(
      'probe in container web exited 0 (Passed), 1 times in a row (successThreshold 2)',
    );
  });
});

describe('where and when it happened', () => {
  const failed: Cause = { ...probe, reason: 'ProbeFailed', exitCode: 5 };
  const what = 'probe in container web exited 5 (ProbeFailed)';
  test.each<[Cause, string]>([
    [failed, what],
    [{ ...failed, pod: 'web-1' }, `pod web-1: ${what}`],
    [{ ...failed, pod: 'web-1', node: 'node-1' }, `pod web-1 on node-1: ${what}`],
    [{ ...failed, pod: 'web-1', node: 'node-1', others: 2 }, `pod web-1 on node-1 (and 2 more): ${what}`],
    [{ ...failed, idleSeconds: 600 }, `no progress for 10m; ${what}`],
    [{ reason: 'NoProgress', idleSeconds: 600 }, 'no progress for 10m'],
    [{ reason: 'NoProgress', idleSeconds: 600, detail: 'quota' }, 'no progress for 10m: quota'],
    [{ reason: 'ProbeFailed', text: 'as it was.' }, 'as it was'],
  ])('%j', (cause, text) => {
    expect(causeText(cause)).toBe(text);
  });
});

describe('the result of a pod', () => {
  const tried = (code: number | undefined, of: 'Pass' | 'Skip' = 'Pass', check = 'probe'): TryRecord =>
    ({ check, container: 'web', verdict: { class: of, exitCode: code } }) as TryRecord;
  const result = (tries: readonly TryRecord[] | undefined, change: Partial<PodResult> = {}): string =>
    resultText({
      pod: podOf(),
      state: 'Passed',
      cause: { reason: 'PostCheckPassed' },
      record: tries && { tries },
      ...change,
    } as PodResult);

  test.each<[string, readonly TryRecord[] | undefined, string]>([
    ['ready without checks', [], 'ready'],
    ['ready without a probe', undefined, 'ready'],
    ['the code', [tried(0)], 'probe in container web exited 0'],
    ['that it passed, without a code', [tried(undefined)], 'probe in container web passed'],
    ['that it was skipped', [tried(undefined, 'Skip')], 'probe in container web was skipped'],
    [
      'each of them',
      [tried(0), tried(undefined, 'Pass', 'port')],
      'probe in container web exited 0, port in container web passed',
    ],
  ])('is %s', (_, tries, text) => {
    expect(result(tries)).toBe(text);
  });

  test('is at most 400 characters long', () => {
    expect(result(Array(50).fill(tried(0)))).toHaveLength(400);
  });

  test.each<[string, Partial<PodResult>, string]>([
    ['why it does not pass', { state: 'Waiting', cause: { reason: 'NotProbedYet' } }, 'not probed yet'],
    ['what was recorded', { cause: { reason: 'PostCheckPassed', text: 'exited 0' } }, 'exited 0'],
    [
      'that no check ran',
      { cause: { reason: 'NoCheckRan' } },
      "neither this version nor the previous one has the check's command, so readiness decided",
    ],
  ])('is %s', (_, change, text) => {
    expect(result([tried(0)], change)).toBe(text);
  });
});

test.each([
  ['Failed', 'A; the fallback failed too: pod b: not probed yet'],
  ['Unverified', 'A; the fallback could not be verified: pod b: not probed yet'],
] as const)('a fallback that ended as %s', (state, text) => {
  expect(fallbackFailedText('A', { reason: 'NotProbedYet', pod: 'b' }, state)).toBe(text);
});

describe('whatever others wrote, the text is one printable line', () => {
  const hostile = 'a\u001b[31m\u202e\u0000\r\nb\u2028c';
  const shown = 'a b c';

  test('the image and the field manager of whoever set it during an attempt', () => {
    const cause: Cause = { reason: 'ImageConflict', container: 'web', image: hostile, by: hostile };
    expect(causeText(cause)).toBe(
      `container web was set to "${shown}" by "${shown}" during the attempt; postcheck does not overwrite it`,
    );
  });

  test('the image that was set in a pod, and the reason of its node', () => {
    const changed: Cause = { reason: 'ImageChanged', container: 'web', image: hostile, wanted: IMAGE };
    expect(whatText(changed)).toBe(
      `container web has image ${shown} in place of web:2.0, which its workload did not set: ${DELETE}`,
    );
    expect(whatText({ reason: 'PodEnded', detail: hostile })).toBe(`its node ended it (PodEnded: ${shown})`);
  });
});
