import { expect, test } from '@jest/globals';
import { specOf } from '../../test/support/snapshots.ts';
import type { Upgrade } from '../api/types.ts';
import type { Requests } from './client/request.ts';
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
