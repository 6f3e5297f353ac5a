/** What a user with few rights sees: the verb and the resource, never a stack. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ApiServer } from '../../../../test/api/api-server.ts';
import { cli, createUpgrade, type Ran, startEnvironment } from '../cli-environment.ts';

jest.setTimeout(60_000);

let api: ApiServer;
const as = (user: string, ...words: string[]): Promise<Ran> =>
  cli([...words, '-n', 'shop', '--as', user], { kubeconfig: api.kubeconfig });

beforeAll(async () => {
  api = await startEnvironment('shop');
  api.kubectl(['create', 'deployment', 'web', '--image=registry.example/web:1.9', '-n', 'shop']);
  createUpgrade(api, 'shop', 'web', { scene: 'GateMissed' });
  const role = [
    'create',
    'role',
    'reader',
    '--verb=get,list',
    '--resource=upgrades.postcheck.dev',
    '-n',
    'shop',
  ];
  api.kubectl(role);
  api.kubectl([
    'create',
    'rolebinding',
    'reader',
    '--role=reader',
    '--user=reader',
    '--group=readers',
    '-n',
    'shop',
  ]);
}, 600_000);
afterAll(() => api?.stop());

describe('without any permission', () => {
  test.each([
    [['get']],
    [['status', 'web']],
    [['tree', 'web']],
    [['why', 'web']],
    [['retry', 'web']],
    [['gates']],
    [['events', 'web']],
    [['bundle', 'web']],
    [['history', 'web']],
    [['diff', 'web']],
    [['abort', 'web']],
    [['approve', 'web']],
    [['promote', 'web']],
    [['pause', 'web']],
    [['resume', 'web']],
    [['set', 'image', 'web', 'web=web:3']],
    [['init', 'deployment/web']],
    [['codes', 'web']],
    [['probe', 'web']],
    [['probe', 'pod/web-0']],
    [['gates', 'open', 'web-0', '-y']],
  ])('%j names the verb and the resource', async (words) => {
    const { code, out, err } = await as('nobody', ...words);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(
      /^error: forbidden: nobody cannot (get|list) \S+ in namespace shop; you need the verb \w+ on \S+\n$/,
    );
  });

  test('check reports what it may not read, and --pre what may not be created', async () => {
    const { out, code: nothing } = await as('nobody', 'check');
    expect(nothing).toBe(1);
    expect(out).toContain('✗ nothing of the installation could be read');
    expect(out).toContain('? operator: forbidden: nobody cannot list pods in the whole cluster');
    const { out: pre, code } = await as('nobody', 'check', '--pre');
    expect(pre).toContain(
      '✗ you cannot create the CRD: you need the verb create on customresourcedefinitions.apiextensions.k8s.io',
    );
    expect(code).toBe(1);
  });
});

describe('with permission to read only Upgrades', () => {
  test('the tree shows the Upgrade, and reports what is missing', async () => {
    const { out, code } = await as('reader', 'tree', 'web');
    expect(code).toBe(0);
    expect(out).toMatch(/^◌ Upgrade shop\/web/);
    expect(out).toContain('Not shown: forbidden: reader cannot get deployments.apps in namespace shop');
  });

  test('status shows the state, and names the permission that waiting needs', async () => {
    expect((await as('reader', 'status', 'web', '--watch=false')).code).toBe(5);
    const { code, err } = await as('reader', 'status', 'web', '--timeout', '20s');
    expect([code, err]).toEqual([
      1,
      'error: forbidden: reader cannot watch upgrades.postcheck.dev in namespace shop; you need the verb watch on upgrades.postcheck.dev, or use --watch=false\n',
    ]);
  });

  test('a verb whose effect cannot be predicted is requested nevertheless, and the missing permission is named', async () => {
    const { code, err } = await as('reader', 'abort', 'web');
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('forbidden: reader cannot patch upgrades.postcheck.dev in namespace shop'),
    ]);
  });

  test('the group of the user is applied, as in kubectl', async () => {
    const { code } = await as('someone', 'get', '--as-group', 'others', '--as-group', 'readers');
    expect(code).toBe(0);
  });
});
