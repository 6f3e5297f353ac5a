import { describe, expect, test } from '@jest/globals';
import {
  conditionOf,
  NOW,
  notReady,
  podOf,
  revisionOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { PodView, RevisionView, WorkloadKind, WorkloadView } from '../../api/views.ts';
import { driverOf, namedByOwner, namedInPods, ownsPods, podOwnerOf } from './drivers.ts';
import { desiredPods, podsByRevision, rolloutComplete } from './pods.ts';

const updateRevision = (workload: WorkloadView, revisions: readonly RevisionView[]) =>
  driverOf(workload).updateRevision(workload, revisions);

const old = revisionOf({
  name: 'web-old',
  uid: 'rs-old',
  hash: 'old',
  templateDigest: 'digest-old',
  revision: 1,
  createdAt: NOW - 900_000,
});

describe('the revision that new pods have', () => {
  test('is the one with the very template of the workload', () => {
    expect(updateRevision(workloadOf(), [old, revisionOf()])).toBe('new');
  });

  test('is an old one again after a rollback, although it got the highest number', () => {
    const renumbered = { ...old, revision: 3 };
    expect(updateRevision(workloadOf({ templateDigest: 'digest-old' }), [renumbered, revisionOf()])).toBe(
      'old',
    );
    expect(updateRevision(workloadOf(), [renumbered, revisionOf()])).toBe('new');
  });

  test('is unknown while the controller has not taken up the template, or its revision is not seen yet', () => {
    expect(updateRevision(workloadOf({ generation: 3 }), [revisionOf()])).toBeUndefined();
    expect(updateRevision(workloadOf(), [old])).toBeUndefined();
  });

  test("is never another workload's", () => {
    expect(
      updateRevision(workloadOf(), [
        revisionOf({ owner: { kind: 'Deployment', name: 'web', uid: 'workload-0' } }),
      ]),
    ).toBeUndefined();
  });

  test('of two with the same template is the oldest for a Deployment, the highest number for a DaemonSet', () => {
    const twin = revisionOf({ hash: 'twin', createdAt: NOW - 900_000, revision: 1 });
    expect(updateRevision(workloadOf(), [revisionOf(), twin])).toBe('twin');
    expect(updateRevision(workloadOf({ kind: 'DaemonSet' }), [twin, revisionOf()])).toBe('new');
  });

  test('of two with the same template from the same second is the first by name, in whatever order they are cached', () => {
    const twin = revisionOf({ hash: 'twin', name: 'web-a' });
    expect(updateRevision(workloadOf(), [revisionOf(), twin])).toBe('twin');
    expect(updateRevision(workloadOf(), [twin, revisionOf()])).toBe('twin');
  });

  test('of a StatefulSet is what its status says, and nothing while that is behind', () => {
    const set = workloadOf({ kind: 'StatefulSet', updateRevision: 'web-5d' });
    expect(updateRevision(set, [])).toBe('web-5d');
    expect(updateRevision({ ...set, generation: 3 }, [])).toBeUndefined();
  });
});

describe('the controller that pods name', () => {
  const web = { kind: 'Deployment', name: 'web' } as const;

  test('is a ReplicaSet of a Deployment, by its hash, and the workload itself of the other kinds', () => {
    expect(podOwnerOf(web, '7d')).toEqual({ kind: 'ReplicaSet', name: 'web-7d' });
    expect(podOwnerOf({ ...web, kind: 'StatefulSet' }, '7d')).toEqual({ kind: 'StatefulSet', name: 'web' });
  });

  test.each([
    [{ kind: 'ReplicaSet', name: 'web-7d' }, web],
    [
      { kind: 'DaemonSet', name: 'web-7d' },
      { kind: 'DaemonSet', name: 'web-7d' },
    ],
    [{ kind: 'ReplicaSet', name: 'web' }, undefined],
    [
      { kind: 'ReplicaSet', name: '-7d' },
      { kind: 'Deployment', name: '' },
    ],
    [{ kind: 'Deployment', name: 'web' }, undefined],
    [{ kind: 'Job', name: 'web-7d' }, undefined],
  ])('%j: the workload is %j', (owner, workload) => {
    expect(namedByOwner(owner, '7d')).toEqual(workload);
  });

  test.each([241, 242, 243, 244, 253])(
    'is found by what the Deployment controller leaves of a name of %d characters',
    (length) => {
      for (const hash of ['7d', '6d5f9c7b8', '6d5f9c7b88']) {
        const long = { kind: 'Deployment', name: 'a'.repeat(length) } as const;
        const owner = podOwnerOf(long, hash);
        expect(owner.name).toBe(`${'a'.repeat(Math.min(length, 252 - hash.length))}-${hash}`);
        expect(namedByOwner(owner, hash)).toEqual(namedInPods(long));
        expect(ownsPods(long, owner, hash)).toBe(true);
        expect(ownsPods({ ...long, name: `b${long.name.slice(1)}` }, owner, hash)).toBe(false);
        expect(ownsPods({ ...long, kind: 'StatefulSet' }, owner, hash)).toBe(false);
      }
    },
  );
});

describe('the pods of a revision', () => {
  test.each([
    ['one that is being deleted', { deleting: true }],
    ['one that was evicted', { phase: 'Failed' as const, reason: 'Evicted' }],
    ['one of another revision', { revision: 'old' }],
    ['one on a node that was left out', { node: 'node-9' }],
  ])('do not include %s', (_what, change) => {
    expect(podsByRevision([podOf(change)], 'new', ['node-9']).updated).toEqual([]);
  });

  test('are none while the revision is unknown', () => {
    expect(podsByRevision([podOf()], undefined, []).updated).toEqual([]);
    expect(podsByRevision([podOf()], 'new', []).updated).toHaveLength(1);
  });
});

describe('the pod that its controller waits for', () => {
  const broken = notReady({ name: 'web-2', uid: 'web-2', revision: 'failed' });
  const serving = podOf({
    name: 'web-3',
    uid: 'web-3',
    revision: 'failed',
    conditions: { Ready: conditionOf('True') },
  });
  const blocking = (change: WorkloadChange, pods: readonly PodView[]) => {
    const set = workloadOf({ kind: 'StatefulSet', ordered: true, ...change });
    return driverOf(set).blockingPod(set, pods, 'old', ({ name }) => name !== 'web-9')?.name;
  };

  test('is the one of a StatefulSet with the highest ordinal that is not Ready, one at a time', () => {
    const lower = { ...broken, name: 'web-0', uid: 'web-0' };
    expect(blocking({}, [lower, broken, serving])).toBe('web-2');
  });

  test('is none that serves, is on its way out, or is not concerned', () => {
    expect(blocking({}, [{ ...broken, name: 'web-9' }])).toBeUndefined();
    expect(blocking({}, [serving])).toBeUndefined();
    expect(blocking({}, [{ ...broken, deleting: true }])).toBeUndefined();
  });

  test('may be one of a StatefulSet that creates its pods at the same time (kubernetes#137409)', () => {
    expect(blocking({ ordered: false }, [broken, serving])).toBe('web-2');
  });

  test.each([
    ['an OrderedReady StatefulSet', { kind: 'StatefulSet', ordered: true }, true],
    ['one that deletes all pods first', { kind: 'StatefulSet', ordered: true, recreates: true }, false],
    ['a Parallel StatefulSet', { kind: 'StatefulSet', ordered: false }, false],
    ['a DaemonSet', { kind: 'DaemonSet' }, false],
    ['a Deployment', { kind: 'Deployment' }, false],
  ] as const)('keeps others from being replaced for certain: %s', (_what, change, expected) => {
    const workload = workloadOf(change);
    expect(driverOf(workload).waitsForUnready(workload)).toBe(expected);
  });

  test('is none where pods are replaced only when they are deleted, or by a DaemonSet', () => {
    expect(blocking({ ordered: false, onDelete: true }, [broken])).toBeUndefined();
    expect(blocking({ kind: 'DaemonSet' }, [broken])).toBeUndefined();
  });
});

describe('a rollout is complete', () => {
  test.each([
    ['when all pods are updated and available, and none of the old is left', {}, true],
    ['not while the status is of an older generation', { generation: 3 }, false],
    ['not while a pod is to be updated', { desired: 2 }, false],
    ["not while a pod is not available (the workload's own minReadySeconds)", { available: 0 }, false],
    ['not while an old pod is left', { total: 2 }, false],
    ['when no pods are wanted', { desired: 0, updated: 0, available: 0, total: 0 }, true],
  ])('%s', (_when, change, expected) => {
    expect(rolloutComplete(workloadOf(change), [])).toBe(expected);
  });

  test('without the pods of nodes that were left out', () => {
    const set = workloadOf({ kind: 'DaemonSet', desired: 3, updated: 2, available: 2, total: 3 });
    expect(rolloutComplete(set, [])).toBe(false);
    expect(rolloutComplete(set, ['node-2'])).toBe(true);
    expect(desiredPods(set, ['node-2'])).toBe(2);
  });
});

describe('the partition', () => {
  const partitions = (change: WorkloadChange, before?: number) => {
    const workload = workloadOf({ partition: 2, ...change });
    return [driverOf(workload).partition(workload), driverOf(workload).userPartition(workload, before)];
  };
  test.each<[string, readonly (number | undefined)[], readonly (number | undefined)[]]>([
    ['of a StatefulSet is that of the user', partitions({ kind: 'StatefulSet' }), [2, 2]],
    ['is that of before, if postcheck moved it', partitions({ kind: 'StatefulSet' }, 0), [2, 0]],
    [
      'is the present one, if the user set it since then',
      partitions({ kind: 'StatefulSet', othersSetPartition: true }, 0),
      [2, 2],
    ],
    [
      'does not exist with OnDelete',
      partitions({ kind: 'StatefulSet', onDelete: true }, 0),
      [undefined, undefined],
    ],
    ['does not exist for a Deployment', partitions({}, 0), [undefined, undefined]],
    ['does not exist for a DaemonSet', partitions({ kind: 'DaemonSet' }, 0), [undefined, undefined]],
  ])('%s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });
});

describe('pods are replaced', () => {
  const named = (name: string, isReady: boolean) =>
    podOf({ name, uid: name, conditions: { Ready: conditionOf(isReady ? 'True' : 'False') } });
  const ordered = (kind: 'StatefulSet' | 'DaemonSet' | 'Deployment', ...pods: readonly PodView[]) =>
    driverOf({ kind })
      .inReplacementOrder(pods)
      .map(({ name }) => name);
  const [a, b, ten] = [named('web-1', true), named('web-2', true), named('web-10', true)];
  const broken = named('web-0', false);
  test('of a StatefulSet by ordinal, of a DaemonSet by name, and those that serve nobody first', () => {
    expect(ordered('StatefulSet', a, b, ten, broken)).toEqual(['web-0', 'web-10', 'web-2', 'web-1']);
    expect(ordered('DaemonSet', b, ten, a, broken)).toEqual(['web-0', 'web-1', 'web-10', 'web-2']);
    expect(ordered('Deployment', b, a, broken)).toEqual(['web-2', 'web-1', 'web-0']);
  });
});

describe('the nodes that cannot be reached', () => {
  const pods = ['b', 'a', 'c'].map((node) => podOf({ name: node, node }));
  const lost = (
    kind: 'StatefulSet' | 'DaemonSet' | 'Deployment',
    list: readonly PodView[],
    ...down: string[]
  ) => {
    const workload = workloadOf({ kind });
    return driverOf(workload).unreachableNodes(workload, list, (node) => !down.includes(node));
  };

  test('are those of pods of a DaemonSet, each once', () => {
    expect(lost('DaemonSet', [...pods, ...pods], 'b', 'a')).toEqual(['b', 'a']);
    expect(lost('DaemonSet', pods)).toEqual([]);
  });

  test('are none if none is left: then it is not the nodes', () => {
    expect(lost('DaemonSet', pods, 'a', 'b', 'c')).toEqual([]);
    expect(lost('DaemonSet', [...pods, podOf({ node: 'd', phase: 'Failed' })], 'a', 'b', 'c')).toEqual([]);
    expect(lost('DaemonSet', [])).toEqual([]);
  });

  test('are none of pods that have ended, or are nowhere', () => {
    const gone = [
      podOf({ node: 'd', phase: 'Failed' }),
      podOf({ node: 'd', phase: 'Succeeded' }),
      podOf({ node: '' }),
    ];
    expect(lost('DaemonSet', [...pods, ...gone], 'd', '')).toEqual([]);
  });

  test.each(['StatefulSet', 'Deployment'] as const)('are none for a %s', (kind) => {
    expect(lost(kind, pods, 'a')).toEqual([]);
  });
});

test.each([
  [{}, 'gate', 'web-1', false],
  [{ recreates: true }, 'none', 'web-1', false],
  [{ kind: 'StatefulSet' }, 'partition', 'web-1', false],
  [{ kind: 'StatefulSet', onDelete: true }, 'deletion', 'web-1', false],
  [{ kind: 'DaemonSet' }, 'none', 'node-1', true],
  [{ kind: 'DaemonSet', onDelete: true }, 'deletion', 'node-1', true],
] as const)(
  '%j: a rollout is held by its %s, and the place of a pod is %s',
  (change, lever, place, hasPodPerNode) => {
    const workload = workloadOf(change);
    const driver = driverOf(workload);
    expect(driver.lever(workload)).toBe(lever);
    expect(driver.placeOf(podOf({ name: 'web-1' }))).toBe(place);
    expect(driver.hasPodPerNode).toBe(hasPodPerNode);
  },
);

test('a DaemonSet creates no pod on a node with a taint that it does not tolerate', () => {
  const repelling = (taint: object, toleration?: object, kind: WorkloadKind = 'DaemonSet') => {
    const one = { key: '', operator: 'Equal', value: '', effect: '', ...toleration };
    const workload = workloadOf({ kind, tolerations: toleration ? [one] : [] });
    const found = { key: 'dedicated', value: 'db', effect: 'NoSchedule', ...taint };
    return driverOf(workload).repellingTaint(workload, [found]) !== undefined;
  };
  expect(repelling({})).toBe(true);
  expect(repelling({}, undefined, 'Deployment')).toBe(false);
  expect(repelling({ key: 'node.kubernetes.io/unschedulable' })).toBe(false);
  expect(repelling({}, { key: 'dedicated', value: 'db' })).toBe(false);
  expect(repelling({}, { key: 'dedicated', value: 'web' })).toBe(true);
  expect(repelling({}, { key: 'other', operator: 'Exists' })).toBe(true);
  expect(repelling({}, { operator: 'Exists' })).toBe(false);
  expect(repelling({}, {})).toBe(true);
  expect(repelling({}, { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' })).toBe(true);
  expect(repelling({}, { key: 'dedicated', operator: 'Gt', value: '1' })).toBe(false);
});
