/** The chart's author policy in a real API server: whoever makes an Upgrade act needs the rights that the operator uses for them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { ANNOTATIONS } from '../../src/api/verbs.ts';
import { ROOT, renderChart } from '../chart/render.ts';
import { type ApiServer, eventually, type KubeObject, startApiServer, untilServed } from './api-server.ts';

const NAMESPACE = 'shop';
const FINALIZER = 'postcheck.dev/fallback';
const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'];
const SYSTEM = 'system:serviceaccount:postcheck-system';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const UPGRADES: Rule = {
  apiGroups: ['postcheck.dev'],
  resources: ['upgrades'],
  verbs: ['get', 'list', 'create', 'update', 'patch', 'delete', 'deletecollection'],
};
const EXEC: Rule = { apiGroups: [''], resources: ['pods/exec'], verbs: ['create'] };
const PATCH: Rule = {
  apiGroups: ['apps'],
  resources: ['deployments', 'statefulsets', 'daemonsets'],
  verbs: ['patch'],
};
const ONLY_STATEFULSETS: Rule = { ...PATCH, resources: ['statefulsets'] };
/** What each user may do in the namespace beside writing Upgrades. */
const USERS: Readonly<Record<string, readonly Rule[]>> = {
  both: [PATCH, EXEC],
  patcher: [PATCH],
  execer: [EXEC],
  neither: [],
  oneName: [{ ...PATCH, resourceNames: ['web'] }, EXEC],
  otherKind: [ONLY_STATEFULSETS, EXEC],
  reader: [{ ...PATCH, verbs: ['get', 'list', 'watch', 'update', 'create'] }, EXEC],
};

const NETWORK = { postCheck: { checks: [{ name: 'port', tcpSocket: { port: 8080 } }] } };
const COMMAND = { postCheck: { checks: [{ name: 'probe', exec: { command: ['/probe'] } }] } };
const MIXED = { postCheck: { checks: [...NETWORK.postCheck.checks, ...COMMAND.postCheck.checks] } };
const READINESS = { postCheck: { checks: [] } };

// Each test runs kubectl several times, which takes seconds where many others work.
jest.setTimeout(120_000);

let api: ApiServer;

/** An empty string when the API server takes what `user` asks for, else its sentence. */
function ask(user: string, args: readonly string[], input: unknown = ''): string {
  try {
    api.kubectl(['--as', user, ...args], typeof input === 'string' ? input : JSON.stringify(input));
    return '';
  } catch (error) {
    return String((error as { stderr?: string }).stderr);
  }
}

const upgrade = (name: string, kind: string, spec: object = {}, namespace = NAMESPACE) => ({
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  metadata: { name, namespace },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind, name },
    containers: [{ name: 'web', image: 'web:2' }],
    ...spec,
  },
});
const create = (user: string, kind: string, spec: object = {}, name = 'web') =>
  ask(user, ['create', '--dry-run=server', '-f', '-'], upgrade(name, kind, spec));
const patch = (user: string, change: object, namespace = NAMESPACE) =>
  ask(user, ['patch', 'upgrade', 'live', '-n', namespace, '--type=merge', '--patch', JSON.stringify(change)]);
const admin = (args: readonly string[], input?: unknown) =>
  api.kubectl(args, input === undefined ? '' : JSON.stringify(input));

function grant(user: string, rules: readonly Rule[], namespace = NAMESPACE): void {
  const metadata = { name: user.toLowerCase().replaceAll(':', '-'), namespace };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  admin(['create', '-f', '-'], { apiVersion, kind: 'Role', metadata, rules });
  admin([
    'create',
    'rolebinding',
    metadata.name,
    `--role=${metadata.name}`,
    `--user=${user}`,
    '-n',
    namespace,
  ]);
}

const letGo = (namespace = NAMESPACE) =>
  admin([
    'patch',
    'upgrade',
    'live',
    '-n',
    namespace,
    '--type=merge',
    '-p',
    '{"metadata":{"finalizers":null}}',
  ]);

/** A live Upgrade as somebody with all rights wrote it; with `holds` it must be put back before it goes. */
function createLive(holds: boolean, namespace = NAMESPACE): void {
  if (admin(['get', 'upgrade', 'live', '-n', namespace, '--ignore-not-found'])) {
    letGo(namespace);
    admin(['delete', 'upgrade', 'live', '-n', namespace, '--ignore-not-found']);
  }
  admin(['create', '-f', '-'], {
    ...upgrade('live', 'Deployment', {}, namespace),
    metadata: { name: 'live', namespace, labels: { team: 'a' }, ...(holds && { finalizers: [FINALIZER] }) },
  });
}

