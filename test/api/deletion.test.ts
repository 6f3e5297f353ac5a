/** Deleting an Upgrade in the middle of its attempt, with the real operator and a real API server. There are no nodes: no pod ever runs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { execPath } from 'node:process';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type ApiServer, eventually, installCrd, startApiServer } from './api-server.ts';

jest.setTimeout(120_000);

const FINALIZER = 'postcheck.dev/fallback';

let api: ApiServer;
let operator: ChildProcess;

beforeAll(async () => {
  api = startApiServer();
  await installCrd(api);
  api.kubectl(['create', 'namespace', 'postcheck-system']);
  const flags = [
    '--metrics-bind-address=127.0.0.1:0',
    '--health-probe-bind-address=127.0.0.1:0',
    '--lease-namespace=postcheck-system',
  ];
  operator = spawn(execPath, ['src/main.ts', ...flags, '--kubeconfig', api.kubeconfig], { stdio: 'ignore' });
}, 900_000);

afterAll(async () => {
  operator?.kill('SIGTERM');
  if (operator?.exitCode === null) {
    await once(operator, 'exit');
  }
  api?.stop();
});

const imageIn = (namespace: string) =>
  api.kubectl([
    'get',
    'deployment',
    'web',
    '-n',
    namespace,
    '-o',
    'jsonpath={.spec.template.spec.containers[0].image}',
  ]);
const upgradeIn = (namespace: string) =>
  api.json<{ metadata: { finalizers?: string[]; deletionTimestamp?: string } }>([
    'get',
    'upgrade',
    'web',
    '-n',
    namespace,
  ]);

/** Its new image is written, and its pods will never be ready. */
async function startAttempt(namespace: string): Promise<void> {
  api.kubectl(['create', 'namespace', namespace]);
  await eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '-n', namespace]));
  api.kubectl(['create', 'deployment', 'web', '--image=registry.example/web:1', '-n', namespace]);
  const spec = {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    containers: [{ name: 'web', image: 'registry.example/web:2' }],
  };
  const metadata = { name: 'web', namespace };
  const upgrade = { apiVersion: 'postcheck.dev/v1alpha1', kind: 'Upgrade', metadata, spec };
  api.kubectl(['create', '-f', '-'], JSON.stringify(upgrade));
  await eventually(() => imageIn(namespace) === 'registry.example/web:2', 30_000);
}

test('puts the image back before the Upgrade goes, and lets it go with its workload', async () => {
  await startAttempt('shop');
  expect(upgradeIn('shop').metadata.finalizers).toEqual([FINALIZER]);
  api.kubectl(['delete', 'upgrade', 'web', '-n', 'shop', '--wait=false']);
  await eventually(() => imageIn('shop') === 'registry.example/web:1', 30_000);
  expect(upgradeIn('shop').metadata.deletionTimestamp).toBeTruthy();

  api.kubectl(['delete', 'deployment', 'web', '-n', 'shop']);
  api.kubectl(['wait', '--for=delete', 'upgrade/web', '-n', 'shop', '--timeout=30s']);
});

test('does not keep a namespace from ending', async () => {
  await startAttempt('bank');
  api.kubectl(['delete', 'namespace', 'bank', '--wait=false']);
  await eventually(
    () => !api.kubectl(['get', 'namespaces', '-o', 'name']).includes('namespace/bank'),
    60_000,
  );
});
