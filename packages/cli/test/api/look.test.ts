/** The verbs that look, against a real API server. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ApiServer } from '../../../../test/api/api-server.ts';
import { cli, createUpgrade, type Ran, startEnvironment, statusOf, tool } from '../cli-environment.ts';

jest.setTimeout(60_000);

let api: ApiServer;
const run = (...words: string[]): Promise<Ran> => cli(words, { kubeconfig: api.kubeconfig });

beforeAll(async () => {
  api = await startEnvironment('shop', 'bank');
  createUpgrade(api, 'shop', 'good', { scene: 'Drifted', status: succeeded() });
  createUpgrade(api, 'shop', 'back', { scene: 'FellBack' });
  createUpgrade(api, 'shop', 'bad', { scene: 'FallbackFailed' });
  createUpgrade(api, 'shop', 'held', { scene: 'FallbackPaused' });
  createUpgrade(api, 'shop', 'blocked', { scene: 'WorkloadPaused' });
  createUpgrade(api, 'shop', 'running', { scene: 'GateMissed' });
  createUpgrade(api, 'bank', 'other', { scene: 'FellBack' });
}, 600_000);
afterAll(() => api?.stop());

/** What a success looks like: the drifted scene before the drift. */
function succeeded(): object {
  const status = statusOf('AllSkipped');
  return { ...status, summary: '3/3', message: 'Deployment web runs web=registry.example/web:2.0' };
}

describe('get', () => {
  test('lists those that need a person first', async () => {
    const { out, code } = await run('get', '-n', 'shop');
    const names = out
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[0]);
    expect(names).toEqual(['NAME', 'bad', 'held', 'blocked', 'back', 'running', 'good']);
    expect(code).toBe(0);
  });

  test('shows all namespaces, selected phases, or those that need a person', async () => {
    expect((await run('get', '-A', '--phase', 'fellback', '-o', 'name')).out).toBe(
      'upgrade.postcheck.dev/other\nupgrade.postcheck.dev/back\n',
    );
    expect((await run('get', '-n', 'shop', '--needs-attention', '-o', 'name')).out.split('\n')).toHaveLength(
      4,
    );
  });

  test('prints JSON and YAML', async () => {
    const list = JSON.parse((await run('get', '-n', 'shop', '-o', 'json')).out);
    expect(list.items).toHaveLength(6);
    expect(list.items[0]).toMatchObject({ apiVersion: 'postcheck.dev/v1alpha1', kind: 'Upgrade' });
    const one = await run('get', 'back', '-n', 'shop', '-o', 'yaml');
    expect(one.out).toMatch(/^apiVersion: postcheck.dev\/v1alpha1\nkind: Upgrade\n/);
  });

  test('computes ages with the clock of the cluster, independently of the local one', async () => {
    const wrong = '--import=data:text/javascript,const%20now=Date.now;Date.now=()=>now()+86400000';
    const { out } = await cli(['get', 'back', '-n', 'shop'], {
      kubeconfig: api.kubeconfig,
      environment: { NODE_OPTIONS: wrong },
    });
    expect(out).toMatch(/^back +deployment\/web +FellBack +3\/3 +\d+[sm]/m);
  });

  test('says where the Upgrades are when this namespace has none', async () => {
    const { out, err, code } = await run('get');
    expect([out, err, code]).toEqual([
      '',
      'No Upgrades in namespace default; there are 7 in other namespaces: use -A.\n',
      0,
    ]);
  });

  test('ends silently when its pipe is closed, and accepts the resource names that kubectl accepts', async () => {
    const pipe = `${process.execPath} ${await tool()} get -A | head -1; echo \${PIPESTATUS[0]}`;
    const env = { PATH: process.env['PATH'], KUBECONFIG: api.kubeconfig, HOME: '/nonexistent' };
    const { stdout, stderr } = spawnSync('bash', ['-c', pipe], { encoding: 'utf8', env });
    expect([stdout, stderr]).toEqual([expect.stringMatching(/^NAMESPACE[^\n]*\n0\n$/), '']);
    expect((await run('get', 'upgrades', 'back', '-n', 'shop', '-o', 'name')).out).toBe(
      'upgrade.postcheck.dev/back\n',
    );
  });

  test.each([
    [['get', 'deploy', 'web', '-n', 'bank', '-o', 'name']],
    [
      [
        'get',
        '--all-namespaces=true',
        '--needs-attention=false',
        '-l',
        'absent!=x',
        '--phase=FellBack',
        '-o',
        'name',
      ],
    ],
  ])('takes %j, as kubectl does', async (words) => {
    expect((await run(...words)).out).toContain('upgrade.postcheck.dev/other\n');
  });

  test.each(['upgrade.postcheck.dev/back', 'upgrades.v1alpha1.postcheck.dev/back', 'Upgrade/back'])(
    'takes %s, as lists write it',
    async (word) => {
      expect((await run('get', word, '-n', 'shop', '-o', 'name')).out).toBe('upgrade.postcheck.dev/back\n');
    },
  );

  test('finds the Upgrade of a workload, and says which kinds there are', async () => {
    expect((await run('get', 'deploy/web', '-n', 'bank', '-o', 'name')).out).toBe(
      'upgrade.postcheck.dev/other\n',
    );
    expect((await run('get', 'pod/web', '-n', 'bank')).err).toContain('a Pod cannot have an Upgrade');
  });
});

