import { describe, expect, test } from '@jest/globals';
import { specOf, workloadOf } from '../../test/support/snapshots.ts';
import type { Upgrade } from '../api/types.ts';
import type { RequestFailure } from '../engine/ports.ts';
import type { ApiRequest, Requests } from './client/request.ts';
import { ClusterWriter } from './writer.ts';

const upgrade: Upgrade = {
  metadata: {
    namespace: 'shop',
    name: 'web',
    uid: 'u-1',
    resourceVersion: '7',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: {},
  },
  spec: specOf(),
};

test.each([[[]], [null], ['done'], [{}], [{ metadata: { name: 'web' } }]])(
  'a write that is answered with %j may or may not have been done',
  async (body) => {
    const requests = { send: async () => ({ ok: true, body }) } as unknown as Requests;
    const writer = new ClusterWriter(requests, {
      identity: 'a',
      now: () => 0,
      mayWrite: () => true,
      events: requests,
    });
    expect(await writer.patchStatus(upgrade, { phase: 'Pending' })).toMatchObject({
      ok: false,
      failure: { kind: 'unavailable', message: 'the API server responded to a write without an object' },
    });
  },
);

describe('a release of fields that is answered with 422', () => {
  const workload = {
    metadata: { uid: 'w', resourceVersion: '7', managedFields: [{ manager: 'postcheck' }] },
  };
  const releasing = async (failure: RequestFailure) => {
    const requests = {
      send: async ({ method }: ApiRequest) =>
        method === 'GET' ? { ok: true, body: workload } : { ok: false, failure, status: 422 },
    } as unknown as Requests;
    const writer = new ClusterWriter(requests, {
      identity: 'a',
      now: () => 0,
      mayWrite: () => true,
      events: requests,
    });
    const released = await writer.releaseFields(workloadOf({ uid: 'w' }));
    return released.ok ? undefined : released.failure.kind;
  };

  test('met a write of somebody else: its own preconditions are all that can be invalid', async () => {
    expect(await releasing({ kind: 'invalid', message: 'the server rejected our request' })).toBe('conflict');
  });

  test('was rejected, if admission says so', async () => {
    expect(await releasing({ kind: 'invalid', message: 'denied request', byAdmission: true })).toBe(
      'invalid',
    );
  });
});
