/** What the fields of an Upgrade and its verbs choose, each tried on a Deployment (and on another kind where that matters). */
import { expect, test } from '@jest/globals';
import type { Json } from './support/api.ts';
import { STARTS_LATE, saw17 } from './support/endings.ts';
import { expectFellBack, expectProtected, expectServing, expectSucceeded } from './support/expectations.ts';
import { conditionOf, imageOf, isGated, isReady } from './support/pod-history.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { CONTAINER, image, NAME, REPLICAS, upgrade } from './support/workloads.ts';

const VERIFIED = 'postcheck.dev/verified';
const QUICK = { deadlineSeconds: 5 };

const given = (sentence: string, name: string, body: (s: Scenario) => Promise<void>) =>
  test.concurrent(sentence, scenario('Deployment', name, body), TEST_MS);

const conditionIn = (status: Json, type: string): Json =>
  status.conditions?.find((known: Json) => known.type === type);
const gates = (pods: readonly Json[]) =>
  pods.filter(isGated).map((pod) => conditionOf(pod, VERIFIED)?.status);

given(
  'a version that fell back is not tried again by itself, and retry tries it again',
  'retry verb',
  async (s) => {
    await s.deploy('v1', STARTS_LATE);
    await s.create(upgrade('Deployment', 'v2', { postCheck: QUICK, fallback: { verify: false } }));
    const first = await s.until('FellBack');
    expect(first.message).toMatch(/not verified, because spec.fallback.verify is false; .* exited 17/);
    await s.edit({ postCheck: { deadlineSeconds: 90 } });
    await s.until(({ observedGeneration, phase }) => observedGeneration === 2 && phase === 'FellBack');
    s.startUp('v2');

    await s.say('retry', 'once more');

    const status = await s.until('Succeeded');
    await expectSucceeded(s, status, 'v2');
    expect(status).toMatchObject({
      attempt: { number: 2, trigger: 'Retry' },
      from: { images: { [CONTAINER]: image('v1') } },
      commands: { retry: { token: 'once more', result: 'Attempt2' } },
    });
    expect(status.history.map(({ outcome }: Json) => outcome)).toEqual(['Succeeded', 'FellBack']);
    await s.saw('CommandAccepted');
  },
);

given(
  'with gate Disabled no pod is gated, and a bad version still falls back',
  'gate disabled',
  async (s) => {
    await s.deploy('v1');
    await s.create(upgrade('Deployment', 'bad17', { gate: 'Disabled', postCheck: QUICK }));

    const status = await s.until('FellBack');

    expect(conditionIn(status, 'Gated')).toMatchObject({ status: 'False', reason: 'GateDisabled' });
    expect([...s.pods.all.values()].filter(isGated)).toEqual([]);
    expect(s.pods.served).toEqual(new Set([image('v1'), image('bad17')]));
    await expectServing(s, 'v1');
  },
);

given('with gate Required a good version passes behind its gates', 'gate required', async (s) => {
  await s.deploy('v1');
  await s.create(upgrade('Deployment', 'v2', { gate: 'Required' }));

  const status = await s.until('Succeeded');

  await expectSucceeded(s, status, 'v2');
  expectProtected(s);
  expect(gates(s.pods.live)).toEqual(['True', 'True']);
});

given(
  'with fallback Pause a bad version stays behind closed gates until it is aborted',
  'fallback pause',
  async (s) => {
    await s.deploy('v1');
    await s.create(upgrade('Deployment', 'bad17', { fallback: { action: 'Pause' }, postCheck: QUICK }));

    const status = await s.until('Failed');

    expect(status).toMatchObject({
      attempt: { gating: true, end: { outcome: 'Failed', reason: 'FallbackPaused' } },
    });
    expect(status.message).toMatch(
      /failed and stays behind closed gates, because spec.fallback.action is Pause: pod .* exited 17/,
    );
    expect((await s.workload()).spec.template.spec.containers[0].image).toBe(image('bad17'));
    const held = await waitFor(
      'the held pod to say why',
      async () => s.pods.live.filter(isGated),
      (pods) => gates(pods)[0] === 'False',
    );
    expect(held.map((pod) => conditionOf(pod, VERIFIED)?.message)).toEqual([
      expect.stringMatching(/exited 17 .* until the deadline of 5s/),
    ]);
    expect(await s.saw('PostCheckFailed')).not.toContain('FallbackStarted');
    await s.say('abort', 'go back');
    await expectFellBack(s, await s.until('FellBack'), 'bad17', /aborted by postcheck.dev\/abort/);
  },
);

