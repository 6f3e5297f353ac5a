import { describe, expect, test } from '@jest/globals';
import { podOf, specOf, workloadOf } from '../../test/support/snapshots.ts';
import type { Upgrade } from '../api/types.ts';
import type { Answer, ApiRequest, Requests } from './client/request.ts';
import { decodeWorkload } from './objects/decode-workload.ts';
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

describe('every write to an Upgrade, a workload or a pod names the object that it was decided on', () => {
  const workload = workloadOf({ uid: 'u-9', resourceVersion: '9', generation: 3 });
  const pod = podOf({ uid: 'u-9' });
  const live = {
    metadata: { uid: 'u-9', resourceVersion: '9', managedFields: [{ manager: 'postcheck' }] },
  };
  const condition = { status: 'True', reason: 'Passed', message: '' } as const;

  test.each<[string, (writer: ClusterWriter) => Promise<unknown>, object]>([
    [
      'patchStatus',
      (writer) => writer.patchStatus(upgrade, { phase: 'Pending' }),
      { metadata: { uid: 'u-1', resourceVersion: '7' } },
    ],
    [
      'patchFinalizers',
      (writer) => writer.patchFinalizers(upgrade, []),
      { metadata: { uid: 'u-1', resourceVersion: '7' } },
    ],
    [
      'patchImages',
      (writer) => writer.patchImages(workload, { web: 'web:1' }),
      [
        { op: 'test', path: '/metadata/uid', value: 'u-9' },
        { op: 'test', path: '/metadata/generation', value: 3 },
        { op: 'replace' },
      ],
    ],
    [
      'releaseFields',
      (writer) => writer.releaseFields(workload),
      [{ op: 'test', path: '/metadata/uid', value: 'u-9' }, { op: 'test' }, { op: 'remove' }],
    ],
    ['patchVerified', (writer) => writer.patchVerified(pod, condition, 0), { metadata: { uid: 'u-9' } }],
    ['deletePod', (writer) => writer.deletePod(pod), { preconditions: { uid: 'u-9' } }],
  ])('%s', async (name, act, expected) => {
    const sent: ApiRequest[] = [];
    const requests = {
      send: async (request: ApiRequest) => {
        sent.push(request);
        return { ok: true, body: live };
      },
    } as unknown as Requests;
    await act(
      new ClusterWriter(requests, { identity: 'a', now: () => 0, mayWrite: () => true, events: requests }),
    );
    const writes = sent.filter(({ method }) => method !== 'GET');
    expect([name, writes.map(({ body }) => body)]).toMatchObject([name, [expected]]);
  });

  test('and there is no other kind of write but that of an event', () => {
    const methods = Object.getOwnPropertyNames(ClusterWriter.prototype);
    expect(methods.filter((name) => name !== 'constructor').sort()).toEqual([
      'deletePod',
      'patchFinalizers',
      'patchImages',
      'patchStatus',
      'patchVerified',
      'recordEvent',
      'releaseFields',
    ]);
  });
});

describe('images of a workload that others write at the same time', () => {
  const conflict = { ok: false, status: 422, failure: { kind: 'conflict', message: 'no' } } as const;
  const live = (generation: number, image = 'web:0') => ({
    metadata: { name: 'web', namespace: 'shop', uid: 'u-9', resourceVersion: `${generation}0`, generation },
    spec: { replicas: generation, template: { spec: { containers: [{ name: 'web', image }] } } },
    status: { readyReplicas: generation },
  });
  const view = decodeWorkload('Deployment', live(3));
  const now = (generation: number, image?: string): Answer => ({ ok: true, body: live(generation, image) });

  const write = async (...answers: readonly Answer[]) => {
    const sent: ApiRequest[] = [];
    const requests = {
      send: async (request: ApiRequest) => {
        sent.push(request);
        return answers[sent.length - 1] ?? conflict;
      },
    } as unknown as Requests;
    const writer = new ClusterWriter(requests, {
      identity: 'a',
      now: () => 0,
      mayWrite: () => true,
      events: requests,
    });
    const written = await writer.patchImages(view, { web: 'web:1' });
    return {
      ok: written.ok,
      sent: sent.map(({ method, body }) => (method === 'GET' ? method : generationIn(body))),
    };
  };
  const generationIn = (body: unknown): unknown =>
    (body as { path: string; value: unknown }[]).find(({ path }) => path === '/metadata/generation')?.value;

  test('are written for the generation that has the same images', async () => {
    expect(await write(conflict, now(4), conflict, now(7), now(8))).toEqual({
      ok: true,
      sent: [3, 'GET', 4, 'GET', 7],
    });
  });

  test('are not written over other images', async () => {
    expect(await write(conflict, now(4, 'other:1'))).toEqual({ ok: false, sent: [3, 'GET'] });
  });

  test('are written later if somebody is always faster', async () => {
    const { ok, sent } = await write(...Array.from({ length: 9 }, (_, n) => (n % 2 ? now(3 + n) : conflict)));
    expect({ ok, last: sent.at(-1) }).toEqual({ ok: false, last: 10 });
  });
});