beforeAll(async () => {
  api = startApiServer();
  const objects = renderChart().filter(
    ({ kind }) =>
      kind === 'CustomResourceDefinition' ||
      kind === 'ServiceAccount' ||
      /^(ValidatingAdmission|ClusterRole|Role)/.test(kind),
  );
  admin(['create', 'namespace', 'postcheck-system']);
  admin(['create', 'namespace', NAMESPACE]);
  admin(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items: objects });
  await untilServed(api);
  for (const [user, rules] of Object.entries(USERS)) {
    grant(user, [UPGRADES, ...rules]);
  }
  await eventually(() => create('both', 'Deployment') === '' && create('neither', 'Deployment') !== '');
}, 900_000);
afterAll(() => api?.stop());

describe.each(KINDS)('an Upgrade of a %s', (kind) => {
  const resource = `${kind.toLowerCase()}s`;

  test('is taken from whom may patch it and exec in its pods', () => {
    expect(create('both', kind)).toBe('');
    expect(create('both', kind, MIXED)).toBe('');
  });

  test('is refused to whom may not exec, unless no check runs a command', () => {
    const sentence =
      'user "patcher" may not create pods/exec in namespace "shop", which this Upgrade requires: get that permission, or have a user with that permission write the Upgrade, or use a check without a command';
    expect(create('patcher', kind)).toContain(sentence);
    expect(create('patcher', kind, COMMAND)).toContain(sentence);
    expect(create('patcher', kind, MIXED)).toContain(sentence);
    expect(create('patcher', kind, NETWORK)).toBe('');
    expect(create('patcher', kind, READINESS)).toBe('');
  });

  test('is refused to whom may not patch it, whatever is checked', () => {
    for (const spec of [{}, NETWORK, READINESS]) {
      expect(create('execer', kind, spec)).toContain(
        `user "execer" may not patch ${resource}.apps "web" in namespace "shop"`,
      );
    }
  });

  test('is refused with all that is lacking in one sentence', () => {
    expect(create('neither', kind)).toContain(
      `user "neither" may not patch ${resource}.apps "web" and may not create pods/exec in namespace "shop"`,
    );
  });

  test('is judged by the name and the kind of its target', () => {
    expect(create('oneName', kind)).toBe('');
    expect(create('oneName', kind, {}, 'other')).toContain(`may not patch ${resource}.apps "other"`);
    expect(create('otherKind', kind) === '').toBe(kind === 'StatefulSet');
  });

  test('is refused to whom may read, create and update workloads but not patch them', () => {
    expect(create('reader', kind)).toContain('user "reader" may not patch');
  });
});

describe('a change', () => {
  beforeAll(() => createLive(false));

  test.each<readonly [string, object]>([
    ['the images', { spec: { containers: [{ name: 'web', image: 'web:3' }] } }],
    ['a pause', { spec: { paused: true } }],
    ['the fallback', { spec: { fallback: { action: 'None' } } }],
    ['an abort', { metadata: { annotations: { 'postcheck.dev/abort': 'x' } } }],
    ['a retry with an empty token', { metadata: { annotations: { 'postcheck.dev/retry': '' } } }],
    ['our finalizer', { metadata: { finalizers: [FINALIZER] } }],
    [
      'an owner, whose end deletes it',
      { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'y' }] } },
    ],
  ])('of %s needs the rights', (_, change) => {
    expect(patch('neither', change)).toContain('user "neither" may not patch');
    expect(patch('patcher', change)).toContain('user "patcher" may not create pods/exec');
    expect(patch('both', change)).toBe('');
    createLive(false);
  });

  test.each<readonly [string, object]>([
    ['labels', { metadata: { labels: { team: 'b' } } }],
    ['annotations of others', { metadata: { annotations: { 'example.com/note': 'x' } } }],
    ['finalizers of others', { metadata: { finalizers: ['example.com/hold'] } }],
    ['nothing at all', { spec: { paused: false } }],
  ])('of %s needs none', (_, change) => {
    expect(patch('neither', change)).toBe('');
    letGo();
  });

  const many = (count: number, prefix: string): string[] =>
    Array.from({ length: count }, (_, index) => `example.com/${prefix}${index}`);
  const labels = (count: number) => Object.fromEntries(many(count, 'l').map((name) => [name, 'x']));
  const managers = (count: number) =>
    many(count, 'm').map((manager) => ({
      manager,
      operation: 'Apply',
      apiVersion: 'postcheck.dev/v1alpha1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:metadata': { 'f:labels': { 'f:team': {} } } },
    }));

  test.each<readonly [string, object]>([
    ['labels', { metadata: { labels: labels(65) } }],
    ['finalizers', { metadata: { finalizers: many(17, 'f') } }],
    ['field managers', { metadata: { managedFields: managers(101) } }],
  ])('that would fill the object with %s is refused to everybody', (_, change) => {
    expect(patch('both', change)).toContain('room for 64 labels, 16 finalizers and 100 field managers');
    letGo();
  });

  test('of as many labels as there is room for is taken', () => {
    expect(patch('neither', { metadata: { labels: labels(63) } })).toBe('');
    letGo();
  });

  test('that takes an annotation of ours away needs the rights', () => {
    expect(patch('both', { metadata: { annotations: { 'postcheck.dev/abort': 'x' } } })).toBe('');
    expect(patch('neither', { metadata: { annotations: { 'postcheck.dev/abort': null } } })).toContain(
      'may not',
    );
  });

  test('is judged by what the Upgrade asks afterwards', () => {
    expect(patch('patcher', { spec: NETWORK })).toBe('');
    expect(patch('patcher', { spec: COMMAND })).toContain('may not create pods/exec');
    createLive(false);
  });
});

