import { describe, expect, test } from '@jest/globals';
import { decodePod, keepsPod } from './decode-pod.ts';

const pod = {
  metadata: {
    namespace: 'shop',
    name: 'web-abc-1',
    uid: 'p1',
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:10Z',
    labels: { app: 'web', 'pod-template-hash': 'abc' },
    ownerReferences: [
      { kind: 'Other', name: 'x', uid: 'x' },
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'r1', controller: true },
    ],
  },
  spec: {
    nodeName: 'node-1',
    readinessGates: [{ conditionType: 'postcheck.dev/verified' }, { conditionType: 'lb/ready' }],
    initContainers: [
      { name: 'migrate', image: 'm:1' },
      { name: 'proxy', image: 'p:1', restartPolicy: 'Always' },
    ],
    containers: [
      { name: 'web', image: 'w:1' },
      { name: 'late', image: 'l:1' },
    ],
  },
  status: {
    phase: 'Running',
    podIP: '10.0.0.9',
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'ReadinessGatesNotReady',
        message: 'm',
        lastTransitionTime: '2026-01-01T00:00:20Z',
      },
      { type: 'lb/ready', status: 'True' },
      { type: 'PodReadyToStartContainers', status: 'True' },
      { type: 'DisruptionTarget', status: 'False' },
    ],
    containerStatuses: [
      {
        name: 'web',
        image: 'docker.io/library/w@sha256:1',
        containerID: 'containerd://c1',
        restartCount: 2,
        ready: true,
        state: { running: { startedAt: '2026-01-01T00:00:15Z' } },
        lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      },
    ],
    initContainerStatuses: [
      {
        name: 'migrate',
        containerID: 'containerd://m1',
        restartCount: 0,
        state: { terminated: { exitCode: 0, reason: 'Completed' } },
      },
      { name: 'proxy', state: { waiting: { reason: 'ErrImagePull', message: 'no such image' } } },
    ],
  },
};

test('a pod keeps owner, revision, place, gates and the conditions that decisions read', () => {
  const view = decodePod(pod);
  expect(view).toMatchObject({
    owner: { kind: 'ReplicaSet', name: 'web-abc', uid: 'r1' },
    revision: 'abc',
    node: 'node-1',
    ip: '10.0.0.9',
  });
  expect(view).toMatchObject({
    phase: 'Running',
    deleting: false,
    createdAt: Date.UTC(2026, 0, 1, 0, 0, 10),
  });
  expect(view.gates).toEqual(['postcheck.dev/verified', 'lb/ready']);
  expect(view.conditions).toEqual({
    Ready: {
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message: 'm',
      since: Date.UTC(2026, 0, 1, 0, 0, 20),
    },
    'lb/ready': { status: 'True', reason: '', message: '', since: 0 },
    DisruptionTarget: { status: 'False', reason: '', message: '', since: 0 },
  });
});

describe('a message is short and printable, whoever wrote it', () => {
  const hostile = `\u001b[31mred\u001b]0;title\u0007\u202e\u0000\n${'x'.repeat(100_000)}`;
  const shown = (message: string | undefined) => {
    expect(message).toMatch(/^red\nx+…x+$/);
    expect(message?.length).toBeLessThanOrEqual(512);
  };

  test('the application that ended, its kubelet, or a controller', () => {
    const terminated = { exitCode: 1, reason: 'Error', message: hostile };
    const view = decodePod({
      ...pod,
      status: {
        phase: 'Failed',
        message: hostile,
        conditions: [{ type: 'PodScheduled', status: 'False', message: hostile }],
        containerStatuses: [
          { name: 'web', state: { waiting: { message: hostile } }, lastState: { terminated } },
        ],
      },
    });
    const [web] = view.containers;
    shown(view.message);
    shown(view.conditions['PodScheduled']?.message);
    shown(web?.message);
    shown(web?.ended?.message);
  });

  test('but a result of ours keeps its end, which says what it belongs to', () => {
    const type = 'postcheck.dev/verified';
    const conditions = [{ type, status: 'True', message: `${hostile} [u/1-a/p web@c1]` }];
    const { message } = decodePod({ ...pod, status: { conditions } }).conditions[type] ?? {};
    expect(message).toMatch(/^red\nx+ \[u\/1-a\/p web@c1\]$/);
  });
});

