/**
 * Every command that the docs show for a cluster is typed into a shell as it is written there, against a real API server with a shop
 * in which the docs' `web` lives. Those that need more than an API are named here with where they are run instead.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { stringify } from 'yaml';
import { makeAuthority } from '../../src/kube/webhook/certificate.ts';
import { ROOT } from '../chart/render.ts';
import { MOMENTARY } from '../support/momentary.ts';
import { blocksOf } from '../support/pages.ts';
import { type ApiServer, eventually, startApiServer } from './api-server.ts';

// Each test runs kubectl several times, which takes seconds where many others work.
jest.setTimeout(120_000);

const PAGES = ['README.md', 'charts/postcheck/README.md', ...globSync('docs/**/*.md', { cwd: ROOT })];

/** What is not typed here, and why not. */
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [/^(make|npx|node) /, "the project's own programs: Makefile, test/sim, test/api/uninstall"],
  [/https:|oci:|^(cosign|docker|gh|sha256sum|curl) |^\w+=/, 'the network, and a release'],
  [/kubectl (exec|logs|run|top|edit) |^time |^helm test/, 'running containers, or an editor: test/e2e'],
  [/kubectl postcheck /, "the plugin: test/e2e/cli and the plugin's own tests"],
  [/-k \.$|install\.yaml/, 'an overlay, and a release: test/api/kustomize, test/release'],
  [/^helm uninstall/, 'a node for its hook: test/e2e/chart'],
];

/** The commands of a block: a line, with those that it goes on in. */
function commandsOf(text: string): string[] {
  const commands: string[] = [];
  let open = '';
  for (const line of text.split('\n')) {
    open = open === '' ? line : `${open}\n${line}`;
    const quotes = (open.match(/'/g) ?? []).length;
    if (quotes % 2 === 0 && !open.endsWith('\\')) {
      commands.push(open);
      open = '';
    }
  }
  return commands.map((command) => command.trim()).filter(Boolean);
}

const shown = PAGES.flatMap((page) =>
  blocksOf(join(ROOT, page))
    .filter(({ language, text }) => language === 'sh' && !text.startsWith('#!'))
    .flatMap(({ text }) => commandsOf(text)),
);
const isElsewhere = (command: string) => ELSEWHERE.some(([pattern]) => pattern.test(command));
/** Typed before all others. */
const install = shown.find((command) => command.startsWith('helm install postcheck charts/')) ?? 'false';
const typed = [...new Set(shown.filter((command) => command !== install && !isElsewhere(command)))];

// --- the shop

const container = (name: string) => ({ name, image: `registry.example/${name}:1.9` });
const web = { name: 'web', namespace: 'shop' };
const feature = { name: 'feature', namespace: 'switches' };
const workload = (kind: string, metadata: typeof web, more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata,
  spec: {
    selector: { matchLabels: { app: `web-${kind}` } },
    template: {
      metadata: { labels: { app: `web-${kind}` } },
      spec: { containers: [container('web'), container('worker-0')] },
    },
    ...more,
  },
});
const upgrade = (kind: string, metadata: typeof web) => ({
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  metadata,
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind, name: metadata.name },
    containers: [{ name: metadata.name, image: `registry.example/${metadata.name}:2.0` }],
  },
});
const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
/** What the gate's webhook would serve with. */
const certificate = makeAuthority({ from: Date.now(), until: Date.now() + 90 * 86_400_000 });
const objects = [
  ...['shop', 'switches'].map(namespace),
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-3' } },
  // Paused, so that it can be resumed.
  workload('Deployment', web, { paused: true }),
  workload('StatefulSet', web, { serviceName: 'web' }),
  workload('DaemonSet', web),
  upgrade('Deployment', web),
  upgrade('DaemonSet', feature),
  // Without it the API server admits no pod.
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'shop' } },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-746d-a', namespace: 'shop' },
    spec: { containers: [container('web')] },
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'postcheck-webhook', namespace: 'postcheck-system' },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': certificate.cert, 'tls.key': certificate.key },
  },
];
/** What a pipeline waits for. */
const ready = {
  type: 'Ready',
  status: 'True',
  reason: 'PostCheckPassed',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 1,
};
const status = { observedGeneration: 1, phase: 'Succeeded', conditions: [ready] };

let api: ApiServer;
/** Where the commands are typed: with the files that they name. */
const folder = mkdtempSync(join(tmpdir(), 'postcheck-docs-'));

beforeAll(async () => {
  symlinkSync(join(ROOT, 'charts'), join(folder, 'charts'));
  writeFileSync(join(folder, 'upgrade.yaml'), stringify(upgrade('Deployment', web)));
  writeFileSync(join(folder, 'shop.yaml'), objects.map((object) => stringify(object)).join('---\n'));
  api = startApiServer();
  // There is no node here on which anything could become ready.
  const installed = install.replace(' --wait', '');
  expect(type(`kubectl config set-context --current --namespace=shop\n${installed}`)).toMatchObject({
    status: 0,
  });
  await eventually(() => api.kubectl(['get', 'upgrades', '-A']) === '');
}, 900_000);
afterAll(() => {
  api?.stop();
  rmSync(folder, { recursive: true });
});

function type(command: string) {
  const { status, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      ...MOMENTARY,
      KUBECONFIG: api.kubeconfig,
      PATH: `${join(ROOT, '.cluster/bin')}:${process.env.PATH}`,
    },
  });
  return { status, stderr };
}

/** The shop as it was, whatever the command before did to it. */
const SHOP = `kubectl delete upgrade --all -n shop --ignore-not-found
kubectl apply --server-side --force-conflicts -f shop.yaml
kubectl patch upgrade web -n shop --subresource=status --type=merge -p '${JSON.stringify({ status })}'`;
/** Finding nothing is no failure of grep's in a shop in which nothing is wrong. */
const TOLERANT = 'grep() { command grep "$@" || test $? = 1; }';

test('the docs show commands, most of which an API server alone can answer', () => {
  expect(typed.length).toBeGreaterThan(40);
  expect(typed.filter((command) => !/^(kubectl|helm) /.test(command))).toEqual([]);
  for (const [pattern] of ELSEWHERE) {
    expect(shown.filter((command) => pattern.test(command))).not.toEqual([]);
  }
});

let isAsItWas = false;

test.each(typed)('%s', (command) => {
  if (!isAsItWas) {
    expect(type(SHOP)).toMatchObject({ status: 0 });
  }
  isAsItWas = /^kubectl (get|describe|auth|version) [^&]*$/.test(command);
  const { status, stderr } = type(`${TOLERANT}\n${command}`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.anything() });
});
