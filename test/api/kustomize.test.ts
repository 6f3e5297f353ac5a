/** deploy/kustomize as its users take it: built and applied by kubectl, whole and under an overlay. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';
import { CHART, GATE_API, helm, ROOT, renderChart } from '../chart/render.ts';
import { type ApiServer, eventually, type KubeObject, startApiServer } from './api-server.ts';

const BASE = join(ROOT, 'deploy/kustomize');
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const SYSTEM = 'upgrades-system';

// Each test runs kubectl several times, which takes seconds where many others work.
jest.setTimeout(120_000);

let api: ApiServer;
const overlay = mkdtempSync(join(tmpdir(), 'postcheck-overlay-'));

beforeAll(() => {
  api = startApiServer();
}, 900_000);
afterAll(() => {
  api.stop();
  rmSync(overlay, { recursive: true });
});

function build(folder: string): KubeObject[] {
  return parseAllDocuments(api.kubectl(['kustomize', folder])).map(
    (document) => document.toJS() as KubeObject,
  );
}
const idOf = ({ kind, metadata }: KubeObject) => `${kind}/${metadata.name}`;

/** What an overlay of somebody who mirrors images into another namespace looks like. */
function writeOverlay(): void {
  mkdirSync(overlay, { recursive: true });
  const pullSecret = { op: 'add', path: '/spec/template/spec/imagePullSecrets', value: [{ name: 'mirror' }] };
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: SYSTEM,
    resources: [relative(overlay, BASE)],
    images: [
      { name: 'ghcr.io/postcheck/postcheck', newName: 'mirror.example:5000/postcheck', digest: DIGEST },
    ],
    replicas: [{ name: 'postcheck', count: 1 }],
    patches: [{ target: { kind: 'Deployment', name: 'postcheck' }, patch: JSON.stringify([pullSecret]) }],
  };
  writeFileSync(join(overlay, 'kustomization.yaml'), stringify(kustomization));
}

test('base alone leaves the gate policy out, for clusters that do not serve it', () => {
  const base = join(BASE, 'base');
  const kinds = build(base).map(({ kind }) => kind);
  expect(kinds).toContain('Deployment');
  expect(kinds).toContain('ValidatingAdmissionPolicy');
  expect(kinds.filter((kind) => kind.startsWith('MutatingAdmissionPolicy'))).toEqual([]);
  const said = api.kubectl(['apply', '--server-side', '-k', base]);
  expect(said.trim().split('\n')).toHaveLength(kinds.length);
});

describe('the Kustomize base, on a cluster that serves MutatingAdmissionPolicy', () => {
  test('has the objects of the chart, and a namespace', () => {
    const isHook = ({ metadata }: KubeObject) =>
      JSON.stringify(metadata['annotations'] ?? {}).includes('helm.sh/hook"');
    const rendered = renderChart(['--api-versions', GATE_API]).filter((object) => !isHook(object));
    const built = build(BASE);
    expect(built.map(idOf).sort()).toEqual(['Namespace/postcheck-system', ...rendered.map(idOf)].sort());
    expect(JSON.stringify(built)).not.toContain('app.kubernetes.io/managed-by');
  });

  test('is taken whole by an API server, twice, by either way of applying', () => {
    const objects = build(BASE).length;
    for (const how of [['--server-side'], ['--server-side'], []]) {
      const said = api.kubectl(['apply', ...how, '-k', BASE]);
      expect(said.trim().split('\n')).toHaveLength(objects);
    }
    expect(api.kubectl(['get', 'mutatingadmissionpolicybindings', '-o', 'name'])).toMatch('postcheck-gate');
  });

  test('is taken over by Helm, Upgrades kept, also where somebody forgot half of it first', () => {
    const upgrade = {
      apiVersion: 'postcheck.dev/v1alpha1',
      kind: 'Upgrade',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        containers: [{ name: 'web', image: 'web:2' }],
      },
    };
    api.kubectl(['create', '-f', '-'], JSON.stringify(upgrade));
    const release = ['postcheck', CHART, '--namespace', 'postcheck-system', '--kubeconfig', api.kubeconfig];
    expect(() => helm(['install', ...release])).toThrow(/invalid ownership metadata/);
    expect(() => helm(['install', ...release, '--take-ownership'])).toThrow(/conflict with "kubectl"/);
    helm(['upgrade', '--install', ...release, '--take-ownership', '--force-conflicts']);
    expect(
      api.json(['get', 'deployment', 'postcheck', '-n', 'postcheck-system']).metadata['labels'],
    ).toMatchObject({ 'app.kubernetes.io/managed-by': 'Helm' });
    helm([
      'uninstall',
      'postcheck',
      '--no-hooks',
      '--namespace',
      'postcheck-system',
      '--kubeconfig',
      api.kubeconfig,
    ]);
    expect(api.kubectl(['get', 'upgrades', '-o', 'name'])).toBe('upgrade.postcheck.dev/web\n');
  });

  test('moves whole into the namespace of an overlay, with its image, pull secret and rights', async () => {
    writeOverlay();
    const built = build(overlay);
    const namespaces = built
      .filter(({ kind }) => kind !== 'Namespace')
      .flatMap(({ metadata }) => metadata['namespace'] ?? []);
    expect(new Set(namespaces)).toEqual(new Set([SYSTEM]));
    const told = built.filter((object) => JSON.stringify(object).includes('postcheck-system'));
    expect(told.map(idOf)).toEqual([]);

    api.kubectl(['delete', '-k', BASE, '--wait=false', '--ignore-not-found']);
    await eventually(() => !api.kubectl(['get', 'crd', '-o', 'name']).includes('postcheck'));
    api.kubectl(['apply', '--server-side', '-k', overlay]);

    const deployment = api.json(['get', 'deployment', 'postcheck', '-n', SYSTEM]);
    expect(deployment['spec']).toMatchObject({
      replicas: 1,
      template: {
        spec: {
          imagePullSecrets: [{ name: 'mirror' }],
          containers: [{ image: `mirror.example:5000/postcheck@${DIGEST}` }],
        },
      },
    });
    const mayPatch = (account: string) =>
      api.kubectl([
        'auth',
        'can-i',
        'patch',
        'deployments.apps',
        '-n',
        'shop',
        '--as',
        `system:serviceaccount:${account}`,
      ]);
    expect(await eventually(() => mayPatch(`${SYSTEM}:postcheck`))).toBe('yes\n');
    expect(() => mayPatch('postcheck-system:postcheck')).toThrow();
  });
});