given('with fallback None a bad version is reported, and its rollout goes on', 'fallback none', async (s) => {
  await s.deploy('v1');
  await s.create(upgrade('Deployment', 'bad17', { fallback: { action: 'None' }, postCheck: QUICK }));

  const status = await s.until('Failed');

  expect(status).toMatchObject({
    attempt: { gating: false, end: { outcome: 'Failed', reason: 'FallbackDisabled' } },
  });
  expect(status.message).toMatch(
    /failed and was not rolled back, because spec.fallback.action is None: pod .* exited 17/,
  );
  await expectServing(s, 'bad17');
  await s.counted('Failed');
});

given(
  'a target that runs the wanted version already is verified without a write to it',
  'adopted',
  async (s) => {
    await s.deploy('v1');
    const { metadata } = await s.workload();
    await s.create(upgrade('Deployment', 'v1'));

    const status = await s.until('Succeeded');

    expect(status).toMatchObject({
      attempt: { adopted: true, gating: false },
      lastVerified: { pods: REPLICAS },
      summary: '2/2',
    });
    expect((await s.workload()).metadata.generation).toBe(metadata.generation);
    expect(s.pods.all.size).toBe(REPLICAS);
    await s.saw('PostCheckPassed');
  },
);

given(
  'a target that runs the wanted version already, and fails, is left alone: there is nothing to fall back to',
  'adopted bad',
  async (s) => {
    await s.deploy('bad17');
    await s.create(upgrade('Deployment', 'bad17', { postCheck: QUICK }));

    const status = await s.until('Failed');

    expect(status).toMatchObject({ attempt: { adopted: true, end: { reason: 'NoFallbackTarget' } } });
    expect(status.message).toMatch(
      /did not pass, and there is no previous version to fall back to: pod .* exited 17/,
    );
    await expectServing(s, 'bad17');
    expect(s.pods.all.size).toBe(REPLICAS);
  },
);

given('an Upgrade deleted mid-way puts back what ran before, and then goes', 'upgrade deleted', async (s) => {
  await s.deploy('v1');
  await s.create(upgrade('Deployment', 'bad17'));
  await s.until(saw17);
  await s.api.remove(`${s.upgradePath}/${NAME}`);

  await waitFor(
    'the Upgrade to go',
    () => s.api.list(s.upgradePath),
    (upgrades) => upgrades.length === 0,
    { timeoutSeconds: 90 },
  );
  await expectServing(s, 'v1');
  expect(s.pods.served).toEqual(new Set([image('v1')]));
});

given(
  'a fallback to a version that fails too ends FallbackFailed, loud and final',
  'fallback failed',
  async (s) => {
    await s.deploy('bad17');
    await s.create(
      upgrade('Deployment', 'crash', { postCheck: { readiness: { maxRestarts: 0 } }, fallback: QUICK }),
    );

    const status = await s.until('FallbackFailed');

    expect(status.message).toMatch(
      /^The fallback from app:crash to app:bad17 did not complete, manual intervention is required: .*exited 17/,
    );
    expect(conditionIn(status, 'Stalled').status).toBe('True');
    expect(conditionIn(status, 'FallenBack')).toMatchObject({ status: 'False', reason: 'FallbackFailed' });
    await s.saw('PostCheckFailed', 'FallbackStarted', 'FallbackFailed');
    await s.counted('FallbackFailed');
  },
);

given(
  'a fallback to a version from before the script is verified by readiness, and says so',
  'readiness only',
  async (s) => {
    await s.deploy('noscript');
    await s.create(upgrade('Deployment', 'bad17', { postCheck: QUICK }));

    const status = await s.until('FellBack');

    expect(status.fallback).toMatchObject({ state: 'Verified', verified: 'ReadinessOnly' });
    expect(status.message).toMatch(/verified by readiness only on 2 pods/);
    await expectServing(s, 'noscript');
  },
);