test.each([
  ['Restart', 'In', [7], true],
  ['RestartAllContainers', 'In', [7], true],
  ['Restart', 'In', [8], false],
  ['Restart', 'NotIn', [8], true],
  ['Terminate', 'In', [7], false],
])(
  'a restart rule %s with exit codes %s %j asks for a restart after 7: %s',
  (action, operator, values, byRule) => {
    const rules = [{ action, exitCodes: { operator, values } }];
    const ended = { terminated: { exitCode: 7, reason: 'Error' } };
    const [web] = decodePod({
      ...pod,
      spec: { containers: [{ name: 'web', image: 'w:1', restartPolicyRules: rules }] },
      status: { containerStatuses: [{ name: 'web', lastState: ended, state: { running: {} } }] },
    }).containers;
    expect(web?.ended?.byRule).toBe(byRule);
  },
);

test('its containers are all there, regular ones first, each with its own state', () => {
  expect(decodePod(pod).containers).toEqual([
    {
      name: 'web',
      image: 'w:1',
      role: 'regular',
      id: 'containerd://c1',
      restarts: 2,
      state: 'running',
      reason: '',
      message: '',
      exitCode: 137,
      ended: { reason: 'OOMKilled', message: '', byRule: false },
      startedAt: Date.UTC(2026, 0, 1, 0, 0, 15),
      ready: true,
    },
    {
      name: 'late',
      image: 'l:1',
      role: 'regular',
      id: '',
      restarts: 0,
      state: 'waiting',
      reason: '',
      message: '',
      ready: false,
    },
    {
      name: 'proxy',
      image: 'p:1',
      role: 'sidecar',
      id: '',
      restarts: 0,
      state: 'waiting',
      reason: 'ErrImagePull',
      message: 'no such image',
      ready: false,
    },
    {
      name: 'migrate',
      image: 'm:1',
      role: 'init',
      id: 'containerd://m1',
      restarts: 0,
      state: 'terminated',
      reason: 'Completed',
      message: '',
      exitCode: 0,
      ready: false,
    },
  ]);
});

test.each([
  ['Always', false, true],
  ['Always', true, undefined],
  [undefined, false, undefined],
])(
  'a container with restartPolicy %s and started %s holds up the later ones as a sidecar: %s',
  (restartPolicy, started, starting) => {
    const [container] = decodePod({
      spec: { initContainers: [{ name: 'proxy', restartPolicy }] },
      status: { initContainerStatuses: [{ name: 'proxy', started, state: { running: {} } }] },
    }).containers;
    expect(container?.starting).toBe(starting);
  },
);

test('of a long chain of errors the cause is kept, which comes last', () => {
  const image = `registry.example/team/web@sha256:${'0'.repeat(64)}`;
  const steps = ['pull and unpack image', 'resolve reference', 'copy', 'do request: Head'];
  const chain = `${steps.map((step) => `failed to ${step} "${image}":`).join(' ')} dial tcp: i/o timeout`;
  const waiting = { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": ${chain}` };
  const [web] = decodePod({
    spec: { containers: [{ name: 'web', image }] },
    status: { containerStatuses: [{ name: 'web', state: { waiting } }] },
  }).containers;
  expect(web?.message).toMatch(/^Back-off pulling image .*….* dial tcp: i\/o timeout$/);
});

test('a pod that failed keeps the reason and the message of its node', () => {
  const status = { phase: 'Failed', reason: 'Evicted', message: 'low on memory' };
  expect(decodePod({ status })).toMatchObject({ reason: 'Evicted', message: 'low on memory' });
  expect(decodePod({ status: { ...status, phase: 'Running' } }).message).toBeUndefined();
});

const controlledBy = (kind: string): object[] => [
  { apiVersion: 'apps/v1', kind, name: 'x', uid: 'x', controller: true },
];

test.each([
  ['ReplicaSet', 'hash'],
  ['StatefulSet', 'revision'],
  ['DaemonSet', 'revision'],
  ['Job', ''],
  ['constructor', ''],
])(
  "the revision of a %s's pod is in the label of its kind, whatever the template carries",
  (kind, revision) => {
    const labels = { 'pod-template-hash': 'hash', 'controller-revision-hash': 'revision' };
    expect(decodePod({ metadata: { labels, ownerReferences: controlledBy(kind) } }).revision).toBe(revision);
  },
);

test('pods of Jobs, and pods that nobody controls, are not kept', () => {
  const owned = (kind: string): boolean =>
    keepsPod(decodePod({ metadata: { ownerReferences: controlledBy(kind) } }));
  expect(['ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController'].filter(owned)).toEqual([
    'ReplicaSet',
    'StatefulSet',
    'DaemonSet',
  ]);
  expect(keepsPod(decodePod({}))).toBe(false);
});

test('a pod that nobody controls any more is kept until its gate is open', () => {
  const spec = { readinessGates: [{ conditionType: 'postcheck.dev/verified' }] };
  const opened = { conditions: [{ type: 'postcheck.dev/verified', status: 'True' }] };
  const job = { ownerReferences: controlledBy('Job') };
  expect(keepsPod(decodePod({ spec }))).toBe(true);
  expect(keepsPod(decodePod({ spec, status: opened }))).toBe(false);
  expect(keepsPod(decodePod({ metadata: job, spec }))).toBe(false);
});

test.each([
  undefined,
  null,
  3,
  {},
  { status: { containerStatuses: [null, 1], conditions: 'x' }, spec: { containers: [null] } },
])('whatever comes instead of a pod (%p) gives a neutral view', (raw) => {
  expect(decodePod(raw)).toMatchObject({ name: '', phase: 'Pending', conditions: {} });
});

describe('the node of a pod that is not scheduled yet', () => {
  const affinity = (matchFields: unknown) => ({
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    },
  });
  const unscheduled = (kind: string, matchFields: unknown) =>
    decodePod({
      metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'x', uid: 'x', controller: true }] },
      spec: { affinity: affinity(matchFields), containers: [] },
    }).node;
  const meant = [{ key: 'metadata.name', operator: 'In', values: ['node-2'] }];

  test.each([
    ['is, for a DaemonSet, the one that its controller made it for', 'DaemonSet', meant, 'node-2'],
    ['is none for other kinds, whatever they prefer', 'StatefulSet', meant, ''],
    [
      'is none when nothing says which',
      'DaemonSet',
      [{ key: 'metadata.name', operator: 'NotIn', values: ['a'] }],
      '',
    ],
    ['is none when what is there makes no sense', 'DaemonSet', { values: 7 }, ''],
  ])('%s', (_, kind, matchFields, node) => {
    expect(unscheduled(kind, matchFields)).toBe(node);
  });
});