describe('a deletion', () => {
  const remove = (user: string, ...args: string[]) =>
    ask(user, ['delete', 'upgrade', '-n', NAMESPACE, '--dry-run=server', ...args]);

  test('of an Upgrade that holds nothing needs no further right', () => {
    createLive(false);
    expect(remove('neither', 'live')).toBe('');
  });

  test('that is an abort needs the right to patch the target: one by one, and all together', () => {
    createLive(true);
    expect(remove('neither', 'live')).toContain('user "neither" may not patch deployments.apps "live"');
    const all = ['--raw', `/apis/postcheck.dev/v1alpha1/namespaces/${NAMESPACE}/upgrades`];
    expect(ask('neither', ['delete', ...all])).toContain('user "neither" may not patch');
    expect(remove('patcher', 'live')).toBe('');
  });

  test('by the garbage collector goes through: its owner has gone', async () => {
    admin(['create', 'configmap', 'owner', '-n', NAMESPACE]);
    const owner = api.json(['get', 'configmap', 'owner', '-n', NAMESPACE]);
    const { uid } = owner.metadata as unknown as { uid: string };
    createLive(true);
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid };
    expect(patch('both', { metadata: { ownerReferences: [reference] } })).toBe('');
    admin(['delete', 'configmap', 'owner', '-n', NAMESPACE]);
    // The garbage collector looks for new kinds of objects every 30 s.
    await eventually(
      () => api.json(['get', 'upgrade', 'live', '-n', NAMESPACE]).metadata['deletionTimestamp'],
      75_000,
    );
    letGo();
  }, 90_000);

  test('by the end of the namespace goes through, and nobody keeps the finalizer from going', async () => {
    admin(['create', 'namespace', 'leaving']);
    admin(['create', 'clusterrole', 'janitor', '--verb=patch,get', '--resource=upgrades.postcheck.dev']);
    admin(['create', 'clusterrolebinding', 'janitor', '--clusterrole=janitor', '--user=janitor']);
    createLive(true, 'leaving');
    expect(patch('janitor', { metadata: { finalizers: null } }, 'leaving')).toContain('may not patch');
    admin(['delete', 'namespace', 'leaving', '--wait=false']);
    await eventually(
      () => api.json(['get', 'upgrade', 'live', '-n', 'leaving']).metadata['deletionTimestamp'],
    );
    // The namespace has taken the user's RoleBinding too: a ClusterRole alone is left, without rights on workloads.
    expect(patch('janitor', { metadata: { finalizers: null } }, 'leaving')).toBe('');
    await eventually(
      () => admin(['get', 'namespace', 'leaving', '--ignore-not-found', '-o', 'name']) === '',
      30_000,
    );
  }, 60_000);
});

