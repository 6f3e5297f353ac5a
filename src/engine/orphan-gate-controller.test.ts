import { describe, expect, test } from '@jest/globals';
import { NOW, podOf, revisionOf, statusOf, upgradeOf, workloadOf } from '../../test/support/snapshots.ts';
import type { Upgrade } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import { OrphanGateController, type OrphanGateOptions } from './orphan-gate-controller.ts';
import { Store } from './store.ts';

const MINUTE = 60_000;

/** A pod behind a closed gate, and no Upgrade as far as the watch says. */
function made(listed: readonly Upgrade[] | 'unknown' | Promise<readonly Upgrade[]> = []) {
  const store = new Store();
  const pod = podOf();
  store.workloads.Deployment.applyWrite(workloadOf());
  store.revisions.ReplicaSet.applyWrite(revisionOf());
  store.pods.applyWrite(pod);
  const time = { wall: NOW, steady: 0 };
  const opened: string[] = [];
  const reads: string[] = [];
  const nothing = () => {};
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => log };
  const controller = new OrphanGateController({
    store,
    clock: { now: () => time.wall, steady: () => time.steady, random: () => 0, after: () => nothing },
    reader: {
      listUpgrades: async (namespace: string) => {
        reads.push(namespace);
        return listed;
      },
    } as unknown as OrphanGateOptions['reader'],
    writer: {
      patchVerified: async (object: PodView, { reason }: { readonly reason: string }) => {
        opened.push(reason);
        return { ok: true, object };
      },
    } as unknown as OrphanGateOptions['writer'],
    telemetry: { gateOpened: nothing, failed: nothing } as unknown as OrphanGateOptions['telemetry'],
    log,
  });
  const look = async (passed: Partial<typeof time> = {}) => {
    time.wall += passed.wall ?? 0;
    time.steady += passed.steady ?? 0;
    return controller.reconcile(pod.uid);
  };
  return { look, opened, reads, store };
}

test('the gate of an orphan is opened after a while, and not at once', async () => {
  const { look, opened } = made();
  expect(await look()).toHaveProperty('requeueAfterMs');
  expect(opened).toEqual([]);
  await look({ steady: MINUTE });
  expect(opened).toEqual(['NoAttempt']);
});

test('setting the clock does not shorten the wait', async () => {
  const { look, opened } = made();
  await look();
  await look({ wall: 60 * MINUTE });
  expect(opened).toEqual([]);
});

test('the API server is read first, because the watch may lag behind a new attempt', async () => {
  const { look, opened } = made([upgradeOf({ status: statusOf() })]);
  await look();
  await look({ steady: MINUTE });
  expect(opened).toEqual([]);
});

test('without a response from the API server nothing is opened', async () => {
  const { look, opened } = made('unknown');
  await look();
  expect(await look({ steady: MINUTE })).toEqual({ backoff: true });
  expect(opened).toEqual([]);
});

test('Upgrades that take long to read are read once at a time, and then rest for longer than that', async () => {
  const { promise, resolve } = Promise.withResolvers<readonly Upgrade[]>();
  const { look, opened, reads } = made(promise);
  await look();
  const first = look({ steady: MINUTE });
  for (let second = 0; second < 10; second++) {
    expect(await look({ steady: 1000 })).toHaveProperty('requeueAfterMs');
  }
  resolve([upgradeOf({ status: statusOf() })]);
  await first;
  const { requeueAfterMs = 0 } = await look();
  expect(requeueAfterMs).toBeGreaterThan(10_000);
  expect(reads).toEqual(['shop']);
  await look({ steady: requeueAfterMs });
  expect(reads).toEqual(['shop', 'shop']);
  expect(opened).toEqual([]);
});

test('a gate that an attempt needs stays closed', async () => {
  const { look, opened, store } = made();
  store.upgrades.applyWrite(upgradeOf({ status: statusOf() }));
  await look();
  expect(await look({ steady: MINUTE })).toEqual({});
  expect(opened).toEqual([]);
});

describe('a pod that a workload left behind when it was deleted without its pods', () => {
  const NO_OWNER = { kind: '', name: '', uid: '' };
  const left = (kind: 'Deployment' | 'StatefulSet', listed: readonly Upgrade[] = []) => {
    const seen = made(listed);
    const { store } = seen;
    if (kind === 'Deployment') {
      store.revisions.ReplicaSet.apply({ type: 'delete', object: revisionOf() });
    } else {
      store.pods.applyWrite(podOf({ owner: NO_OWNER, resourceVersion: '301' }));
    }
    return seen;
  };

  test.each(['Deployment', 'StatefulSet'] as const)('of a %s: its gate is opened', async (kind) => {
    const { look, opened } = left(kind);
    await look();
    await look({ steady: MINUTE });
    expect(opened).toEqual(['NoAttempt']);
  });

  test('stays behind its gate as long as an Upgrade of its namespace gates pods, which may adopt it', async () => {
    const gating = upgradeOf({ status: { ...statusOf(), targetUID: 'another' } });
    const { look, opened } = left('StatefulSet', [gating]);
    await look();
    expect(await look({ steady: MINUTE })).toHaveProperty('requeueAfterMs');
    expect(opened).toEqual([]);
  });
});
