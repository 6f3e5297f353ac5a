import { describe, expect, test } from '@jest/globals';
import { decodeWorkload } from './decode-workload.ts';

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    namespace: 'shop',
    name: 'web',
    uid: 'u1',
    resourceVersion: '42',
    generation: 3,
    managedFields: [
      { manager: 'kubectl', operation: 'Apply', time: '2026-01-02T00:00:00Z', fieldsV1: owns('web', 'side') },
      { manager: 'argocd', operation: 'Update', time: '2026-01-03T00:00:00Z', fieldsV1: owns('web') },
      { manager: 'kube-controller-manager', subresource: 'status', fieldsV1: { 'f:status': {} } },
    ],
  },
  spec: {
    replicas: 4,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        initContainers: [
          { name: 'migrate', image: 'm:1' },
          {
            name: 'proxy',
            image: 'p:1',
            restartPolicy: 'Always',
            startupProbe: { exec: { command: ['true'] } },
          },
        ],
        containers: [{ name: 'web', image: 'w:1' }],
      },
    },
  },
  status: { observedGeneration: 3, replicas: 5, updatedReplicas: 4, readyReplicas: 3, availableReplicas: 2 },
};

function owns(...names: string[]): unknown {
  const containers = Object.fromEntries(
    names.map((name) => [`k:{"name":"${name}"}`, { '.': {}, 'f:image': {} }]),
  );
  return { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': containers } } } };
}

const withSpec = (spec: object): unknown => ({ ...deployment, spec: { ...deployment.spec, ...spec } });

describe('a Deployment', () => {
  const view = decodeWorkload('Deployment', deployment);

  test('keeps identity, counts and the containers with their roles, init containers first', () => {
    expect(view).toMatchObject({
      namespace: 'shop',
      name: 'web',
      uid: 'u1',
      resourceVersion: '42',
      generation: 3,
      observedGeneration: 3,
    });
    expect(view).toMatchObject({
      desired: 4,
      updated: 4,
      ready: 3,
      available: 2,
      total: 5,
      paused: false,
      deleting: false,
    });
    expect(view.containers).toEqual([
      { name: 'migrate', image: 'm:1', role: 'init', startupProbe: false },
      { name: 'proxy', image: 'p:1', role: 'sidecar', startupProbe: true },
      { name: 'web', image: 'w:1', role: 'regular', startupProbe: false },
    ]);
  });

  test('names the newest manager of each image', () => {
    expect(view.imageManagers).toEqual({ web: 'argocd', side: 'kubectl' });
    expect(view.holdsOurFields).toBe(false);
  });

  test('tells when fields are still held by postcheck', () => {
    const managedFields = [
      ...deployment.metadata.managedFields,
      { manager: 'postcheck', operation: 'Update', fieldsV1: owns('web') },
    ];
    expect(
      decodeWorkload('Deployment', { ...deployment, metadata: { ...deployment.metadata, managedFields } })
        .holdsOurFields,
    ).toBe(true);
  });

  test('is frozen to the leaves', () => {
    expect(Object.isFrozen(view)).toBe(true);
    expect(Object.isFrozen(view.containers[0])).toBe(true);
  });

  test('being deleted or paused is seen', () => {
    const metadata = { ...deployment.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(decodeWorkload('Deployment', { ...deployment, metadata }).deleting).toBe(true);
    expect(decodeWorkload('Deployment', withSpec({ paused: true })).paused).toBe(true);
  });

  test.each([
    ['Recreate', { type: 'Recreate' }, true],
    ['all pods at once', { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } }, true],
    ['as many pods as there are', { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 4 } }, true],
    [
      '99 %, which is rounded down',
      { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '99%' } },
      false,
    ],
    ['one pod', { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } }, false],
    ['nothing said', {}, false],
  ])('with maxUnavailable of %s serves nothing meanwhile: %s', (_, strategy, expected) => {
    expect(decodeWorkload('Deployment', withSpec({ strategy })).servesNothingMeanwhile).toBe(expected);
  });

  test('says why no pods can be made, as long as that is so', () => {
    const failing = (value: string) => ({
      ...deployment,
      status: {
        ...deployment.status,
        conditions: [{ type: 'ReplicaFailure', status: value, message: 'exceeded quota: pods' }],
      },
    });
    expect(decodeWorkload('Deployment', failing('True')).replicaFailure).toBe('exceeded quota: pods');
    expect(decodeWorkload('Deployment', failing('False')).replicaFailure).toBeUndefined();
  });

  test('repeats of a message only what is short and printable', () => {
    const message = `image "\u001b[31mx\u202e" ${'x'.repeat(100_000)}`;
    const status = { conditions: [{ type: 'ReplicaFailure', status: 'True', message }] };
    const { replicaFailure } = decodeWorkload('Deployment', { ...deployment, status });
    expect(replicaFailure).toMatch(/^image "x" x+…x+$/);
    expect(replicaFailure?.length).toBeLessThanOrEqual(512);
  });

  test('reports why its ReplicaSet cannot be created', () => {
    const progressing = (reason: string) => ({
      ...deployment,
      status: {
        ...deployment.status,
        conditions: [
          { type: 'Progressing', status: 'False', reason, message: 'exceeded quota: replicasets' },
        ],
      },
    });
    expect(decodeWorkload('Deployment', progressing('ReplicaSetCreateError')).replicaFailure).toBe(
      'exceeded quota: replicasets',
    );
    const late = progressing('ProgressDeadlineExceeded');
    expect(decodeWorkload('Deployment', late).replicaFailure).toBeUndefined();
  });

  test('wants one pod when replicas is not set', () => {
    expect(decodeWorkload('Deployment', withSpec({ replicas: undefined })).desired).toBe(1);
  });
});