describe('status', () => {
  test.each([
    ['good', 0],
    ['back', 2],
    ['bad', 3],
    ['held', 4],
  ])('of %s ends with %i', async (name, code) => {
    expect((await run('status', name, '-n', 'shop')).code).toBe(code);
  });

  test('waits until the timeout, and reports it', async () => {
    const { out, err, code } = await run('status', 'running', '-n', 'shop', '--timeout', '1s');
    expect(out).toMatch(/◌ PostChecking {2}0\/3 {2}Verifying web:/);
    expect([err, code]).toEqual(['the attempt has not ended within 1 s\n', 5]);
  });

  test('says of a workload without pods what it waits for', async () => {
    createUpgrade(api, 'shop', 'empty', { scene: 'NoPods' });
    const { err, code } = await run('status', 'empty', '-n', 'shop', '--timeout', '1s');
    expect([err, code]).toEqual([
      'waiting until Deployment web has pods to verify\nthe attempt has not ended within 1 s\n',
      5,
    ]);
  });

  test('ends at the verdict, with one line for each change', async () => {
    createUpgrade(api, 'shop', 'later', { scene: 'GateMissed' });
    const waiting = run('status', 'later', '-n', 'shop', '--timeout', '60s');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    createUpgrade(api, 'shop', 'later', { scene: 'FellBack' });
    const { out, code } = await waiting;
    expect(code).toBe(2);
    expect(out.trim().split('\n')).toHaveLength(2);
    expect(out).toMatch(/↩ FellBack {2}3\/3 {2}\S+ runs again/);
  });

  test('is undecided until the operator has observed the last change', async () => {
    api.kubectl([
      'patch', 'upgrade', 'back', '-n', 'shop', '--type=merge', '-p', '{"spec":{"historyLimit":3}}',
    ]); // biome-ignore format: a command line
    const { out, code } = await run('status', 'back', '-n', 'shop', '--watch=false');
    expect([out, code]).toEqual([
      '◌ Pending  the operator has not observed the last change of the spec yet\n',
      5,
    ]);
  });

  test('of a namespace that does not exist says that, whatever was looked for in it', async () => {
    const nothing = await run('get', '-n', 'shpo');
    expect(nothing.code).toBe(0);
    expect(nothing.err).toMatch(
      /^No Upgrades in namespace shpo, which does not exist; there are \d+ in other namespaces: use -A\.\n$/,
    );
    expect((await run('gates', '-n', 'shpo')).err).toBe(
      'No closed gates in namespace shpo, which does not exist.\n',
    );
    expect((await run('status', 'nobody', '-n', 'shpo')).err).toBe(
      'error: there is no Upgrade nobody in namespace shpo, which does not exist\n',
    );
    expect((await run('status', 'deployment/web', '-n', 'shpo')).err).toMatch(
      /^error: Deployment web is the target of no Upgrade in namespace shpo, which does not exist; /,
    );
  });

  test('of an Upgrade that does not exist names its namespace, or those that exist', async () => {
    expect((await run('status', 'other', '-n', 'shop')).err).toBe(
      'error: there is no Upgrade other in namespace shop; there is one in -n bank\n',
    );
    expect((await run('status', 'bakc', '-n', 'shop')).err).toContain('did you mean back?');
    for (const namespace of ['n1', 'n2', 'n3', 'n4']) {
      api.kubectl(['create', 'namespace', namespace]);
      createUpgrade(api, namespace, 'many', {});
    }
    expect((await run('status', 'many', '-n', 'shop')).err).toBe(
      'error: there is no Upgrade many in namespace shop; there is one in -n n1 and -n n2 and -n n3 and in 1 more\n',
    );
  });
});
