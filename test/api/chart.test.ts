/** The Helm chart against real API servers: one that serves the gate policy's API, and one that does not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { CHART, helm, ROOT } from '../chart/render.ts';
import { type ApiServer, eventually, type KubeObject, startApiServer } from './api-server.ts';
import { connectTo } from './connect.ts';
import { podOfStatefulSet } from './webhook.ts';

const SYSTEM = 'postcheck-system';
const OPERATOR = `system:serviceaccount:${SYSTEM}:postcheck`;
/** As Kubernetes before 1.36 is by default: neither the API nor the plugin that evaluates policies. */
const WITHOUT_POLICIES = [
  '--disable-admission-plugins=MutatingAdmissionPolicy',
  `--runtime-config=${['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'].map((name) => `admissionregistration.k8s.io/v1/${name}=false`)}`,
];

// Each test runs kubectl several times, which takes seconds where many others work.
jest.setTimeout(120_000);

let api: ApiServer;
const release = (verb: string, ...args: string[]) =>
  helm([verb, 'postcheck', ...args, '--namespace', SYSTEM, '--kubeconfig', api.kubeconfig]);

/** What a Pod Security level of the namespace says to pods shows as warnings and refusals. */
function createSystemNamespace(): void {
  const labels = {
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/warn': 'restricted',
  };
  api.kubectl(
    ['create', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM, labels } }),
  );
}

function mayDo(who: string, request: string): boolean {
  try {
    return api.kubectl(['auth', 'can-i', ...request.split(' '), '--as', who]).trim() === 'yes';
  } catch {
    return false;
  }
}