describe('a StatefulSet', () => {
  const spec = {
    replicas: 3,
    ordinals: { start: 5 },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } },
    template: deployment.spec.template,
  };
  const statefulSet = { ...deployment, spec, status: { updateRevision: 'web-6d', replicas: 3 } };

  test('keeps partition, update revision and pod management', () => {
    const view = decodeWorkload('StatefulSet', statefulSet);
    expect(view).toMatchObject({
      partition: 2,
      firstOrdinal: 5,
      updateRevision: 'web-6d',
      ordered: true,
      onDelete: false,
      servesNothingMeanwhile: false,
    });
    expect(
      decodeWorkload('StatefulSet', { ...statefulSet, spec: { ...spec, podManagementPolicy: 'Parallel' } })
        .ordered,
    ).toBe(false);
  });

  test("the controller's own waits are minReadySeconds and the grace period of a pod", () => {
    expect(decodeWorkload('StatefulSet', statefulSet).ownWaitSeconds).toBe(30);
    const template = { spec: { terminationGracePeriodSeconds: 90 } };
    const slow = { ...statefulSet, spec: { ...spec, minReadySeconds: 45, template } };
    expect(decodeWorkload('StatefulSet', slow).ownWaitSeconds).toBe(135);
    const endless = { spec: { terminationGracePeriodSeconds: Number('9223372036854775807') } };
    const absurd = { ...statefulSet, spec: { ...spec, template: endless } };
    expect(decodeWorkload('StatefulSet', absurd).ownWaitSeconds).toBe(7 * 86_400);
  });

  test.each([
    ['OnDelete', { onDelete: true, recreates: false, servesNothingMeanwhile: false }],
    ['Recreate', { onDelete: false, recreates: true, servesNothingMeanwhile: true }],
  ])('the update strategy %s is seen', (type, expected) => {
    const other = { ...statefulSet, spec: { ...spec, updateStrategy: { type } } };
    expect(decodeWorkload('StatefulSet', other)).toMatchObject(expected);
  });
});

test('a DaemonSet counts nodes, and with its default of one unavailable on one node serves nothing meanwhile', () => {
  const status = {
    desiredNumberScheduled: 1,
    updatedNumberScheduled: 1,
    numberReady: 1,
    numberAvailable: 1,
    currentNumberScheduled: 2,
    numberMisscheduled: 3,
  };
  const daemonSet = {
    ...deployment,
    spec: { updateStrategy: { type: 'RollingUpdate' }, template: deployment.spec.template },
    status,
  };
  const view = decodeWorkload('DaemonSet', daemonSet);
  expect(view).toMatchObject({
    desired: 1,
    updated: 1,
    ready: 1,
    available: 1,
    total: 2,
    misscheduled: 3,
    servesNothingMeanwhile: true,
    tolerations: [],
  });
});

test('a DaemonSet has the tolerations of its template', () => {
  const tolerations = [
    { key: 'dedicated', operator: 'Exists' },
    { key: 'a', value: 'b', effect: 'NoSchedule' },
  ];
  const view = decodeWorkload('DaemonSet', { spec: { template: { spec: { tolerations } } } });
  expect(view.tolerations).toEqual([
    { key: 'dedicated', operator: 'Exists', value: '', effect: '' },
    { key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' },
  ]);
});

test.each([
  undefined,
  null,
  'x',
  7,
  [],
  {},
  { metadata: null, spec: [], status: 'x' },
  { spec: { template: { spec: { containers: [null] } } } },
])('whatever comes instead of an object (%p) gives a neutral view and no exception', (raw) => {
  expect(decodeWorkload('Deployment', raw)).toMatchObject({ name: '', generation: 0, paused: false });
});
