/** Which Upgrade a word on the command line refers to. */
import { describe, expect, test } from '@jest/globals';
import type { Cluster } from '../src/cluster.ts';
import { Fault } from '../src/fault.ts';
import { findUpgrade } from '../src/upgrades.ts';

const upgrade = (name: string, second: number, status?: object) => ({
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    generation: 1,
    creationTimestamp: `2026-01-01T00:00:0${second}Z`,
  },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    containers: [{ name: 'web', image: 'registry.example/web:2.0' }],
  },
  ...(status ? { status } : {}),
});

/** A namespace with these Upgrades, of which none has the name that is read. */
const cluster = (...items: object[]): Cluster =>
  ({
    namespace: 'shop',
    list: async () => items,
    try: async () => ({ ok: false, failure: { kind: 'notFound' } }),
    fault: () => new Fault('upgrades.postcheck.dev "web" not found'),
  }) as unknown as Cluster;

const nameOf = async (word: string, ...items: object[]): Promise<string> =>
  (await findUpgrade(cluster(...items), word)).upgrade.metadata.name;

describe('a workload with two Upgrades', () => {
  test('means the one that acts, in whatever order they are listed', async () => {
    const [acting, blocked] = [upgrade('web', 1), upgrade('also-web', 2)];
    expect(await nameOf('deployment/web', blocked, acting)).toBe('web');
    expect(await nameOf('deployment/web', acting, blocked)).toBe('web');
  });

  test('does not mean one that is being deleted, and has nothing to restore', async () => {
    const deleted = upgrade('gone', 1);
    Object.assign(deleted.metadata, { deletionTimestamp: '2026-01-01T00:02:00Z' });
    expect(await nameOf('deployment/web', deleted, upgrade('web', 2))).toBe('web');
  });

  test('means the younger one if its attempt is in the workload', async () => {
    const gating = { number: 1, gating: true, startedAt: '2026-01-01T00:01:00Z' };
    const [older, acting] = [upgrade('a', 1), upgrade('b', 2, { phase: 'Upgrading', attempt: gating })];
    expect(await nameOf('deployment/web', older, acting)).toBe('b');
  });
});

test('the name of a workload instead of its Upgrade is answered with the one that acts, whose name may be a state', async () => {
  await expect(findUpgrade(cluster(upgrade('also', 2), upgrade('aborted', 1)), 'web')).rejects.toThrow(
    'there is no Upgrade web in namespace shop; that of Deployment web is called aborted',
  );
});