describe('on a cluster that serves MutatingAdmissionPolicy', () => {
  beforeAll(() => {
    api = startApiServer();
    createSystemNamespace();
    release('install', CHART);
  }, 900_000);
  afterAll(() => api.stop());

  test('the release installs with the gate policy, and its pods are allowed under Pod Security "restricted"', async () => {
    api.kubectl([
      'get',
      'mutatingadmissionpolicies/postcheck-gate',
      'mutatingadmissionpolicybindings/postcheck-gate',
      'crd/upgrades.postcheck.dev',
    ]);
    const pods = await eventually(() => {
      const { items } = api.json<{ items: KubeObject[] }>(['get', 'pods', '--namespace', SYSTEM]);
      return items.length === 2 && items;
    });
    expect(pods).toHaveLength(2);
  });

  test.each(['pre-delete', 'test'])(
    'the %s hook would be allowed under Pod Security "restricted"',
    (hook) => {
      const text = helm(['get', 'hooks', 'postcheck', '--namespace', SYSTEM, '--kubeconfig', api.kubeconfig]);
      const documents = text.split(/^---$/m).filter((document) => document.includes(`helm.sh/hook: ${hook}`));
      expect(documents.length).toBeGreaterThan(0);
      for (const document of documents) {
        const answer = api.kubectl(
          ['create', '--dry-run=server', '--warnings-as-errors', '-f', '-'],
          document,
        );
        expect(answer).toMatch('created (server dry run)');
      }
    },
  );

  test.each([
    'list upgrades.postcheck.dev --all-namespaces',
    'patch upgrades.postcheck.dev -n shop',
    'patch upgrades.postcheck.dev --subresource=status -n shop',
    'patch deployments.apps -n shop',
    'watch controllerrevisions.apps --all-namespaces',
    'create pods --subresource=exec -n shop',
    'get pods --subresource=exec -n shop',
    'patch pods --subresource=status -n shop',
    'delete pods -n shop',
    'create events.events.k8s.io -n shop',
    'list events.events.k8s.io -n shop',
    'list nodes',
    'get mutatingadmissionpolicybindings/postcheck-gate',
    'get customresourcedefinitions/upgrades.postcheck.dev',
    `create leases.coordination.k8s.io -n ${SYSTEM}`,
    `patch leases.coordination.k8s.io/postcheck -n ${SYSTEM}`,
  ])('the operator may %s', (request) => {
    expect(mayDo(OPERATOR, request)).toBe(true);
  });

  test.each([
    'delete upgrades.postcheck.dev -n shop',
    'create pods -n shop',
    'patch pods -n shop',
    'delete deployments.apps -n shop',
    'patch replicasets.apps -n shop',
    `get secrets -n ${SYSTEM}`,
    `get configmaps -n ${SYSTEM}`,
    'patch nodes',
    'get mutatingadmissionpolicybindings/another',
    'delete mutatingadmissionpolicybindings/postcheck-gate',
    `patch leases.coordination.k8s.io/another -n ${SYSTEM}`,
    'patch leases.coordination.k8s.io/postcheck -n shop',
  ])('the operator may not %s', (request) => {
    expect(mayDo(OPERATOR, request)).toBe(false);
  });

  test('the built-in roles admin and edit write Upgrades, view only reads them, and none writes their status', async () => {
    api.kubectl(['create', 'namespace', 'shop']);
    for (const role of ['admin', 'edit', 'view']) {
      api.kubectl(['create', 'rolebinding', role, `--clusterrole=${role}`, `--user=${role}`, '-n', 'shop']);
    }
    await eventually(
      () =>
        mayDo('view', 'get upgrades.postcheck.dev -n shop') &&
        mayDo('edit', 'patch upgrades.postcheck.dev -n shop'),
    );
    const may = (who: string) =>
      ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'].filter((verb) =>
        mayDo(who, `${verb} upgrades.postcheck.dev -n shop`),
      );
    const all = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
    expect({ admin: may('admin'), edit: may('edit'), view: may('view'), nobody: may('nobody') }).toEqual({
      admin: all,
      edit: all,
      view: ['get', 'list', 'watch'],
      nobody: [],
    });
    for (const who of ['admin', 'edit', 'view']) {
      expect(mayDo(who, 'patch upgrades.postcheck.dev --subresource=status -n shop')).toBe(false);
    }
  }, 60_000);

  test('an upgrade of the release upgrades the CRD, and the operator tells an older one', async () => {
    const schema = parse(readFileSync(join(ROOT, 'crds/postcheck.dev_upgrades.yaml'), 'utf8')).metadata
      .annotations['postcheck.dev/schema'];
    const cluster = await connectTo(api);
    expect(await cluster.crdMismatch(schema)).toBeUndefined();
    const older = [
      { op: 'remove', path: '/spec/versions/0/additionalPrinterColumns' },
      { op: 'replace', path: '/metadata/annotations/postcheck.dev~1schema', value: 'older' },
    ];
    const patch = ['--type=json', '--patch', JSON.stringify(older)];
    api.kubectl(['patch', 'crd', 'upgrades.postcheck.dev', ...patch]);
    expect(await cluster.crdMismatch(schema)).toMatch(
      `has the schema older, and this operator was built for ${schema}: fields of Upgrades may be lost; run \`helm upgrade\``,
    );
    release('upgrade', CHART, '--set', 'replicas=3', '--force-conflicts');
    const crd = api.json<{ spec: { versions: { additionalPrinterColumns: { name: string }[] }[] } }>([
      'get',
      'crd',
      'upgrades.postcheck.dev',
    ]);
    expect(crd.spec.versions[0]?.additionalPrinterColumns.map(({ name }) => name)).toContain('Phase');
    expect(await cluster.crdMismatch(schema)).toBeUndefined();
    await cluster.close();
  });

  test('with watchNamespaces the operator loses its rights everywhere else', async () => {
    release('upgrade', CHART, '--set', 'watchNamespaces={shop}');
    await eventually(() => !mayDo(OPERATOR, 'list pods --all-namespaces'));
    expect(mayDo(OPERATOR, 'create pods --subresource=exec -n shop')).toBe(true);
    expect(mayDo(OPERATOR, 'patch deployments.apps -n shop')).toBe(true);
    expect(mayDo(OPERATOR, 'create pods --subresource=exec -n default')).toBe(false);
    expect(mayDo(OPERATOR, 'patch deployments.apps -n default')).toBe(false);
    expect(mayDo(OPERATOR, 'list nodes')).toBe(false);
    expect(mayDo(OPERATOR, 'get mutatingadmissionpolicybindings/postcheck-gate')).toBe(true);
  });

  test('an uninstall leaves the CRD and the Upgrades, and the release can be installed again over them', () => {
    const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const upgrade = {
      apiVersion: 'postcheck.dev/v1alpha1',
      kind: 'Upgrade',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { targetRef, containers: [{ name: 'web', image: 'web:2' }] },
    };
    api.kubectl(['create', '-f', '-'], JSON.stringify(upgrade));
    // No node here runs the hook; test/e2e/chart.test.ts runs it.
    release('uninstall', '--no-hooks');
    const left = api.kubectl([
      'get',
      'deployments,mutatingadmissionpolicies,mutatingadmissionpolicybindings,clusterroles,clusterrolebindings',
      '-A',
      '-l',
      'app.kubernetes.io/instance=postcheck',
      '-o',
      'name',
    ]);
    expect(left).toBe('');
    expect(api.kubectl(['get', 'upgrades', '-n', 'shop', '-o', 'name'])).toBe('upgrade.postcheck.dev/web\n');
    release('install', CHART);
    expect(api.kubectl(['get', 'upgrades', '-n', 'shop', '-o', 'name'])).toBe('upgrade.postcheck.dev/web\n');
  });
});

