/** What people may do while an upgrade runs, and what becomes of it: the same for workloads of every shape. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type Json, start } from './api.ts';
import { STARTS_LATE, saw17 } from './endings.ts';
import { expectFellBack, expectProtected, expectServing, expectSucceeded } from './expectations.ts';
import { isGated, isReady } from './pod-history.ts';
import { type Scenario, scenario, TEST_MS } from './scenario.ts';
import { waitFor } from './wait.ts';
import { CONTAINER, image, NAME, type Shape, upgrade } from './workloads.ts';

const containers = (tag: string) => [{ name: CONTAINER, image: image(tag) }];
const condition = (type: string, reason: string) => (status: Json) =>
  status.conditions?.some(
    (known: Json) => known.type === type && known.status === 'True' && known.reason === reason,
  );

/** A running attempt to a version that will never pass, at the moment when its first pod has said so. */
async function failing(s: Scenario): Promise<void> {
  await s.deploy('v1');
  await s.create(upgrade(s.shape, 'bad17'));
  await s.until(saw17);
}

async function specChanged(s: Scenario): Promise<void> {
  await failing(s);
  await s.edit({ containers: containers('v2') });

  const status = await s.until('Succeeded');

  await expectSucceeded(s, status, 'v2');
  expectProtected(s);
  expect(status.from.images).toEqual({ [CONTAINER]: image('v1') });
  expect(status.attempt).toMatchObject({ number: 2, trigger: 'ContainersChanged' });
  expect(status.history.map(({ outcome }: Json) => outcome)).toEqual(['Succeeded', 'Superseded']);
  expect(s.pods.served).toEqual(new Set([image('v1'), image('v2')]));
}

const gatedPods = (s: Scenario) =>
  s.pods.live.filter(isGated).map((pod) => ({ name: pod.metadata.name, ready: isReady(pod) }));

async function paused(s: Scenario): Promise<void> {
  await s.deploy('v1', STARTS_LATE);
  await s.create(upgrade(s.shape, 'v2'));
  await s.until(saw17);
  await s.edit({ paused: true });
  await s.until(({ paused }) => paused?.since);
  s.startUp('v2');
  // Its pod passes meanwhile, and is shown so; but whatever the pause found closed stays closed.
  const standing = await s.until(
    ({ paused, counts, pods }) =>
      paused?.since && counts.passed === 0 && pods.length === 1 && pods[0].state === 'Passed',
  );
  expect(standing.message).toMatch(/^Paused by spec.paused/);
  expect(standing.conditions.find(({ type }: Json) => type === 'Reconciling')).toMatchObject({
    status: 'False',
    reason: 'Paused',
  });
  const before = gatedPods(s);
  await sleep(3000);
  expect(gatedPods(s)).toEqual(before);
  expect(before).toEqual([{ name: expect.any(String), ready: false }]);
  await s.edit({ paused: false });

  const status = await s.until('Succeeded');

  await expectSucceeded(s, status, 'v2');
  expectProtected(s);
  expect(status.paused.seconds).toBeGreaterThanOrEqual(3);
}

async function aborted(s: Scenario): Promise<void> {
  await failing(s);
  await s.say('abort', 'enough');

  const status = await s.until('FellBack');

  await expectFellBack(s, status, 'bad17', /aborted by postcheck.dev\/abort/);
  expect(status.commands.abort).toMatchObject({ token: 'enough', result: 'FallingBack' });
  const events = await s.saw('CommandAccepted', 'FallbackStarted', 'FallbackVerified');
  expect(events).not.toContain('PostCheckFailed');
}

async function undone(s: Scenario): Promise<void> {
  await failing(s);
  await start('kubectl', ['rollout', 'undo', `${s.kind.toLowerCase()}/${NAME}`, '--namespace', s.namespace]);

  const status = await s.until('FellBack');

  await expectFellBack(s, status, 'bad17', /aborted by kubectl\S*, which set the previous image again/);
}

async function targetMissing(s: Scenario): Promise<void> {
  await s.create(upgrade(s.shape, 'v2'));
  const stalled = await s.until(condition('Stalled', 'TargetNotFound'));
  expect(stalled.message).toBe(
    `${s.kind} web does not exist in namespace ${s.namespace}: create it, or delete this Upgrade and create one for the workload that you mean`,
  );
  await s.deploy('v1');

  const status = await s.until('Succeeded');

  await expectSucceeded(s, status, 'v2');
  expect(status.from.images).toEqual({ [CONTAINER]: image('v1') });
}

async function twoUpgrades(s: Scenario): Promise<void> {
  const second = `${NAME}-too`;
  await s.deploy('v1');
  await s.create(upgrade(s.shape, 'v2'));
  await s.create({ ...upgrade(s.shape, 'v3'), metadata: { name: second } });
  const claimed = await s.until(condition('Stalled', 'TargetClaimed'), 30, second);
  expect(claimed.message).toBe(`Upgrade web already acts on ${s.kind} web: delete one of the two`);
  expect(claimed.attempt).toBeUndefined();
  await expectSucceeded(s, await s.until('Succeeded'), 'v2');
  await s.api.remove(`${s.upgradePath}/${NAME}`);

  const status = await s.until('Succeeded', 90, second);

  await expectServing(s, 'v3');
  await s.counted('Succeeded', second);
  expect(status.history).toHaveLength(1);
}

async function targetDeleted(s: Scenario): Promise<void> {
  await failing(s);
  await s.api.remove(`${s.workloadPath}/${NAME}`);
  const gone = await s.until(condition('Stalled', 'TargetNotFound'));
  expect(gone).toMatchObject({
    phase: 'Aborted',
    attempt: {
      gating: false,
      end: {
        outcome: 'Aborted',
        reason: 'TargetNotFound',
        cause: `${s.kind} web was deleted during the attempt`,
      },
    },
  });
  await s.counted('Aborted');
  await waitFor(
    'all pods to go',
    async () => s.pods.live,
    (live) => live.length === 0,
  );
  await s.edit({ containers: containers('v2') });
  await s.deploy('v1');

  const status = await s.until('Succeeded');

  await expectSucceeded(s, status, 'v2');
  expect(status.attempt).toMatchObject({ number: 2, trigger: 'TargetReplaced' });
  expect(status.history.map(({ outcome }: Json) => outcome)).toEqual(['Succeeded', 'Aborted']);
}

/** Declares the tests. */
export function interventionsOf(shape: Shape): void {
  const given = (sentence: string, name: string, body: (s: Scenario) => Promise<void>) =>
    test.concurrent(`a ${shape} ${sentence}`, scenario(shape, name, body), TEST_MS);

  given(
    'whose Upgrade names another version mid-way goes there, and keeps its fallback target',
    'changed',
    specChanged,
  );
  given('whose Upgrade is paused mid-way stands still, is shown, and goes on when resumed', 'paused', paused);
  given('whose Upgrade is aborted mid-way falls back', 'aborted', aborted);
  given('that `kubectl rollout undo` takes back mid-way falls back, and is verified', 'undone', undone);
  given('that does not exist yet is told, and is upgraded when it comes', 'missing', targetMissing);
  given('with two Upgrades is acted on by the older one, until that goes', 'two', twoUpgrades);
  given(
    'that is deleted mid-way ends the attempt, and its successor starts another',
    'deleted',
    targetDeleted,
  );
}
