/** deploy/kustomize as its users take it: built and applied by kubectl, whole and under an overlay. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';
import { makeAuthority } from '../../src/kube/webhook/certificate.ts';
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
interface Deployed {
  readonly template: {
    readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] };
  };
}
const isHook = ({ metadata }: KubeObject): boolean =>
  JSON.stringify(metadata['annotations'] ?? {}).includes('helm.sh/hook"');
const idOf = ({ kind, metadata }: KubeObject) => `${kind}/${metadata.name}`;

function writeOverlay(more: object): void {
  mkdirSync(overlay, { recursive: true });
  const kustomization = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', ...more };
  writeFileSync(join(overlay, 'kustomization.yaml'), stringify(kustomization));
}

/** What an overlay of somebody who mirrors images into another namespace looks like. */
function writeMirrorOverlay(): void {
  const pullSecret = { op: 'add', path: '/spec/template/spec/imagePullSecrets', value: [{ name: 'mirror' }] };
  writeOverlay({
    namespace: SYSTEM,
    resources: [relative(overlay, BASE)],
    images: [
      { name: 'ghcr.io/postcheck/postcheck', newName: 'mirror.example:5000/postcheck', digest: DIGEST },
    ],
    replicas: [{ name: 'postcheck', count: 1 }],
    patches: [{ target: { kind: 'Deployment', name: 'postcheck' }, patch: JSON.stringify([pullSecret]) }],
  });
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

describe('the Kustomize component for the gate’s webhook', () => {
  const [base, component] = [join(BASE, 'base'), join(BASE, 'gate-webhook')];
  const withWebhook = (more: object = {}) =>
    writeOverlay({
      resources: [relative(overlay, base)],
      components: [relative(overlay, component)],
      ...more,
    });
  const specOf = (objects: readonly KubeObject[], id: string) =>
    objects.find((object) => idOf(object) === id)?.['spec'];

  test('makes of the base what the chart makes with gate.carrier=Webhook', () => {
    withWebhook();
    const built = build(overlay);
    const rendered = renderChart(['--set', 'gate.carrier=Webhook']).filter((object) => !isHook(object));
    expect(built.map(idOf).sort()).toEqual(['Namespace/postcheck-system', ...rendered.map(idOf)].sort());
    const flags = (objects: readonly KubeObject[]) =>
      (specOf(objects, 'Deployment/postcheck') as Deployed).template.spec.containers[0]?.args.toSorted();
    expect(flags(built)).toEqual(flags(rendered));
    for (const id of ['NetworkPolicy/postcheck', 'Service/postcheck-webhook']) {
      expect(specOf(built, id)).toEqual(specOf(rendered, id));
    }
    expect(JSON.stringify(built)).not.toContain('app.kubernetes.io/managed-by');
  });

  test('is taken whole by an API server, twice, and leaves alone what the operator wrote meanwhile', () => {
    withWebhook();
    const objects = build(overlay).length;
    const apply = () => api.kubectl(['apply', '--server-side', '-k', overlay]).trim().split('\n');
    expect(apply()).toHaveLength(objects);
    const { cert } = makeAuthority({ from: Date.now(), until: Date.now() + 3_600_000 });
    const clientConfig = { caBundle: Buffer.from(cert).toString('base64') };
    const patch = { webhooks: [{ name: 'gate.postcheck.dev', clientConfig }] };
    api.kubectl([
      ...['patch', 'mutatingwebhookconfiguration', 'postcheck-gate', '--field-manager', 'postcheck'],
      ...['--patch', JSON.stringify(patch)],
    ]);
    expect(apply()).toHaveLength(objects);
    const { webhooks } = api.json(['get', 'mutatingwebhookconfiguration', 'postcheck-gate']);
    expect(webhooks).toMatchObject([{ clientConfig }]);
    api.kubectl(['delete', 'mutatingwebhookconfiguration', 'postcheck-gate']);
  });

  test('moves with the namespace of an overlay, which its webhook then leaves alone', () => {
    withWebhook({ namespace: SYSTEM });
    const built = build(overlay);
    const told = built.filter((object) => JSON.stringify(object).includes('postcheck-system'));
    expect(told.map(idOf)).toEqual([]);
    const configuration = built.find(({ kind }) => kind === 'MutatingWebhookConfiguration');
    expect(configuration?.['webhooks']).toMatchObject([
      {
        clientConfig: { service: { namespace: SYSTEM, name: 'postcheck-webhook' } },
        namespaceSelector: { matchExpressions: [{ operator: 'NotIn', values: ['kube-system', SYSTEM] }] },
      },
    ]);
  });
});

describe('the Kustomize base, on a cluster that serves MutatingAdmissionPolicy', () => {
  test('has the objects of the chart, and a namespace', () => {
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
    writeMirrorOverlay();
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
