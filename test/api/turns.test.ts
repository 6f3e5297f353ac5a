/** What an attempt waits for before it begins, and which of two Upgrades has its turn, with the operator as a process against a real API server. Nothing runs pods here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { execPath } from 'node:process';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { UpgradeStatus } from '../../src/api/types.ts';
import { type ApiServer, eventually, installCrd, startApiServer } from './api-server.ts';

jest.setTimeout(120_000);

let api: ApiServer;
let operator: ChildProcess;

beforeAll(() => {
  api = startApiServer();
  installCrd(api);
  operator = spawn(
    execPath,
    [
      'src/main.ts',
      `--kubeconfig=${api.kubeconfig}`,
      '--leader-elect=false',
      '--metrics-bind-address=127.0.0.1:0',
      '--health-probe-bind-address=127.0.0.1:0',
    ],
    { cwd: resolve(import.meta.dirname, '../..'), stdio: ['ignore', 'ignore', 'inherit'] },
  );
});
afterAll(async () => {
  const ended = once(operator, 'exit');
  operator.kill('SIGKILL');
  await ended;
  api.stop();
});

const apply = (object: object): string => api.kubectl(['apply', '-f', '-'], JSON.stringify(object));
const deployment = (name: string): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'web', image: 'web:1' }] },
    },
  },
});
const upgrade = (name: string, spec: object = {}): object => ({
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  metadata: { name, namespace: 'default' },
  spec: {
    targetRef: { kind: 'Deployment', name },
    containers: [{ name: 'web', image: 'web:2' }],
    ...spec,
  },
});
const statusOf = (name: string): UpgradeStatus =>
  (JSON.parse(api.kubectl(['get', 'upgrade', name, '-o', 'json'])) as { status?: UpgradeStatus }).status ??
  {};
const imageOf = (name: string): string =>
  api.kubectl(['get', 'deployment', name, '-o', 'jsonpath={.spec.template.spec.containers[0].image}']);
const eventsOf = (name: string): string =>
  api.kubectl([
    'get',
    'events',
    '-o',
    'jsonpath={.items[*].reason}',
    '--field-selector',
    `involvedObject.name=${name}`,
  ]);

test('an attempt waits for its window, says when that is, and is promoted', async () => {
  // A window of one minute in the hour before last, so it is closed until tomorrow.
  const start = new Date(Date.now() - 2 * 3_600_000).toISOString().slice(11, 16);
  apply(deployment('windowed'));
  apply(upgrade('windowed', { windows: [{ start, durationSeconds: 60, timeZone: 'UTC' }] }));
  const status = await eventually(() => [statusOf('windowed')].find(({ waiting }) => waiting));
  expect(status.waiting?.reason).toBe('WindowClosed');
  expect(status.waiting?.until).toContain(`T${start}:00`);
  expect(status.message).toContain(`${start} UTC; to start immediately: kubectl annotate upgrade windowed`);
  expect(status.attempt).toBeUndefined();
  expect(imageOf('windowed')).toBe('web:1');
  await eventually(() => eventsOf('windowed').includes('WindowClosed'));
  api.kubectl(['annotate', 'upgrade', 'windowed', 'postcheck.dev/promote=1']);
  await eventually(() => imageOf('windowed') === 'web:2');
  expect(statusOf('windowed').attempt?.promotedAt).toBeDefined();
});

test('an attempt waits for what it depends on, and is woken by its change', async () => {
  apply(deployment('front'));
  apply(upgrade('front', { dependsOn: [{ name: 'back' }] }));
  await eventually(() => statusOf('front').message?.includes('names Upgrade back, which does not exist'));
  apply(deployment('back'));
  apply(upgrade('back', { dependsOn: [{ name: 'front' }] }));
  await eventually(() => statusOf('front').message?.includes('front → back → front'));
  await eventually(() => statusOf('back').message?.includes('back → front → back'));
  apply(upgrade('back', { paused: true, dependsOn: null }));
  await eventually(() => statusOf('front').message?.includes('it waits for Upgrade back, which is Pending'));
  expect(imageOf('front')).toBe('web:1');
  api.kubectl(['delete', 'upgrade', 'back']);
  await eventually(() => statusOf('front').message?.includes('does not exist'));
  api.kubectl(['patch', 'upgrade', 'front', '--type=merge', '-p', '{"spec":{"dependsOn":null}}']);
  await eventually(() => imageOf('front') === 'web:2');
});

test('an Upgrade that a finalizer of others keeps from being deleted does not keep its target', async () => {
  const targetRef = { kind: 'Deployment', name: 'shared' };
  apply(deployment('shared'));
  const kept = upgrade('kept', { targetRef, paused: true }) as { metadata: object };
  apply({ ...kept, metadata: { ...kept.metadata, finalizers: ['example.com/backup'] } });
  await eventually(() => statusOf('kept').message?.includes('paused'));
  apply(upgrade('younger', { targetRef }));
  await eventually(
    () =>
      statusOf('younger').message === 'Upgrade kept already acts on Deployment shared: delete one of the two',
  );
  api.kubectl(['delete', 'upgrade', 'kept', '--wait=false']);
  await eventually(() => imageOf('shared') === 'web:2');
  expect(statusOf('kept').attempt).toBeUndefined();
  api.kubectl(['patch', 'upgrade', 'kept', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
});
