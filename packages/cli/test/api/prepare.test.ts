/** The verbs that prepare, record and look after an installation; and the tool as kubectl's plugin. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ApiServer, eventually } from '../../../../test/api/api-server.ts';
import { GATE_API, renderChart } from '../../../../test/chart/render.ts';
import { LOWEST_MINOR } from '../../src/verbs/check.ts';
import { cli, createUpgrade, type Ran, scratch, startEnvironment, tool } from '../cli-environment.ts';

const folder = scratch();
jest.setTimeout(60_000);

let api: ApiServer;
const run = (...words: string[]): Promise<Ran> =>
  cli([...words, '-n', 'shop'], { kubeconfig: api.kubeconfig });

beforeAll(async () => {
  api = await startEnvironment('shop', 'postcheck-system');
  api.kubectl(['create', 'deployment', 'web', '--image=registry.example/web:1.9', '-n', 'shop']);
  api.kubectl(['create', 'deployment', 'new', '--image=registry.example/new:1.0', '-n', 'shop']);
  api.kubectl(['create', 'deployment', 'taken', '--image=registry.example/taken:1.0', '-n', 'shop']);
  api.kubectl(['set', 'env', 'deployment/web', 'DB_PASSWORD=hunter2', '-n', 'shop']);
  createUpgrade(api, 'shop', 'web', { scene: 'FellBack' });
  const targetRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'taken' };
  createUpgrade(api, 'shop', 'taken', { spec: { targetRef } });
}, 600_000);
afterAll(() => api?.stop());

describe('init', () => {
  test('prints an Upgrade that lint and the API server accept', async () => {
    const { out, code } = await run('init', 'deploy/new');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^# It is unknown whether the image has \/usr\/bin\/readiness_probe.sh, which runs by default; where no version has it, readiness alone decides\./,
    );
    expect(out).not.toContain('checks');
    const path = join(folder, 'web.yaml');
    writeFileSync(path, out);
    expect((await run('lint', '-f', path)).code).toBe(0);
    api.kubectl(['apply', '--dry-run=server', '-f', path]);
  });

  test('names the Upgrade that already acts on the workload, and avoids the name of an existing one', async () => {
    expect(await run('init', 'deploy/web')).toEqual({
      code: 1,
      out: '',
      err: 'error: Upgrade web already acts on Deployment web: `kubectl get upgrade web -o yaml -n shop` prints it, `kubectl postcheck set image web CONTAINER=IMAGE -n shop` rolls out another image\n',
    });
    expect((await run('init', 'deploy/taken', '--no-exec')).out).toContain('  name: taken-deployment\n');
  });

  test('requires the kind, and reports what does not exist', async () => {
    expect((await run('init', 'web')).err).toBe(
      'error: include the kind of the workload, such as deployment/web\n',
    );
    expect((await run('init', 'deploy/wbe')).err).toBe(
      'error: deployments.apps "wbe" not found in namespace shop\n',
    );
  });
});

describe('lint --live', () => {
  test('reports what the cluster would report', async () => {
    const path = join(folder, 'live.yaml');
    const spec = {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      containers: [{ name: 'wbe', image: 'x:1' }],
    };
    writeFileSync(
      path,
      JSON.stringify({
        apiVersion: 'postcheck.dev/v1alpha1',
        kind: 'Upgrade',
        metadata: { name: 'again' },
        spec,
      }),
    );
    const { out, code } = await run('lint', '-f', path, '--live', '-o', 'json');
    const said = (JSON.parse(out) as { message: string }[]).map(({ message }) => message);
    expect(code).toBe(1);
    expect(said).toEqual([
      'Deployment web has no container wbe, only web: correct spec.containers',
      'Upgrade web already acts on Deployment web: delete one of the two',
      expect.stringContaining('neither the gate policy nor the gate webhook is installed in this cluster'),
    ]);
  });

  test('reports a missing target in the words of the operator, at its line', async () => {
    const input =
      'apiVersion: postcheck.dev/v1alpha1\nkind: Upgrade\nmetadata: {name: lost, namespace: shop}\nspec:\n  containers: [{name: web, image: x:1}]\n  targetRef: {kind: Deployment, name: nope}\n';
    const { out } = await cli(['lint', '-f', '-', '--live'], { kubeconfig: api.kubeconfig, input });
    expect(out).toContain(
      'stdin:6: error: spec.targetRef: Deployment nope does not exist in namespace shop: create it, or',
    );
  });

  test('warns of what the cluster takes and nothing comes of', async () => {
    const input = `apiVersion: postcheck.dev/v1alpha1
kind: Upgrade
metadata: {name: new, namespace: shop}
spec:
  targetRef: {kind: Deployment, name: new}
  containers: [{name: new, image: x:1}]
  dependsOn: [{name: database}]
  strategy: {maxParallel: 2, failureBudget: {maxFailed: 10%}}
`;
    const { out, code } = await cli(['lint', '-f', '-', '--live', '-o', 'json'], {
      kubeconfig: api.kubeconfig,
      input,
    });
    const said = (JSON.parse(out) as { path: string; level: string }[]).map(({ path, level }) => [
      level,
      path,
    ]);
    expect(code).toBe(0);
    expect(said).toEqual([
      ['warning', 'spec.dependsOn[0]'],
      ['warning', 'spec.strategy.failureBudget.maxFailed'],
      ['warning', 'spec.strategy.maxParallel'],
      ['warning', 'spec.gate'],
    ]);
  });

  test('prints SARIF for code hosts', async () => {
    const { out } = await cli(['lint', '-f', '-', '-o', 'sarif'], {
      kubeconfig: '/nonexistent',
      input: 'kind: Upgrade\nspec: {}\n',
    });
    expect(JSON.parse(out)).toMatchObject({
      version: '2.1.0',
      runs: [{ tool: { driver: { name: 'kubectl-postcheck' } } }],
    });
  });
});

describe('records', () => {
  test('history, diff, events, codes and why agree on the attempt', async () => {
    expect((await run('history', 'web')).out).toMatch(
      /^ATTEMPT +OUTCOME[^\n]*\n1 +FellBack +web=registry.example\/web:2.0/,
    );
    expect((await run('diff', 'web')).out).toBe(
      'before, which runs now → attempt 1\n  web\n  - registry.example/web:1.9\n  + registry.example/web:2.0\n',
    );
    expect((await run('diff', 'web', '1..7')).err).toBe('error: the history has no attempt 7; it has: 1\n');
    expect((await run('events', 'web')).out).toContain('ScalingReplicaSet   Deployment/web');
    expect((await run('codes', 'web')).out).toMatch(/3-119 +Retry +ProbeFailed/);
    const why = JSON.parse((await run('why', 'web', '-o', 'json')).out);
    expect(why.parts.map(({ topic }: { topic: string }) => topic)).toContain('Rule');
    expect((await run('why', 'web', '--attempt', '9')).err).toBe(
      'error: the history has no attempt 9; it has: 1\n',
    );
  });

  test('bundle contains everything, and no secret', async () => {
    const file = join(folder, 'web.tar.gz');
    expect((await run('bundle', 'web', '--file', file)).code).toBe(0);
    const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).split('\n');
    expect(names).toEqual(
      expect.arrayContaining([
        'web/why.txt',
        'web/tree.txt',
        'web/upgrade.yaml',
        'web/workload.yaml',
        'web/events.txt',
      ]),
    );
    const all = execFileSync('tar', ['-xzOf', file], { encoding: 'utf8' });
    expect(all).toContain('name: DB_PASSWORD');
    expect(all).not.toContain('hunter2');
    expect((await run('bundle', 'web', '--file', file)).err).toContain('it exists already');
  });
});

describe('check', () => {
  test('of a cluster without an operator reports what is missing', async () => {
    const { out, code } = await run('check');
    expect(code).toBe(1);
    expect(out).toContain('✔ CRD upgrades.postcheck.dev v1alpha1 has every field that this tool reads');
    expect(out).toContain('✗ no pod of the operator is running');
    expect(out).toContain('! neither the gate policy nor the gate webhook postcheck-gate is installed');
    expect((await run('check', '--pre')).code).toBe(0);
  });

  test('of an installed chart finds the operator, its permissions and the gate, and verifies the gate while an attempt uses it', async () => {
    const items = renderChart(['--api-versions', GATE_API, '--kube-version', '1.36.3']).filter(
      ({ metadata }) => !JSON.stringify(metadata).includes('helm.sh/hook"'),
    );
    api.kubectl(
      ['apply', '-n', 'postcheck-system', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    );
    createUpgrade(api, 'shop', 'web', { scene: 'GateMissed' });
    const look = async (): Promise<string> => (await run('check')).out;
    let seen = await look();
    for (let turn = 0; turn < 40 && !/got its readiness gate/.test(seen); turn++) {
      seen = await look();
    }
    expect(seen).toContain('✗ operator');
    expect(seen).toContain('✔ the operator has all permissions that it needs in namespace shop');
    expect(seen).toContain('✔ a trial pod of Deployment shop/web (dry run) got its readiness gate');
    expect(seen).toContain('no replica is leading');
    expect(seen).not.toContain('this tool is');
    api.kubectl([
      'set', 'image', 'deployment/postcheck', 'operator=registry.example/postcheck:0.0.9', '-n', 'postcheck-system',
    ]); // biome-ignore format: a command line
    await eventually(async () => (await look()).includes('the operator is 0.0.9'));
    expect(await look()).toMatch(
      /! the operator is .*0\.0\.9.*, this tool is .*: use the tool of the operator’s release/,
    );
  }, 60_000);

  test('of a CRD names each field that it lacks and this tool reads', async () => {
    const crd = ['crd', 'upgrades.postcheck.dev'];
    const version = '/spec/versions/0/schema/openAPIV3Schema/properties';
    const older = ['spec/properties/windows', 'status/properties/left'].map((field) => ({
      op: 'remove',
      path: `${version}/${field}`,
    }));
    api.kubectl(['patch', ...crd, '--type=json', '-p', JSON.stringify(older)]);
    expect((await run('check')).out).toContain(
      'older than this tool and lacks spec.windows, status.left: apply',
    );
    api.kubectl(['replace', '-f', 'crds/postcheck.dev_upgrades.yaml']);
  });

  test('requires the Kubernetes version that the chart requires', () => {
    expect(readFileSync('charts/postcheck/Chart.yaml', 'utf8')).toContain(
      `kubeVersion: ">=1.${LOWEST_MINOR}.0-0"`,
    );
  });
});

describe('as a plugin', () => {
  test('kubectl finds it, and completes its verbs and names', async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(await tool(), join(bin, 'kubectl-postcheck'));
    const script = (await run('completion', 'kubectl')).out;
    writeFileSync(join(bin, 'kubectl_complete-postcheck'), script, { mode: 0o755 });
    const kubectl = join(import.meta.dirname, '../../../../.cluster/bin/kubectl');
    const env = {
      PATH: [bin, process.env['PATH']].join(delimiter),
      KUBECONFIG: api.kubeconfig,
      HOME: folder,
    };
    const ask = (...words: string[]): string =>
      execFileSync(kubectl, words, { encoding: 'utf8', env, stdio: 'pipe' });
    expect(ask('postcheck', 'get', 'web', '-n', 'shop', '-o', 'name')).toBe('upgrade.postcheck.dev/web\n');
    expect(ask('__complete', 'postcheck', 'hist')).toMatch(/^history\t/);
    expect(ask('__complete', 'postcheck', 'why', '-n', 'shop', 'w')).toMatch(/^web\t/);
  });
});