describe('images that were set after the creation', () => {
  const IMAGE = { 'f:image': {}, 'f:name': {} };
  const owns = (time: string, change: object = {}, containers: object = { 'k:{"name":"web"}': IMAGE }) => ({
    manager: 'kube-controller-manager',
    operation: 'Update',
    time,
    fieldsV1: { 'f:spec': { 'f:containers': containers } },
    ...change,
  });
  const AT = '2026-01-01T00:00:10Z';
  const LATER = '2026-01-01T00:00:11Z';
  const both = { 'k:{"name":"web"}': IMAGE, 'k:{"name":"late"}': IMAGE };
  const init = {
    'f:initContainers': { 'k:{"name":"migrate"}': IMAGE, 'k:{"name":"proxy"}': IMAGE },
  };
  const maker = owns(AT, { fieldsV1: { 'f:spec': { 'f:containers': both, ...init } } });
  const lost = owns(AT, {
    fieldsV1: { 'f:spec': { 'f:containers': { 'k:{"name":"late"}': IMAGE }, ...init } },
  });

  test.each([
    ['are none where the pod was never changed', 1, [], []],
    ['are none after a resize: the images are still those of who made the pod', 3, [maker], []],
    [
      'are told by the owner, whatever the image is now',
      3,
      [lost, owns(LATER, { manager: 'kubectl-patch' })],
      ['web'],
    ],
    [
      'are told when they were set in the very second of the creation',
      2,
      [lost, owns(AT, { manager: 'kubectl-patch' }, { 'k:{"name":"web"}': { 'f:image': {} } })],
      ['web'],
    ],
    ['are told when who made the pod sets them again, in name', 3, [lost, owns(LATER)], ['web']],
    ['are told when they are applied', 3, [lost, owns(AT, { operation: 'Apply' })], ['web']],
    ['are told when they were set through a subresource', 3, [lost, owns(AT, { subresource: 'x' })], ['web']],
    ['are told when nobody says when', 3, [lost, { ...owns(AT), time: undefined }], ['web']],
    [
      'are all of them where nobody can be shown to have made the pod',
      2,
      [],
      ['web', 'late', 'migrate', 'proxy'],
    ],
  ])('%s', (_what, generation, managedFields, changed) => {
    const view = decodePod({ ...pod, metadata: { ...pod.metadata, generation, managedFields } });
    expect(view.imagesChanged).toEqual(changed);
  });
});

test('the work for a pod grows with its containers, and not with their square', () => {
  let reads = 0;
  const names = Array.from({ length: 1000 }, (_, nth) => `c${nth}`);
  const containerStatuses = names.toReversed().map((name) => ({
    get name() {
      reads += 1;
      return name;
    },
    restartCount: 1,
  }));
  const view = decodePod({
    spec: { containers: names.map((name) => ({ name, image: 'x' })) },
    status: { containerStatuses },
  });
  expect(view.containers.map(({ name, restarts }) => [name, restarts])).toEqual(
    names.map((name) => [name, 1]),
  );
  expect(reads).toBeLessThan(10 * names.length);
});
