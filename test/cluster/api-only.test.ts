/** The API server without nodes, as other tests use it: what it promises in its first lines. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const SCRIPT = join(import.meta.dirname, 'api-only.sh');
const KUBECTL = join(import.meta.dirname, '../../.cluster/bin/kubectl');
const folder = mkdtempSync(join(tmpdir(), 'postcheck-api-'));
const instance = join(folder, 'instance');

const run = (...args: string[]): string =>
  execFileSync(SCRIPT, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const kubectl = (...args: string[]) =>
  spawnSync(KUBECTL, ['--kubeconfig', join(instance, 'kubeconfig'), ...args], { encoding: 'utf8' });
const isRunning = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
const pidOf = (name: string): number => Number(run('pid', instance, name));

async function untilReady(): Promise<void> {
  for (let tries = 0; kubectl('get', '--raw', '/readyz').status !== 0; tries++) {
    if (tries > 300) {
      throw new Error('the API server does not become ready again');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

beforeAll(() => void run('up', instance), 900_000);
afterAll(() => {
  run('down', instance);
  rmSync(folder, { recursive: true });
}, 60_000);

describe('an API server without nodes', () => {
  test('creates what a Deployment asks for, and leaves its pods Pending', async () => {
    expect(kubectl('create', 'deployment', 'web', '--image=postcheck.local/app:v1').status).toBe(0);
    const pod = ['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].status.phase}'];
    for (let tries = 0; tries < 100 && kubectl(...pod).stdout === ''; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(kubectl(...pod).stdout).toBe('Pending');
  }, 60_000);

  test('writes who asked for what into its audit log', () => {
    const entries = readFileSync(join(instance, 'audit.log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(entries).toContainEqual(
      expect.objectContaining({
        verb: 'create',
        user: expect.objectContaining({ username: 'postcheck-admin' }),
        objectRef: expect.objectContaining({ resource: 'deployments', namespace: 'default' }),
      }),
    );
  });

  test('keeps its objects while the API server is killed and started again', async () => {
    const before = pidOf('kube-apiserver');
    run('stop', instance, 'kube-apiserver');
    expect(isRunning(before)).toBe(false);
    expect(kubectl('get', 'namespaces').status).not.toBe(0);
    run('start', instance, 'kube-apiserver');
    await untilReady();
    expect(kubectl('get', 'deployment', 'web', '-o', 'name').stdout.trim()).toBe('deployment.apps/web');
  }, 90_000);

  test('refuses a folder with files of somebody else in it, and leaves them alone', () => {
    const file = join(folder, 'precious');
    writeFileSync(file, 'mine');
    expect(() => run('up', folder)).toThrow(/neither empty nor of an earlier/);
    expect(() => run('down', folder)).toThrow(/neither empty nor of an earlier/);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test('leaves neither a process nor a file behind', () => {
    const pids = ['etcd', 'kube-apiserver', 'kube-controller-manager'].map(pidOf);
    run('down', instance);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(instance)).toBe(false);
  }, 60_000);
});
