/** What the controller does by itself, and what it cannot do, at the progress deadline. */
import { describe, expect, test } from '@jest/globals';
import {
  ago,
  conditionOf,
  containerOf,
  fallbackOf,
  NOW,
  notReady,
  OLD,
  oldPodOf,
  podOf,
  snapshotOf,
  statusOf,
  templateOf,
  upgradeOf,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import type { PodView, WarningView, WorkloadView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';

/** A fallback whose one pod has passed, the last thing that happened 16 minutes ago; the controller has yet to count it as available. */
function fallback(workload: Partial<WorkloadView>, given: Partial<UpgradeStatus> = {}, spec: object = {}) {
  const status = statusOf(
    {
      phase: 'FallbackChecking',
      fallback: fallbackOf({ startedAt: ago(2000), rolledAt: ago(1990), revision: 'new' }),
      ...given,
    },
    { progressAt: ago(960), startedAt: ago(2100), maxPassed: 1 },
  );
  const upgrade = upgradeOf({ status, spec: { ...spec } });
  const pods = [withResult(upgrade, oldPodOf({ revision: 'new' }))];
  const rolledBack = { containers: templateOf(OLD), available: 0, ...workload } as object;
  return decide(snapshotOf({ upgrade, pods, workload: workloadOf(rolledBack) })).status;
}

describe('a fallback whose pods have passed', () => {
  test('waits as long as the controller itself waits', () => {
    expect(fallback({ ownWaitSeconds: 75 }).phase).toBe('FallbackChecking');
  });

  test('and whose controller stops is not explained by a pod that passed', () => {
    const status = fallback({ ownWaitSeconds: 0 });
    expect(status).toMatchObject({
      phase: 'FallbackFailed',
      attempt: { end: { reason: 'NoProgress' } },
    });
  });
});

test('the fallback of an attempt in stages proceeds in one step, without an approval', () => {
  const stages = [{ name: 'canary', pods: 1, approval: 'Manual' }, { name: 'rest' }];
  const state = { desired: 1, verified: 0 };
  const status = fallback(
    { available: 1 },
    {
      stages: [
        { name: 'canary', state: 'Rolling', ...state },
        { name: 'rest', state: 'Waiting', ...state },
      ],
    },
    { strategy: { stages } },
  );
  expect(status.phase).toBe('FellBack');
});

describe('an attempt whose controller is done', () => {
  const decided = (count: number, verifiedPods: number, desired = count) => {
    const status = statusOf({}, { maxUpdated: count, progressAt: ago(1) });
    const upgrade = upgradeOf({ status });
    const pods = Array.from({ length: count }, (_, index): PodView => {
      const pod = podOf({ name: `web-${index}`, uid: `web-${index}` });
      const ready = { ...pod, conditions: { ...pod.conditions, Ready: conditionOf('True') } };
      return index < verifiedPods ? withResult(upgrade, pod) : ready;
    });
    const all = { desired, updated: count, ready: count, available: count, total: count };
    return decide(snapshotOf({ upgrade, pods, workload: workloadOf(all) })).status;
  };

  test('has succeeded when every wanted pod has its result, and not before', () => {
    expect(decided(2, 2).phase).toBe('Succeeded');
    expect(decided(2, 1).phase).toBe('PostChecking');
    // One more than is wanted, such as one that the controller is about to remove.
    expect(decided(3, 2, 2).phase).toBe('PostChecking');
  });

  test('has not succeeded while no pods are wanted: nothing has verified the version', () => {
    expect(decided(0, 0)).toMatchObject({ phase: 'PostChecking' });
    expect(decided(0, 0).attempt?.end).toBeUndefined();
  });
});

describe('an attempt of which no pod comes into being', () => {
  const attempt = (workload: Partial<WorkloadView>) =>
    decide(
      snapshotOf({
        upgrade: upgradeOf({
          status: statusOf(
            {},
            { progressAt: ago(960), rolledAt: ago(960), startedAt: ago(970), maxUpdated: 0 },
          ),
        }),
        pods: [],
        workload: workloadOf({ updated: 0, available: 0, ...workload } as object),
      }),
    ).status;

  test('as the API server refuses its pods falls back at the progress deadline', () => {
    const replicaFailure = 'admission webhook "signed.example" denied the request: image is not signed';
    const status = attempt({ replicaFailure });
    expect(status).toMatchObject({ phase: 'FallingBack', fallback: { reason: 'PodsRefused' } });
    expect(status.message).toContain(`none of its pods can be created: ${replicaFailure}`);
  });

  test.each([
    ['kubernetes#89209', 'exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3'],
    ['zalando-incubator/kubernetes-on-aws#278', 'maximum cpu usage per Container is 16, but request is 17'],
    ['pivotal/docs-tap#3100', 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'],
  ])('as the API server would refuse pods of any version waits, and says so (%s)', (_issue, why) => {
    const replicaFailure = `pods "web-x" is forbidden: ${why}`;
    expect(attempt({ replicaFailure })).toMatchObject({
      phase: 'Inconclusive',
      message: `No verdict on web:2.0 yet: 0 of 1 pod passed; ${replicaFailure}`,
    });
  });

  test('for no known reason is inconclusive', () => {
    expect(attempt({}).phase).toBe('Inconclusive');
  });
});

describe('a controller that does not observe the new template, as when a quota forbids its revision', () => {
  const decided = (seconds: number, observedGeneration: number) => {
    const progress = { progressAt: ago(seconds), rolledAt: ago(seconds), startedAt: ago(seconds + 1) };
    const status = statusOf({ targetGeneration: 4 }, progress);
    const workload = workloadOf({ kind: 'StatefulSet', generation: 5, observedGeneration } as object);
    return decide(
      snapshotOf({ upgrade: upgradeOf({ status }), workload, updateRevision: undefined, pods: [] }),
    );
  };
  const SAID =
    "the controller of StatefulSet web has not observed the change: kube-controller-manager may be down, a quota may forbid a further ControllerRevision, or somebody may write to the StatefulSet so often that its controller's own writes conflict";

  test('is named after half a minute, for which the attempt wakes up', () => {
    const { status, wakeAt } = decided(29, 3);
    expect(status.message).not.toContain(SAID);
    expect(wakeAt).toBeLessThanOrEqual(NOW + 1000);
    expect(decided(30, 3).status.message).toContain(SAID);
  });

  test('and not because of a later change of somebody else', () => {
    expect(decided(30, 4).status.message).not.toContain(SAID);
  });

  test('is no evidence against the version, however long', () => {
    const { status } = decided(960, 3);
    expect(status.phase).toBe('Inconclusive');
    expect(status.message).toContain(SAID);
  });
});

describe('an attempt on a StatefulSet of which a pod is not Ready', () => {
  const attempt = (revision: string) =>
    decide(
      snapshotOf({
        upgrade: upgradeOf({
          status: statusOf({ from: { images: { web: OLD }, revision: 'old', baseline: [] } }),
        }),
        pods: [notReady({ name: 'web-2', revision })],
        workload: workloadOf({ kind: 'StatefulSet', ordered: true, updated: 0, updateRevision: 'new' }),
      }),
    );

  test('names one that ran before, and the command, and leaves it alone', () => {
    const { action, status } = attempt('old');
    expect(action.kind).not.toBe('deletePods');
    expect(status.message).toContain('kubectl delete pod web-2 -n shop');
  });

  test('frees one of a version in between, and does not send the user', () => {
    const { action, status } = attempt('between');
    expect(action).toMatchObject({ kind: 'deletePods', reason: 'StuckPodDeleted' });
    expect(status.message).not.toContain('kubectl delete');
  });
});

describe('an attempt on a DaemonSet of which a pod is missing', () => {
  const REFUSED = 'pods "web-x" is forbidden: image is not signed';
  const attempt = (
    idleSeconds: number,
    seen?: { readonly secondsAgo: number; readonly warning?: WarningView },
    pods: PodView[] = [],
  ) =>
    decide(
      snapshotOf({
        upgrade: upgradeOf({
          status: statusOf(
            {},
            { progressAt: ago(idleSeconds), rolledAt: ago(idleSeconds), startedAt: ago(970), maxUpdated: 0 },
          ),
        }),
        pods,
        workload: workloadOf({ kind: 'DaemonSet', updated: 0, available: 0 }),
        eventsSeen: () => seen && { at: NOW - seen.secondsAgo * 1000, warning: seen.warning },
      }),
    );
  const none = { secondsAgo: 10 };
  const warned = (secondsAgo: number) => ({
    secondsAgo: 10,
    warning: { reason: 'FailedCreate', message: REFUSED, at: NOW - secondsAgo * 1000 },
  });

  test('reads events when it has been missing for a while, and again later', () => {
    expect(attempt(5).action.kind).not.toBe('readWarning');
    expect(attempt(5).wakeAt).toBe(NOW + 5000);
    expect(attempt(10).action).toMatchObject({ kind: 'readWarning' });
    expect(attempt(20, none).action.kind).not.toBe('readWarning');
    expect(attempt(20, none).wakeAt).toBe(NOW + 20_000);
    expect(attempt(50, { secondsAgo: 30 }).action).toMatchObject({ kind: 'readWarning' });
  });

  test('reads no events when no pod is missing', () => {
    expect(attempt(60, undefined, [podOf({ revision: 'old' })]).action.kind).not.toBe('readWarning');
  });

  test('says what an event says, and falls back at the progress deadline', () => {
    const early = attempt(60, warned(50)).status;
    expect(early).toMatchObject({ phase: 'Upgrading', message: expect.stringContaining(`; ${REFUSED}`) });
    expect(attempt(960, warned(50)).status).toMatchObject({
      phase: 'FallingBack',
      fallback: { reason: 'PodsRefused', cause: expect.stringContaining(REFUSED) },
    });
  });

  test.each([
    'admission webhook "validate.kyverno.svc-fail" denied the request: image is not signed',
    'Pod "web-x" is invalid: spec.containers[0].image: Invalid value',
    `pods "web-x" is forbidden: ValidatingAdmissionPolicy 'signed' with binding 'signed' denied request: not signed`,
  ])('takes a refusal for evidence: %s', (said) => {
    expect(
      attempt(960, { ...warned(50), warning: { ...warned(50).warning, message: said } }).status.phase,
    ).toBe('FallingBack');
  });

  test.each([
    'Internal error occurred: failed calling webhook "pods.example.com": failed to call webhook: connection refused',
    'Timeout: request did not complete within requested timeout - context deadline exceeded',
    'the server is currently unable to handle the request',
    'pods "web-x" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=3, limited: pods=3',
    'Pod "web-x" is invalid: spec.containers[0].resources.requests: Invalid value: "2"',
  ])('waits as long as nobody has answered about the version, and says so: %s', (said) => {
    const seen = { ...warned(50), warning: { ...warned(50).warning, message: said } };
    const { status } = attempt(960, seen);
    expect(status).toMatchObject({ phase: 'Inconclusive', message: expect.stringContaining(said) });
  });

  test('does not take an event from before the rollout for evidence', () => {
    const { status } = attempt(960, warned(970));
    expect(status.phase).toBe('Inconclusive');
    expect(status.message).not.toContain(REFUSED);
  });
});

describe('a pod that is not started', () => {
  const FAILED_MOUNT = {
    reason: 'FailedMount',
    message: 'MountVolume.SetUp failed for volume "data" : hostPath type check failed',
    at: NOW,
  };
  const held = (name: string, reason: string, seconds: number, change: Partial<PodView> = {}) =>
    podOf({
      name,
      uid: name,
      phase: 'Pending',
      createdAt: NOW - seconds * 1000,
      conditions: { PodScheduled: conditionOf('True'), ContainersReady: conditionOf('False') },
      containers: [containerOf({ id: '', state: 'waiting', reason, ready: false })],
      ...change,
    });
  const attempt = (pods: PodView[], seen?: { readonly secondsAgo: number; readonly warning?: WarningView }) =>
    decide(
      snapshotOf({
        upgrade: upgradeOf({
          status: statusOf({}, { progressAt: ago(5), rolledAt: ago(300), startedAt: ago(300) }),
        }),
        pods,
        workload: workloadOf({ desired: 3, updated: pods.length, available: 0 }),
        eventsSeen: () => seen && { at: NOW - seen.secondsAgo * 1000, warning: seen.warning },
      }),
    );
  const readOf = (pods: PodView[], seen?: { readonly secondsAgo: number }) => {
    const { action } = attempt(pods, seen);
    return action.kind === 'readWarning' ? action.about.name : undefined;
  };

  test.each(['ContainerCreating', 'PodInitializing', ''])(
    'as it is "%s", has its events read after ten seconds, and again every thirty',
    (reason) => {
      expect(readOf([held('a', reason, 9)])).toBeUndefined();
      expect(attempt([held('a', reason, 9)]).wakeAt).toBeLessThanOrEqual(NOW + 1000);
      expect(readOf([held('a', reason, 10)])).toBe('a');
      expect(readOf([held('a', reason, 60)], { secondsAgo: 29 })).toBeUndefined();
      expect(readOf([held('a', reason, 60)], { secondsAgo: 30 })).toBe('a');
    },
  );

  test('is one of many: the events of one of them are read, and it is the one that the sentence names', () => {
    const pods = ['c', 'a', 'b'].map((name) => held(name, 'ContainerCreating', 60));
    expect(readOf(pods)).toBe('a');
    const { status, action } = attempt(pods, { secondsAgo: 1, warning: FAILED_MOUNT });
    expect(action.kind).not.toBe('readWarning');
    expect(status.message).toContain(
      'pod a on node-1: not ready: container web is ContainerCreating (FailedMount: MountVolume.SetUp failed for volume "data" : hostPath type check failed)',
    );
  });

  test.each<[string, PodView]>([
    ['a reason of its own', held('a', 'ErrImagePull', 60)],
    ['a container that runs', podOf({ name: 'a', conditions: { ContainersReady: conditionOf('False') } })],
    [
      'the word of the scheduler',
      held('a', '', 60, {
        conditions: { PodScheduled: conditionOf('False', 60, 'Unschedulable', 'no room') },
      }),
    ],
  ])('with %s costs no request', (_, pod) => {
    expect(readOf([pod])).toBeUndefined();
  });

  test('and has no event that says why, is reported with the reason alone', () => {
    expect(attempt([held('a', 'ContainerCreating', 60)], { secondsAgo: 1 }).status.message).toMatch(
      /not ready: container web is ContainerCreating(;|$)/,
    );
  });
});

describe('the deadline for progress', () => {
  /** An attempt whose last progress was so long ago, with these pods. */
  function plan(
    idleSeconds: number,
    pods: readonly PodView[],
    {
      status: change = {},
      spec = {},
      desired = 3,
    }: { status?: Partial<UpgradeStatus>; spec?: object; desired?: number } = {},
  ) {
    const status = statusOf(change, {
      progressAt: ago(idleSeconds),
      rolledAt: ago(2000),
      startedAt: ago(2000),
    });
    const upgrade = upgradeOf({ status, spec: { ...spec } });
    const workload = workloadOf({ desired, updated: pods.length, available: 0, total: desired });
    return decide(snapshotOf({ upgrade, pods, workload }));
  }
  const lost = { nodeReady: () => false };

  test('is in the status while it runs, and the next decision is due then', () => {
    const { status, wakeAt } = plan(60, [podOf({ deleting: true })]);
    expect(status).toMatchObject({ phase: 'Upgrading', attempt: { deadlineAt: ago(-840) } });
    expect(wakeAt).toBe(NOW + 840_000);
  });

  test('is not in the status once it has passed, and the attempt has no verdict', () => {
    const { status } = plan(900, []);
    expect(status.phase).toBe('Inconclusive');
    expect(status.attempt?.deadlineAt).toBeUndefined();
  });

  test('does not run without desired pods', () => {
    const { status } = plan(9000, [], { desired: 0 });
    expect(status.phase).toBe('PostChecking');
    expect(status.attempt?.deadlineAt).toBeUndefined();
  });

  test('does not run while a stage waits, and the next decision is due at the end of its soak', () => {
    const stage = { name: 'all', state: 'Soaking', desired: 1, verified: 1, soakUntil: ago(-20) } as const;
    const spec = { strategy: { stages: [{ name: 'all', soakSeconds: 60 }] }, postCheck: { checks: [] } };
    const upgrade = upgradeOf({
      status: statusOf({ stages: [stage] }, { progressAt: ago(900), maxPassed: 1 }),
      spec,
    });
    const pods = [withResult(upgrade, podOf({ createdAt: NOW }))];
    const { status, wakeAt } = decide(snapshotOf({ upgrade, pods, workload: workloadOf() }));
    expect(status).toMatchObject({ phase: 'PostChecking', waiting: { reason: 'Soaking' } });
    expect(status.attempt?.deadlineAt).toBeUndefined();
    expect(wakeAt).toBe(NOW + 20_000);
  });

  test('is not needed for a pod that cannot be probed: there is no verdict at once', () => {
    const upgrade = upgradeOf({ status: statusOf({}, { progressAt: ago(9) }) });
    expect(decide(snapshotOf({ upgrade, ...lost })).status.phase).toBe('Inconclusive');
    const back = statusOf(
      { phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(5) }) },
      { progressAt: ago(9) },
    );
    const restored = workloadOf({ containers: templateOf(OLD) });
    const falling = { upgrade: upgradeOf({ status: back }), workload: restored, ...lost };
    expect(decide(snapshotOf(falling)).status.phase).toBe('FallbackChecking');
  });
});

test('a fallback without evidence, and without progress, could not be verified', () => {
  const { phase, attempt } = fallback({ ownWaitSeconds: 0, desired: 2 });
  expect(phase).toBe('FallbackFailed');
  expect(attempt?.end?.cause).toContain('; the fallback could not be verified: no progress for 15m');
});
