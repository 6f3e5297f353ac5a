/** The rule by itself; test/api/gate-cases.ts has its cases in a real API server. */
import { describe, expect, test } from '@jest/globals';
import type { NewPod } from '../api/views.ts';
import { gatePatch, targetOfNewPod } from './gate.ts';

const POD: NewPod = {
  namespace: 'shop',
  owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-6d5f' },
  templateHash: '6d5f',
  containers: [{ name: 'web', image: 'web:2' }],
  gates: [],
};
const upgrade = (gating: boolean, images: Record<string, string> | undefined = { web: 'web:1' }) =>
  ({
    spec: { targetRef: { kind: 'Deployment', name: 'web' } },
    status: { attempt: { gating }, from: { images } },
  }) as unknown as Parameters<typeof gatePatch>[1][number];
const ADDED = [
  { op: 'add', path: '/spec/readinessGates', value: [{ conditionType: 'postcheck.dev/verified' }] },
];

describe('the target of a new pod', () => {
  test.each<[string, Partial<NewPod>, object | undefined]>([
    ['a Deployment, by its ReplicaSet and hash', {}, { kind: 'Deployment', name: 'web' }],
    [
      'a StatefulSet',
      { owner: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' } },
      { kind: 'StatefulSet', name: 'db' },
    ],
    ['none without a hash', { templateHash: '' }, undefined],
    ['none of another group', { owner: { apiVersion: 'x/v1', kind: 'StatefulSet', name: 'db' } }, undefined],
    ['none of a Job', { owner: { apiVersion: 'batch/v1', kind: 'Job', name: 'db' } }, undefined],
    ['none without an owner', { owner: undefined }, undefined],
  ])('is %s', (_, changes, expected) => {
    const target = targetOfNewPod({ ...POD, ...changes });
    expect(target).toEqual(expected && { namespace: 'shop', ...expected });
  });
});

describe('what is changed in a new pod', () => {
  test('the gate is added once, however many Upgrades gate it', () => {
    expect(gatePatch(POD, [upgrade(true), upgrade(true)])).toEqual(ADDED);
  });

  test('it is added after the existing gates', () => {
    expect(gatePatch({ ...POD, gates: ['example.com/lb'] }, [upgrade(true)])).toEqual([
      { op: 'add', path: '/spec/readinessGates/-', value: { conditionType: 'postcheck.dev/verified' } },
    ]);
  });

  test('it is added to a pod in which one container of several runs another image than before', () => {
    const before = { web: 'web:1', proxy: 'proxy:1' };
    for (const [web, proxy] of [
      ['web:2', 'proxy:1'],
      ['web:1', 'proxy:2'],
      ['proxy:1', 'web:1'],
    ] as const) {
      const containers = [
        { name: 'web', image: web },
        { name: 'proxy', image: proxy },
      ];
      expect(gatePatch({ ...POD, containers }, [upgrade(true, before)])).toEqual(ADDED);
    }
  });

  test.each<[string, NewPod, ReturnType<typeof upgrade>[]]>([
    ['no Upgrade', POD, []],
    ['an Upgrade without a status', POD, [{ spec: upgrade(true).spec }]],
    ['an Upgrade without an attempt', POD, [{ spec: upgrade(true).spec, status: {} }]],
    [
      'a pod that runs what ran before beside what somebody injected',
      {
        ...POD,
        containers: [
          { name: 'web', image: 'web:1' },
          { name: 'mesh', image: 'mesh:1' },
        ],
      },
      [upgrade(true)],
    ],
    ['an attempt that does not gate', POD, [upgrade(false)]],
    [
      'an Upgrade of another workload whose name begins alike',
      { ...POD, owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-api-6d5f' } },
      [upgrade(true)],
    ],
    ['an Upgrade, for a pod without an owner', { ...POD, owner: undefined }, [upgrade(true)]],
    [
      'a pod that runs what ran before',
      { ...POD, containers: [{ name: 'web', image: 'web:1' }] },
      [upgrade(true)],
    ],
    ['a pod that has the gate', { ...POD, gates: ['postcheck.dev/verified'] }, [upgrade(true)]],
    ['a status that does not say what ran before', POD, [upgrade(true, {})]],
  ])('nothing with %s', (_, pod, upgrades) => {
    expect(gatePatch(pod, upgrades)).toEqual([]);
  });
});