describe('an Upgrade that is full of entries of field managers', () => {
  const TOO_LARGE = {
    ok: false,
    status: 500,
    failure: { kind: 'invalid', message: 'etcdserver: request is too large', tooLarge: true },
  } as const;

  const write = async <T>(act: (writer: ClusterWriter) => Promise<T>, answers: readonly Answer[]) => {
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
  const EMPTIED = { metadata: { uid: 'u-1', managedFields: [{}] } };
  const status = (writer: ClusterWriter) => writer.patchStatus(upgrade, { phase: 'Pending' });
  const finalizers = (writer: ClusterWriter) => writer.patchFinalizers(upgrade, ['x']);
  const DECIDED_ON = [
    { op: 'test', path: '/metadata/uid', value: 'u-1' },
    { op: 'test', path: '/metadata/generation', value: 1 },
  ];
  const UNSEEN = { op: 'test', path: '/status', value: { observedGeneration: -1 } };
  const STATUS = [...DECIDED_ON, UNSEEN, { op: 'add', path: '/status', value: { phase: 'Pending' } }];
  const FINALIZERS = [
    ...DECIDED_ON,
    { op: 'test', path: '/metadata/finalizers', value: null },
    UNSEEN,
    { op: 'add', path: '/metadata/finalizers', value: ['x'] },
  ];
  const CONFLICT = { ok: false, status: 409, failure: { kind: 'conflict', message: 'no' } } as const;

  test.each([
    [
      'a status',
      status,
      { metadata: { uid: 'u-1', resourceVersion: '7' }, status: { phase: 'Pending' } },
      STATUS,
    ],
    [
      'a finalizer',
      finalizers,
      { metadata: { uid: 'u-1', resourceVersion: '7', finalizers: ['x'] } },
      FINALIZERS,
    ],
  ])('has room for %s once they are removed', async (_, patch, sent, again) => {
    const { result, bodies } = await write(patch, [TOO_LARGE, written('8'), written('9')]);
    expect(result).toMatchObject({ ok: true, object: { metadata: { resourceVersion: '9' } } });
    expect(bodies).toEqual([sent, EMPTIED, again]);
  });

  test('keeps them if there is room, and if the write is rejected for another reason', async () => {
    const invalid = { ok: false, status: 422, failure: { kind: 'invalid', message: 'no' } } as const;
    for (const answer of [written('8'), invalid]) {
      expect((await write(status, [answer])).bodies).toHaveLength(1);
    }
  });

  test('that somebody else changes meanwhile is read again first', async () => {
    expect((await write(status, [TOO_LARGE, written('8'), CONFLICT])).result).toMatchObject({
      ok: false,
      failure: { kind: 'conflict' },
    });
  });

  test.each([
    ['a status', status, STATUS],
    ['a finalizer', finalizers, FINALIZERS],
  ])(
    'or whose labels somebody writes all the time gets %s if nothing else has changed',
    async (_, patch, body) => {
      const { result, bodies } = await write(patch, [CONFLICT, written('9')]);
      expect(result.ok).toBe(true);
      expect(bodies.slice(1)).toEqual([body]);
      expect((await write(patch, [CONFLICT, CONFLICT])).result).toMatchObject({
        failure: { kind: 'conflict' },
      });
    },
  );

  test('is held against the status that was decided on', async () => {
    const status = { phase: 'Pending', message: 'm' } as const;
    const { bodies } = await write(
      (writer) => writer.patchStatus({ ...upgrade, status }, { phase: 'Upgrading' }),
      [CONFLICT, written('9')],
    );
    expect(bodies[1]).toEqual([
      ...DECIDED_ON,
      { op: 'test', path: '/status', value: status },
      { op: 'add', path: '/status', value: { phase: 'Upgrading' } },
    ]);
  });
});
