/** Which pods postcheck replaces where the controller replaces only what is deleted. */
import { expect, test } from '@jest/globals';
import {
  ago,
  fallbackOf,
  notReady,
  OLD,
  oldPodOf,
  snapshotOf,
  statusOf,
  templateOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { PodView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';
import type { Snapshot } from '../snapshot.ts';

const COUNT = 20;
const old = (index: number, change: Partial<PodView> = {}): PodView =>
  oldPodOf({ name: `web-${index}`, uid: `pod-${index}`, node: `node-${index}`, ...change });
const fleet = Array.from({ length: COUNT }, (_, index) => old(index));

/** The first stage has begun. */
const begun = (stages: readonly { readonly name: string }[]) =>
  stages.slice(0, 1).map(({ name }) => ({ name, state: 'Rolling' as const, desired: COUNT, verified: 0 }));

interface Strategy {
  readonly maxParallel?: number | string;
  readonly stages?: readonly { readonly name: string; readonly [field: string]: unknown }[];
}

function deleted(
  strategy: Strategy,
  pods: readonly PodView[] = fleet,
  more: Partial<Snapshot> = {},
): string[] {
  const { action } = decide(
    snapshotOf({
      upgrade: upgradeOf({ spec: { strategy }, status: statusOf({ stages: begun(strategy.stages ?? []) }) }),
      pods,
      workload: workloadOf({ kind: 'DaemonSet', onDelete: true, desired: COUNT, updated: 0 }),
      ...more,
    }),
  );
  return action.kind === 'deletePods' ? action.pods.map(({ name }) => name) : [];
}

test('as many at once as maxParallel allows, one by default', () => {
  expect(deleted({ maxParallel: '25%' })).toHaveLength(5);
  expect(deleted({ maxParallel: 3 })).toHaveLength(3);
  expect(deleted({})).toHaveLength(1);
});

test('those that are being replaced count', () => {
  const going = fleet.map((pod, index) => (index < 2 ? { ...pod, deleting: true } : pod));
  expect(deleted({ maxParallel: 3 }, going)).toHaveLength(1);
});

test('none on a lost node, and another one in its place', () => {
  const names = deleted({ maxParallel: 3 }, fleet, { nodeReady: (name) => name !== 'node-0' });
  expect(names).toHaveLength(3);
  expect(names).not.toContain('web-0');
});

test('never more than the present stage has room for', () => {
  expect(deleted({ maxParallel: 10, stages: [{ name: 'canary', pods: 2 }] })).toHaveLength(2);
});

test('in a stage of nodes only those there', () => {
  const stages = [{ name: 'edge', nodes: { matchLabels: { tier: 'edge' } }, pods: 3 }];
  const nodeLabels = (name: string) => ({ tier: Number(name.slice(5)) >= 15 ? 'edge' : 'core' });
  const names = deleted({ maxParallel: 10, stages }, fleet, { nodeLabels });
  expect(names).toHaveLength(3);
  expect(names.filter((name) => Number(name.slice(4)) < 15)).toEqual([]);
});

test('a fallback replaces pods that are not Ready without waiting', () => {
  const pods = Array.from({ length: COUNT }, (_, index) =>
    index < 6
      ? notReady({ name: `web-${index}`, uid: `pod-${index}`, node: `node-${index}`, revision: 'new' })
      : old(index),
  );
  const { action } = decide(
    snapshotOf({
      upgrade: upgradeOf({
        status: statusOf({ phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(5) }) }),
      }),
      pods,
      updateRevision: 'old',
      workload: workloadOf({
        kind: 'DaemonSet',
        onDelete: true,
        desired: COUNT,
        updated: COUNT - 6,
        containers: templateOf(OLD),
      }),
    }),
  );
  expect(action).toMatchObject({ kind: 'deletePods', reason: 'Replaced' });
  expect(action.kind === 'deletePods' && action.pods).toHaveLength(6);
});