given('somebody else who sets the image mid-way wins, and is named', 'conflict', async (s) => {
  await s.deploy('v1');
  await s.create(upgrade('Deployment', 'bad17'));
  await s.until(saw17);
  const template = { spec: { containers: [{ name: CONTAINER, image: image('v3') }] } };
  await s.api.patch(`${s.workloadPath}/${NAME}?fieldManager=somebody`, { spec: { template } }, 'strategic');

  const status = await s.until('Failed');

  expect(status).toMatchObject({ attempt: { gating: false, end: { reason: 'ImageConflict' } } });
  expect(status.message).toMatch(`Container app was set to ${image('v3')} by somebody`);
  await expectServing(s, 'v3');
});

given('an image that changes after the success is told as drift, and not undone', 'drift', async (s) => {
  await s.deploy('v1');
  await s.create(upgrade('Deployment', 'v2'));
  await s.until('Succeeded');
  const template = { spec: { containers: [{ name: CONTAINER, image: image('v3') }] } };
  await s.api.patch(`${s.workloadPath}/${NAME}?fieldManager=somebody`, { spec: { template } }, 'strategic');

  const status = await s.until((now) => conditionIn(now, 'Ready')?.reason === 'Drifted');

  expect(status.message).toMatch(/somebody has since set container app to \S+:v3/);
  await expectServing(s, 'v3');
});

given(
  'a Deployment that wants no pods waits for some, and says that nothing is verified',
  'no pods',
  async (s) => {
    await s.deploy('v1', { spec: { replicas: 0 } });
    await s.create(upgrade('Deployment', 'v2'));

    const status = await s.until('PostChecking');

    expect(status.message).toBe('Deployment web has 0 replicas: app:v2 is verified once it has pods');
    expect(conditionIn(status, 'Ready')).toMatchObject({ status: 'True', reason: 'NoPods' });
    expect(conditionIn(status, 'Verified')).toMatchObject({ status: 'Unknown', reason: 'NoPods' });
  },
);

given(
  'pods without the script pass as skipped where that is allowed, and nothing is called verified',
  'all skipped',
  async (s) => {
    const checks = [
      { name: 'readiness-probe', exec: { command: ['/usr/bin/readiness_probe.sh'] }, whenMissing: 'Skip' },
    ];
    await s.deploy('v1');
    await s.create(upgrade('Deployment', 'noscript', { postCheck: { checks } }));

    const status = await s.until('Succeeded');

    expect(status.counts).toMatchObject({ passed: 0, skipped: REPLICAS });
    expect(conditionIn(status, 'Verified')).toMatchObject({ status: 'Unknown', reason: 'AllSkipped' });
    await expectServing(s, 'noscript');
  },
);

given('a Deployment that grows mid-way has its new pods verified too', 'scaled', async (s) => {
  await s.deploy('v1', STARTS_LATE);
  await s.create(upgrade('Deployment', 'v2'));
  await s.until(saw17);
  await s.api.patch(`${s.workloadPath}/${NAME}`, { spec: { replicas: 3 } });
  s.startUp('v2');

  const status = await s.until('Succeeded');

  expect(status.counts).toMatchObject({ desired: 3, passed: 3 });
  const pods = await waitFor(
    'three pods of the new version',
    async () => s.pods.live,
    (live) => live.length === 3,
  );
  expect(pods.every((pod) => imageOf(pod) === image('v2') && isReady(pod))).toBe(true);
});

given('a Deployment that is itself paused is told how to go on', 'workload paused', async (s) => {
  await s.deploy('v1');
  await s.api.patch(`${s.workloadPath}/${NAME}`, { spec: { paused: true } });
  await s.create(upgrade('Deployment', 'v2'));
  const stalled = await s.until((status) => conditionIn(status, 'Stalled')?.reason === 'WorkloadPaused');
  expect(stalled.message).toMatch(/kubectl rollout resume deployment\/web -n /);

  await s.api.patch(`${s.workloadPath}/${NAME}`, { spec: { paused: false } });

  await expectSucceeded(s, await s.until('Succeeded'), 'v2');
});