describe('on a cluster that serves MutatingAdmissionPolicy as a beta only, as 1.34 and 1.35 can', () => {
  beforeAll(() => {
    api = startApiServer([
      // The plugin would look for the stable API; what it evaluates is the same in both versions.
      '--disable-admission-plugins=MutatingAdmissionPolicy',
      `--runtime-config=${[
        ...['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'].map(
          (name) => `admissionregistration.k8s.io/v1/${name}=false`,
        ),
        'admissionregistration.k8s.io/v1beta1=true',
      ]}`,
    ]);
    createSystemNamespace();
  }, 900_000);
  afterAll(() => api.stop());

  test('the release installs with the gate policy of that version, and the operator finds it', async () => {
    const beta = 'mutatingadmissionpolicybindings.v1beta1.admissionregistration.k8s.io/postcheck-gate';
    expect(release('install', CHART)).toMatch('New pods of a running upgrade get no traffic');
    expect(api.json(['get', beta])['apiVersion']).toBe('admissionregistration.k8s.io/v1beta1');
    const cluster = await connectTo(api);
    expect((await cluster.gateProbe.carrier()).carrier).toBe('Policy');
    api.kubectl(['delete', beta]);
    expect((await cluster.gateProbe.carrier()).carrier).toBe('None');
    await cluster.close();
  });
});

/** A pod of a workload, as a dry run. */
function podIsCreated(): boolean {
  return api
    .kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(podOfStatefulSet('default')))
    .includes('created');
}

describe('on a cluster that does not serve MutatingAdmissionPolicy', () => {
  beforeAll(() => {
    api = startApiServer(WITHOUT_POLICIES);
    createSystemNamespace();
  }, 900_000);
  afterAll(() => api.stop());

  test('the release installs with the webhook instead of the gate policy and says so', () => {
    expect(release('install', CHART)).toMatch('This cluster does not serve MutatingAdmissionPolicy');
    expect(api.json(['get', 'mutatingwebhookconfiguration', 'postcheck-gate'])['webhooks']).toMatchObject([
      { failurePolicy: 'Ignore', timeoutSeconds: 2 },
    ]);
    api.kubectl(['get', 'deployment/postcheck', '--namespace', SYSTEM]);
  });

  test('a namespace that was deleted under the release keeps no pod from being created, and a release elsewhere takes over what remains', async () => {
    api.kubectl(['delete', 'namespace', SYSTEM]);
    expect(await eventually(podIsCreated)).toBe(true);
    const elsewhere = (...args: string[]) =>
      helm([
        ...['install', 'postcheck', CHART, '--namespace', 'upgrades-system', '--create-namespace'],
        ...['--kubeconfig', api.kubeconfig, ...args],
      ]);
    expect(() => elsewhere()).toThrow(/invalid ownership metadata/);
    elsewhere('--take-ownership', '--force-conflicts');
    const { webhooks } = api.json<{ webhooks: object[] }>([
      ...['get', 'mutatingwebhookconfiguration', 'postcheck-gate'],
    ]);
    expect(webhooks).toMatchObject([{ clientConfig: { service: { namespace: 'upgrades-system' } } }]);
    const { subjects } = api.json<{ subjects: object[] }>([
      'get',
      'clusterrolebinding',
      'postcheck-operator',
    ]);
    expect(subjects).toMatchObject([{ namespace: 'upgrades-system' }]);
  });
});
