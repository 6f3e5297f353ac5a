/** The gate's webhook under a flood, on real sockets: long reviews hold up neither short ones nor the leader, and what it takes is limited. */
import { Agent, type RequestOptions, request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { NewPod } from '../../src/api/views.ts';
import { answerReview, LONGEST_REVIEW_BYTES } from '../../src/kube/webhook/review.ts';
import { renewed } from '../../src/kube/webhook/rotation.ts';
import { type HttpServer, serve } from '../../src/telemetry/http.ts';
import { GATE_PATH, WEBHOOK_LIMITS, webhookRoutes } from '../../src/webhook.ts';

jest.setTimeout(120_000);

const NOTHING = { authorities: '', authorityKey: '', leaf: { cert: '', key: '' } };
const HELD = renewed(NOTHING, ['127.0.0.1'], Date.now()) ?? NOTHING;
const BODY_LIMIT = 32 * 1024 * 1024;

let server: HttpServer;
let agent: Agent;
/** The namespaces of the reviews that were parsed, in this order. */
let parsed: string[];

beforeEach(async () => {
  parsed = [];
  agent = new Agent({ ca: HELD.authorities, keepAlive: true });
  const admit = ({ namespace }: NewPod) => {
    parsed.push(namespace);
    return [];
  };
  server = await serve({ host: '127.0.0.1', port: 0 }, webhookRoutes(admit), () => HELD.leaf, WEBHOOK_LIMITS);
});
afterEach(async () => {
  agent.destroy();
  await server.close(0);
});

/** As an API server writes it, with a pod that has about so many bytes of JSON that is expensive to parse. */
const reviewIn = (namespace: string, bytes = 0): string =>
  JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: 'e5f1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      name: '"namespace":"forged"',
      namespace,
      operation: 'CREATE',
      object: { kind: 'Pod', metadata: {}, spec: { volumes: Array.from({ length: bytes / 3 }, () => ({})) } },
    },
  });

function options(localAddress = '127.0.0.1'): RequestOptions {
  const [host, port] = server.address.split(':');
  return {
    host,
    port,
    path: GATE_PATH,
    method: 'POST',
    agent,
    localAddress,
    headers: { 'content-type': 'application/json' },
  };
}

/** The status of the response, 0 if the connection was closed without one. */
const post = (body: string, from?: string): Promise<number> =>
  new Promise((resolve) => {
    const posting = request(options(from));
    posting.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    posting.on('error', () => resolve(0));
    posting.end(body);
  });

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('long reviews take a tenth of the time, another namespace has its turn, and short ones go first', async () => {
  // So long that two turns and their rests are over in a fraction of the time that the review of the other namespace may wait.
  const long = reviewIn('hostile', 0.2 * 1024 * 1024);
  const startedAt = performance.now();
  const flood = Array.from({ length: 50 }, () => post(long));
  await until(() => parsed.length > 0);
  const other = post(reviewIn('other', 20_000));
  const short: number[] = [];
  for (let sent = 0; sent < 20; sent++) {
    short.push(await post(reviewIn('short')));
  }
  expect(new Set(short)).toEqual(new Set([200]));
  expect(await other).toBe(200);
  const statuses = await Promise.all(flood);
  const tookMs = performance.now() - startedAt;
  const costs = Array.from({ length: 3 }, () => {
    const parsingSince = performance.now();
    answerReview(long, () => []);
    return performance.now() - parsingSince;
  });
  // Each turn may be followed by a rest of nine times what it cost, so the one that it began with and the one that it ends with are in addition.
  // Twice the share, because a turn may cost less than what is measured afterwards.
  const count = parsed.filter((namespace) => namespace === 'hostile').length;
  expect((count - 2) * Math.min(...costs)).toBeLessThanOrEqual(tookMs / 5);
  expect(statuses.filter((status) => status === 200)).toHaveLength(count);
  expect(statuses.filter((status) => status === 503)).toHaveLength(statuses.length - count);
  // It was sent after all of the others, and waited only for those whose turn it was before it had arrived.
  const before = parsed
    .slice(0, parsed.indexOf('other'))
    .filter((namespace) => namespace === 'hostile').length;
  expect(before).toBeLessThan(Math.max(4, count));
});

test('a client that is no API server does not take the turns of one, whatever namespaces it names', async () => {
  const flood = Array.from({ length: 80 }, (_, n) => post(reviewIn(`n-${n}`, 150_000), '127.0.0.2'));
  await until(() => parsed.length > 0);
  const before = parsed.length;
  expect(await post(reviewIn('shop', 20_000))).toBe(200);
  // Those whose turns it was before the review had arrived, and one more.
  expect(parsed.indexOf('shop') - before).toBeLessThan(20);
  await Promise.all(flood);
});

test('bodies of more than 32 MiB are not kept, neither unfinished nor waiting ones', async () => {
  const fit = Math.floor(BODY_LIMIT / (LONGEST_REVIEW_BYTES - 1));
  const surplus = 4;
  let [dropped, answered] = [0, 0];
  for (let sent = 0; sent < fit + surplus; sent++) {
    const posting = request(options());
    posting.on('error', () => {
      dropped += 1;
    });
    posting.on('response', (response) => {
      answered += 1;
      response.on('error', () => {}).resume();
    });
    posting.setHeader('content-length', LONGEST_REVIEW_BYTES);
    posting.write('x'.repeat(LONGEST_REVIEW_BYTES - 1));
  }
  // Those that are not dropped are answered, with an error, when their time is over.
  await until(() => dropped + answered >= fit + surplus);
  expect([dropped, answered]).toEqual([surplus, fit]);
  const long = reviewIn('hostile', LONGEST_REVIEW_BYTES - 1024);
  const statuses = await Promise.all(Array.from({ length: fit + surplus }, () => post(long)));
  // Dropped where they arrive faster than they are parsed, else refused after their time.
  expect(statuses.filter((status) => status === 200).length).toBeLessThan(statuses.length);
  expect(await post(reviewIn('short'))).toBe(200);
});

test('there are at most 256 connections', async () => {
  const limit = WEBHOOK_LIMITS.connections ?? 0;
  const { host, port } = options();
  let closed = 0;
  const held: Socket[] = Array.from({ length: limit + 50 }, () => {
    const socket = connect(Number(port), String(host));
    socket
      .on('error', () => {})
      .on('close', () => {
        closed += 1;
      });
    return socket.resume();
  });
  await until(() => closed >= 50);
  expect([limit, closed]).toEqual([256, 50]);
  expect(await post(reviewIn('short'))).toBe(200);
  for (const socket of held) {
    socket.destroy();
  }
});
