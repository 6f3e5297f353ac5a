import { describe, expect, test } from '@jest/globals';
import { specOf } from '../../test/support/snapshots.ts';
import type { Upgrade } from '../api/types.ts';
import type { Answer, ApiRequest, Requests } from './client/request.ts';
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

describe('an Upgrade that is full of entries of field managers', () => {
  const TOO_LARGE = {
    ok: false,
    status: 500,
    failure: { kind: 'invalid', message: 'etcdserver: request is too large', tooLarge: true },
  } as const;

  const write = async (act: (writer: ClusterWriter) => Promise<unknown>, answers: readonly Answer[]) => {
    const bodies: unknown[] = [];
    const requests = {
      send: async ({ body }: ApiRequest) => {
        bodies.push(body);
        return answers[bodies.length - 1];
      },
    } as unknown as Requests;
    const options = { identity: 'a', now: () => 0, mayWrite: () => true, events: requests };
    return { result: await act(new ClusterWriter(requests, options)), bodies };
  };
  const written = (resourceVersion: string): Answer => ({
    ok: true,
    body: { metadata: { namespace: 'shop', name: 'web', uid: 'u-1', resourceVersion }, spec: {} },
  });
  const EMPTIED = { metadata: { uid: 'u-1', resourceVersion: '7', managedFields: [{}] } };
  const status = (writer: ClusterWriter) => writer.patchStatus(upgrade, { phase: 'Pending' });
  const finalizers = (writer: ClusterWriter) => writer.patchFinalizers(upgrade, ['x']);

  test.each([
    ['a status', status, { status: { phase: 'Pending' } }, {}],
    ['a finalizer', finalizers, {}, { finalizers: ['x'] }],
  ])('has room for %s once they are removed', async (_, patch, body, metadata) => {
    const { result, bodies } = await write(patch, [TOO_LARGE, written('8'), written('9')]);
    expect(result).toMatchObject({ ok: true, object: { metadata: { resourceVersion: '9' } } });
    const sent = (resourceVersion: string) => ({
      ...body,
      metadata: { uid: 'u-1', resourceVersion, ...metadata },
    });
    expect(bodies).toEqual([sent('7'), EMPTIED, sent('8')]);
  });

  test('keeps them if there is room, and if the write is rejected for another reason', async () => {
    const invalid = { ok: false, status: 422, failure: { kind: 'invalid', message: 'no' } } as const;
    for (const answer of [written('8'), invalid]) {
      expect((await write(status, [answer])).bodies).toHaveLength(1);
    }
  });

  test('that somebody else changes meanwhile is read again first', async () => {
    const conflict = { ok: false, status: 409, failure: { kind: 'conflict', message: 'no' } } as const;
    expect((await write(status, [TOO_LARGE, conflict])).result).toMatchObject({
      ok: false,
      failure: { kind: 'conflict' },
    });
  });
});
