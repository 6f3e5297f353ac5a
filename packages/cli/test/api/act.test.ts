/** The verbs that change something, and what they refuse, against a real API server. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ApiServer, eventually } from '../../../../test/api/api-server.ts';
import { cli, createUpgrade, type Ran, startEnvironment, statusOf } from '../cli-environment.ts';

interface Upgrade {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly paused: boolean; readonly containers: readonly { readonly image: string }[] };
}

const OLD = 'registry.example/web:1.9';
jest.setTimeout(60_000);

let api: ApiServer;
const run = (...words: string[]): Promise<Ran> =>
  cli([...words, '-n', 'shop'], { kubeconfig: api.kubeconfig });
const upgrade = (name: string): Upgrade =>
  api.json<Upgrade & { kind: string; metadata: { name: string } }>(['get', 'upgrade', name, '-n', 'shop']);

beforeAll(async () => {
  api = await startEnvironment('shop');
  api.kubectl(['create', 'deployment', 'web', `--image=${OLD}`, '-n', 'shop']);
  await eventually(() => api.kubectl(['get', 'pods', '-n', 'shop', '-o', 'name']).includes('pod/'));
  // The status of an Upgrade whose attempt rolled this very Deployment.
  const { metadata } = api.json<{
    kind: string;
    metadata: { name: string; uid: string; generation: number };
  }>(['get', 'deployment', 'web', '-n', 'shop']);
  for (const [name, scene] of [
    ['back', 'FellBack'],
    ['running', 'GateMissed'],
  ] as const) {
    const status = { ...statusOf(scene), targetUID: metadata.uid, targetGeneration: metadata.generation };
    createUpgrade(api, 'shop', name, { status });
  }
}, 600_000);
afterAll(() => api?.stop());

describe('retry and abort', () => {
  test('describe what will happen, and write the token', async () => {
    const { out, code } = await run('retry', 'back');
    expect(out).toBe(
      'Starting attempt 2: Deployment web from web:1.9 to web:2.0\nupgrade.postcheck.dev/back patched\n',
    );
    expect(code).toBe(0);
    expect(upgrade('back').metadata.annotations).toHaveProperty(
      ['postcheck.dev/retry'],
      expect.stringMatching(/^20/),
    );
  });

  test('write nothing in a dry run', async () => {
    const { out, code } = await run('abort', 'running', '--dry-run');
    expect(out).toContain('upgrade.postcheck.dev/running patched (server dry run)');
    expect(code).toBe(0);
    expect(upgrade('running').metadata.annotations ?? {}).not.toHaveProperty(['postcheck.dev/abort']);
  });

  test.each([
    ['retry', 'running', 'nothing to retry: attempt 1 is still running; abort it first'],
    ['abort', 'back', 'nothing to abort: attempt 1 has ended (FellBack), and there is nothing to roll back'],
  ])('%s of %s is refused with the reason', async (verb, name, reason) => {
    expect(await run(verb, name)).toEqual({ code: 1, out: '', err: `error: ${reason}\n` });
  });
});

describe('of a workload that does not exist', () => {
  test('retry is rejected, and status says that it waits for a person', async () => {
    const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'gone' };
    createUpgrade(api, 'shop', 'lost', { scene: 'FellBack', spec: { targetRef } });
    const gone = 'Deployment gone does not exist in namespace shop';
    const { code, err } = await run('retry', 'lost');
    expect([code, err]).toEqual([1, expect.stringContaining(`error: nothing to retry: ${gone}`)]);
    createUpgrade(api, 'shop', 'waits', { scene: 'TargetNotFound', spec: { targetRef } });
    const waited = await run('status', 'waits', '--timeout', '1s');
    expect([waited.code, waited.err]).toEqual([
      5,
      expect.stringMatching(/^waiting until somebody acts: Deployment web does not exist/),
    ]);
    expect((await run('init', 'deploy/nope')).err).toBe(
      'error: deployments.apps "nope" not found in namespace shop\n',
    );
  });
});

describe('pause and resume', () => {
  test('set and unset spec.paused, and report if nothing would change', async () => {
    expect((await run('resume', 'running')).err).toBe('error: nothing to resume: spec.paused is not set\n');
    expect((await run('pause', 'running')).out).toContain('Attempt 1 is paused');
    expect(upgrade('running').spec.paused).toBe(true);
    expect((await run('pause', 'running')).code).toBe(1);
    expect((await run('resume', 'running')).out).toContain('each pod has its full deadline again');
    expect(upgrade('running').spec.paused).toBe(false);
  });
});

describe('set image', () => {
  test('writes the image where the operator reads it: of several for a workload, into the one that acts', async () => {
    const { out } = await run('set', 'image', 'deploy/web', 'web=registry.example/web:2.1');
    expect(out).toContain('container web: registry.example/web:2.0 → registry.example/web:2.1');
    expect(out).toContain('upgrade.postcheck.dev/running patched');
  });

  test.each([
    [['web'], 'an image must have the form CONTAINER=IMAGE'],
    [['wbe=x:1'], 'Deployment web has no container "wbe"; it has: web; did you mean web?'],
    [['web=registry.example/web:2.1'], 'is already set'],
  ])('refuses %j', async (words, reason) => {
    const { code, err } = await run('set', 'image', 'running', ...words);
    expect([code, err]).toEqual([1, expect.stringContaining(reason)]);
  });

  test('refuses one that is being deleted: nothing of its spec is rolled out any more', async () => {
    createUpgrade(api, 'shop', 'going', { scene: 'FellBack' });
    const patch = ['patch', 'upgrade', 'going', '-n', 'shop', '--type=merge', '-p'];
    api.kubectl([...patch, '{"metadata":{"finalizers":["postcheck.dev/fallback"]}}']);
    api.kubectl(['delete', 'upgrade', 'going', '-n', 'shop', '--wait=false']);
    const { err, code } = await run('set', 'image', 'going', 'web=registry.example/web:3');
    expect([code, err]).toEqual([1, expect.stringContaining('Upgrade going is being deleted')]);
    api.kubectl([...patch, '{"metadata":{"finalizers":null}}']);
  });

  test('does not set an image that no kubelet accepts', async () => {
    const { err, code } = await run('set', 'image', 'running', 'web=registry.example/Web:3', '--dry-run');
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('error: no kubelet accepts registry.example/Web:3'),
    ]);
  });

  test('warns when a GitOps controller owns the images', async () => {
    const manifest = {
      apiVersion: 'postcheck.dev/v1alpha1',
      kind: 'Upgrade',
      metadata: { name: 'git', namespace: 'shop' },
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        containers: [{ name: 'web', image: OLD }],
      },
    };
    api.kubectl(
      ['apply', '--server-side', '--field-manager=argocd-controller', '-f', '-'],
      JSON.stringify(manifest),
    );
    const { err, code } = await run('set', 'image', 'git', 'web=registry.example/web:3', '--dry-run');
    expect([code, err]).toEqual([
      0,
      expect.stringContaining('warning: argocd-controller owns spec.containers'),
    ]);
  });
});

describe('gates', () => {
  beforeAll(() => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'gated', namespace: 'shop' },
      spec: {
        containers: [{ name: 'web', image: OLD }],
        readinessGates: [{ conditionType: 'postcheck.dev/verified' }],
      },
    };
    api.kubectl(['apply', '-f', '-'], JSON.stringify(pod));
  });

  test('of a pod without probes do not fail', async () => {
    const { code, err } = await run('probe', 'pod/gated', '--kubelet');
    expect([code, err]).toEqual([0, 'None of these pods has its own probes.\n']);
  });

  test('are listed with the Upgrade that uses them, and opened only after confirmation', async () => {
    expect((await run('gates')).out).toMatch(/^NAMESPACE.*\nshop +gated +- +\S+ +no attempt/);
    expect((await run('gates', 'open', 'gated')).err).toBe(
      'error: cannot prompt without a terminal: use --yes\n',
    );
    expect((await run('gates', 'open', 'gated', '--yes')).out).toContain('pod/gated gate opened');
    expect((await run('gates', 'open', 'gated', '--yes')).err).toBe(
      'error: nothing to open: the gate of pod gated is open\n',
    );
    expect((await run('gates')).err).toBe('No closed gates in namespace shop.\n');
  });
});