describe('who else writes Upgrades', () => {
  test('the operator lets its finalizer come and go, by the rights that the chart gives it', () => {
    createLive(false);
    const operator = `${SYSTEM}:postcheck`;
    grant(operator, [UPGRADES]);
    expect(patch(operator, { metadata: { finalizers: [FINALIZER] } })).toBe('');
    expect(patch(operator, { metadata: { finalizers: null } })).toBe('');
  });

  test('the uninstall lets go without rights on workloads, and a namesake elsewhere does not', () => {
    const own = `${SYSTEM}:postcheck-uninstall`;
    const namesake = `system:serviceaccount:${NAMESPACE}:postcheck-uninstall`;
    grant(own, [UPGRADES]);
    grant(namesake, [UPGRADES]);
    createLive(true);
    expect(patch(namesake, { metadata: { finalizers: null } })).toContain('may not patch');
    expect(patch(own, { metadata: { finalizers: null } })).toBe('');
  });

  test('the status is not asked about: who may write it is said by upgrades/status alone', () => {
    const status: Rule = {
      apiGroups: ['postcheck.dev'],
      resources: ['upgrades/status'],
      verbs: ['get', 'patch'],
    };
    grant('keeper', [UPGRADES, status]);
    const change = ['--type=merge', '--subresource=status', '-p', '{"status":{"summary":"1/1"}}'];
    createLive(false);
    expect(ask('keeper', ['patch', 'upgrade', 'live', '-n', NAMESPACE, ...change])).toBe('');
  });

  test('the built-in role edit has what it takes', async () => {
    admin(['create', 'rolebinding', 'editor', '--clusterrole=edit', '--user=editor', '-n', NAMESPACE]);
    await eventually(() => create('editor', 'Deployment') === '');
  });

  test('a GitOps account with the Role of SECURITY.md applies, changes and prunes Upgrades', () => {
    const [, text = ''] =
      /```yaml\n(apiVersion: rbac[^`]+)```/.exec(readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')) ?? [];
    const role = parse(text) as KubeObject & { rules: Rule[] };
    const account = `system:serviceaccount:${NAMESPACE}:deployer`;
    expect(role.metadata['namespace']).toBe(NAMESPACE);
    grant(account, role.rules);
    const apply = (object: object) =>
      ask(account, ['apply', '--server-side', '--field-manager=gitops', '-f', '-'], object);
    for (const kind of KINDS) {
      const first = upgrade(`git-${kind.toLowerCase()}`, kind);
      expect(apply(first)).toBe('');
      expect(
        apply({ ...first, spec: { ...first.spec, containers: [{ name: 'web', image: 'web:3' }] } }),
      ).toBe('');
      expect(ask(account, ['delete', 'upgrade', first.metadata.name, '-n', NAMESPACE])).toBe('');
    }
  });
});

test('an annotation that looks like a command and is none is taken with a warning, and a command without one', async () => {
  createLive(false);
  const warned = (...annotations: string[]): string =>
    ask('both', [
      'annotate', 'upgrade', 'live', '-n', NAMESPACE, '--overwrite', '--dry-run=server', '--warnings-as-errors', ...annotations,
    ]); // biome-ignore format: a command line
  await eventually(() => warned('postcheck.dev/rety=x') !== '');
  expect(warned('postcheck.dev/rety=x')).toContain(
    'postcheck reads no annotation postcheck.dev/rety, only postcheck.dev/abort, approve, promote and retry',
  );
  expect(warned(...Object.values(ANNOTATIONS).map((key) => `${key}=x`), 'other.example/rety=x')).toBe('');
  expect(patch('both', { metadata: { annotations: { 'postcheck.dev/rety': 'x' } } })).toBe('');
});

test('authorPolicy.create=false leaves it out, and watchNamespaces binds it there alone', () => {
  const all = (...args: string[]) =>
    renderChart(args).filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'));
  const policies = (...args: string[]) =>
    all(...args).filter(({ metadata }) => metadata.name === 'postcheck-author');
  expect(policies()).toHaveLength(2);
  expect(all('--set', 'authorPolicy.create=false')).toEqual([]);
  // The API server leaves a composed message out when a name in it breaks the line.
  const { validations = [] } = (policies()[0]?.['spec'] ?? {}) as { validations?: { message?: string }[] };
  expect(validations.map(({ message = '' }) => message.length > 50)).toEqual([true, true, true, true]);
  const binding = policies('--set', 'watchNamespaces={shop}').find(
    ({ kind }) => kind === 'ValidatingAdmissionPolicyBinding',
  );
  expect(JSON.stringify(binding)).toContain('"values":["shop"]');
});
