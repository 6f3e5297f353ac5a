/** Plain requests against a real TLS server: limits, retries, waiting as asked, credentials that change. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { WorkloadView } from '../../src/api/views.ts';
import { Connection } from '../../src/kube/client/connection.ts';
import { HttpClient } from '../../src/kube/client/http.ts';
import { RESOURCES } from '../../src/kube/client/paths.ts';
import { type Answer, type ApiRequest, Requests } from '../../src/kube/client/request.ts';
import { Throttle } from '../../src/kube/client/throttle.ts';
import { ClusterReader } from '../../src/kube/reader.ts';
import { type Certificates, Connections, listen, makeCertificates } from './server.ts';

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

let certificates: Certificates;
let server: Server;
let connections: Connections;
let kubeconfig: string;
let http: HttpClient;
let requests: Requests;
let asked: { method: string; url: string; token: string; body: string }[];
let behaviours: Behaviour[];

beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => certificates.remove());

beforeEach(async () => {
  asked = [];
  server = createServer(certificates, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      asked.push({
        method: request.method ?? '',
        url: request.url ?? '',
        token: request.headers.authorization ?? '',
        body,
      });
      (behaviours[Math.min(asked.length, behaviours.length) - 1] as Behaviour)(request, response);
    });
  });
  connections = new Connections();
  connections.track(server);
  kubeconfig = await listen(server, certificates);
  http = new HttpClient(new Connection({ kubeconfig }), 4);
  requests = new Requests(http, new Throttle());
});
afterEach(async () => {
  http.close();
  await connections.close(server);
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((passed) => setTimeout(passed, 5));
  }
}

const target = { resource: RESOURCES.Pod, namespace: 'shop', name: 'web-0' };

async function send(script: Behaviour[], request: Partial<ApiRequest> = {}): Promise<Answer> {
  behaviours = script;
  return await requests.send({ method: 'GET', target, ...request });
}

const answer =
  (code: number, body: unknown = {}, headers: Record<string, string> = {}): Behaviour =>
  (_, response) => {
    response.writeHead(code, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const reset: Behaviour = (request) => void request.socket.destroy();
const never: Behaviour = () => {};
const drip: Behaviour = (_, response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
};
const cutShort: Behaviour = (_, response) => {
  response.writeHead(200, { 'content-length': '100' });
  response.write('{');
  setTimeout(() => response.destroy(), 20);
};

test('an answer is plain JSON, and connections are used again', async () => {
  for (let i = 0; i < 5; i += 1) {
    expect(await send([answer(200, { a: 1 })])).toEqual({ ok: true, body: { a: 1 } });
  }
  expect(connections.size).toBe(1);
  expect(asked[0]).toMatchObject({
    method: 'GET',
    url: '/api/v1/namespaces/shop/pods/web-0',
    token: 'Bearer secret-token',
  });
});

test('events longer than any recorder writes are no evidence', async () => {
  const reader = new ClusterReader(requests);
  const workload = { namespace: 'shop', uid: 'u' } as WorkloadView;
  const event = (note: string) => ({ reason: 'FailedCreate', note, eventTime: '2026-01-01T00:00:00Z' });
  behaviours = [answer(200, { items: [event('exceeded quota')] })];
  expect(await reader.failedCreate(workload)).toMatchObject({ message: 'exceeded quota' });
  behaviours = [answer(200, { items: [event('x'.repeat(2 * 1024 * 1024))] })];
  expect(await reader.failedCreate(workload)).toBeUndefined();
});

test('Upgrades, which can be long, are listed in small pages, and not kept', async () => {
  const page = (name: string, token?: string) =>
    answer(200, {
      metadata: { resourceVersion: '7', continue: token },
      items: [{ metadata: { name, namespace: 'shop' }, spec: { containers: ['x'.repeat(1000)] } }],
    });
  behaviours = [page('api', 'more'), page('web')];
  const upgrades = await new ClusterReader(requests).listUpgrades('shop');
  expect(upgrades).toMatchObject([{ metadata: { name: 'api' } }, { metadata: { name: 'web' } }]);
  expect(JSON.stringify(upgrades).length).toBeLessThan(200);
  expect(asked.map(({ url }) => url.split('?')[1])).toEqual(['limit=20', 'limit=20&continue=more']);
});

test('a DELETE with a body is understood as one request', async () => {
  const body = { preconditions: { uid: 'u' } };
  expect((await send([answer(200)], { method: 'DELETE', body })).ok).toBe(true);
  expect((await send([answer(200)])).ok).toBe(true);
  expect(asked.map(({ method, body: sent }) => [method, sent])).toEqual([
    ['DELETE', JSON.stringify(body)],
    ['GET', ''],
  ]);
});

describe('what brings no whole answer is unavailable, in time', () => {
  test.each<[string, Behaviour]>([
    ['reset', reset],
    ['never answered', never],
    ['a byte now and then', drip],
    ['cut within the body', cutShort],
    ['not JSON', answer(200, '<html>secret')],
    ['a redirect', answer(302, '', { location: 'https://example.com/secret' })],
    ['an HTML page', answer(502, '<html>secret')],
  ])('%s', async (_, behaviour) => {
    const began = performance.now();
    const result = await send([behaviour], { deadlineMs: 300 });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(result).toMatchObject({
      ok: false,
      failure: { kind: 'unavailable', message: expect.stringMatching(/^GET pods shop\/web-0: (?!.*secret)/) },
    });
  });

  test('nobody listens', async () => {
    const other = createServer(certificates);
    const path = await listen(other, certificates);
    await new Promise((resolve) => other.close(resolve));
    const result = await new Requests(new HttpClient(new Connection({ kubeconfig: path }), 1)).send({
      method: 'GET',
      target,
    });
    expect(result).toMatchObject({
      failure: { kind: 'unavailable', message: expect.stringContaining('ECONNREFUSED') },
    });
  });

  test('stopped by the caller, at once', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    expect(await send([never], { signal: stop.signal, retries: 2 })).toMatchObject({
      ok: false,
      failure: { kind: 'unavailable' },
    });
    expect(await send([never], { signal: stop.signal })).toMatchObject({
      ok: false,
      failure: { kind: 'unavailable' },
    });
  });
});

describe('tries', () => {
  test('again after a lost answer or a 5xx, when that was asked for', async () => {
    expect(await send([reset, answer(503), answer(200, { a: 1 })], { retries: 2 })).toEqual({
      ok: true,
      body: { a: 1 },
    });
    expect(asked).toHaveLength(3);
  });

  test('only once otherwise', async () => {
    expect((await send([answer(503), answer(200)])).ok).toBe(false);
    expect(asked).toHaveLength(1);
  });

  test.each([400, 403, 404, 409, 422])('never again after HTTP %d', async (code) => {
    const result = await send([answer(code), answer(200)], { retries: 5 });
    expect([result.ok, asked.length]).toEqual([false, 1]);
  });

  test('never again after a response that is longer than is read', async () => {
    const long: Behaviour = (_, response) => response.end('x'.repeat(100));
    const result = await send([long], { retries: 2, mostBytes: 50 });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'unavailable', tooLong: true } });
    expect(asked).toHaveLength(1);
  });

  test('none with a name that could leave its place in the path', async () => {
    const result = await send([answer(200)], { target: { ...target, name: '../secrets' }, retries: 2 });
    expect(result).toMatchObject({ failure: { kind: 'invalid' } });
    expect(asked).toHaveLength(0);
  });
});

test('after 429 nothing is sent before the time that the server named, then it goes on', async () => {
  expect(await send([answer(429, {}, { 'retry-after': '1' })], { retries: 2 })).toMatchObject({
    failure: { kind: 'throttled', retryAfterMs: 1_000 },
  });
  expect(await send([answer(200)])).toMatchObject({ ok: false, failure: { kind: 'throttled' } });
  expect(asked).toHaveLength(1);
  await new Promise((passed) => setTimeout(passed, 1_050));
  expect((await send([answer(200)])).ok).toBe(true);
});

test('a 429 about one namespace, whose flow is full, holds up none about another', async () => {
  await send([answer(429, 'Too many requests', { 'retry-after': '32' })]);
  const other = { ...target, namespace: 'other' };
  expect((await send([answer(200)], { target: other })).ok).toBe(true);
  expect(await send([answer(200)])).toMatchObject({ failure: { kind: 'throttled' } });
});

test('a 429 about one object holds up nothing but its own request', async () => {
  const status = { kind: 'Status', message: 'cannot evict: disruption budget', code: 429 };
  expect(await send([answer(429, status, { 'retry-after': '10' })])).toMatchObject({
    failure: { kind: 'throttled', retryAfterMs: 10_000 },
  });
  expect((await send([answer(200)])).ok).toBe(true);
});

describe('what a process that has lost the lease had begun to write', () => {
  test('is not sent when its turn for a connection comes', async () => {
    let allowed = true;
    let answerFirst = () => {};
    const slow: Behaviour = (request, response) => {
      answerFirst = () => answer(200)(request, response);
    };
    const single = new HttpClient(new Connection({ kubeconfig }), 1);
    behaviours = [slow, answer(200)];
    const write = (name: string) =>
      new Requests(single).send({
        method: 'PATCH',
        target: { ...target, name },
        body: {},
        maySend: () => allowed,
      });
    const [first, second] = [write('web-0'), write('web-1')];
    await until(() => asked.length === 1);
    allowed = false;
    answerFirst();
    expect((await first).ok).toBe(true);
    expect(await second).toMatchObject({ ok: false, failure: { kind: 'unavailable' } });
    expect(asked).toHaveLength(1);
    single.close();
  });

  test('is not sent when a new connection took until then', async () => {
    const result = await send([answer(200)], { method: 'PATCH', body: {}, maySend: () => false });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'unavailable' } });
    expect([asked.length, connections.size]).toEqual([0, 0]);
  });
});

test.each([-3_600_000, 3_600_000, 0])(
  "the time is the server's, %d ms from our own, as far as whole seconds tell",
  async (ms) => {
    const connection = new Connection({ kubeconfig });
    const client = new HttpClient(connection, 1);
    behaviours = [
      (request, response) =>
        answer(200, {}, { date: new Date(Date.now() + ms).toUTCString() })(request, response),
    ];
    await new Requests(client).send({ method: 'GET', target });
    expect(Math.abs(connection.clock.now() - (Date.now() + ms))).toBeLessThan(2_000);
    client.close();
  },
);

describe.each([
  ['as in a pod', (tokenFile: string) => ({ 'auth-provider': { name: 'tokenFile', config: { tokenFile } } })],
  ['as in a kubeconfig', () => ({ tokenFile: 'token', token: 'outranked' })],
])('credentials in a file, %s', (_where, userWith) => {
  /** The kubelet, or whoever else made it, replaces the file. */
  function withTokenFile(): { tokenFile: string; requests: Requests } {
    const tokenFile = join(certificates.folder, 'token');
    writeFileSync(tokenFile, 'old');
    const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { users: { user: object }[] };
    config.users[0]!.user = userWith(tokenFile);
    const path = join(certificates.folder, 'with-token-file');
    writeFileSync(path, JSON.stringify(config));
    const client = new HttpClient(new Connection({ kubeconfig: path }), 1);
    return { tokenFile, requests: new Requests(client) };
  }

  test('after 401 the token is read again at once, and the request sent once more', async () => {
    const { tokenFile, requests: own } = withTokenFile();
    behaviours = [answer(200), answer(401), answer(200)];
    await own.send({ method: 'GET', target });
    writeFileSync(tokenFile, 'new');
    expect((await own.send({ method: 'GET', target })).ok).toBe(true);
    expect(asked.map(({ token }) => token)).toEqual(['Bearer old', 'Bearer old', 'Bearer new']);
  });

  test('a missing token file is told, without an exception, and heals', async () => {
    const { tokenFile, requests: own } = withTokenFile();
    rmSync(tokenFile);
    behaviours = [answer(200)];
    const failed = await own.send({ method: 'GET', target });
    expect(failed).toMatchObject({
      ok: false,
      failure: { kind: 'unavailable', message: expect.stringContaining('ENOENT') },
    });
    writeFileSync(tokenFile, 'back');
    expect((await own.send({ method: 'GET', target })).ok).toBe(true);
  });
});

describe('credentials', () => {
  test('401 for ever is unavailable after two tries', async () => {
    expect(await send([answer(401)])).toMatchObject({ ok: false, failure: { kind: 'unavailable' } });
    expect(asked).toHaveLength(2);
  });

  test('a new certificate authority is used after the next reading', async () => {
    const connection = new Connection({ kubeconfig });
    const client = new HttpClient(connection, 1);
    const own = new Requests(client);
    behaviours = [answer(200)];
    expect((await own.send({ method: 'GET', target })).ok).toBe(true);
    const others = makeCertificates();
    const replaced = createServer(others, (_, response) => response.end('{}'));
    const { port } = server.address() as AddressInfo;
    await connections.close(server);
    await new Promise<void>((ready) => replaced.listen(port, '127.0.0.1', ready));
    expect(await own.send({ method: 'GET', target })).toMatchObject({ ok: false });
    const ca = readFileSync(join(certificates.folder, 'tls.crt'));
    writeFileSync(join(certificates.folder, 'tls.crt'), readFileSync(join(others.folder, 'tls.crt')));
    await connection.refresh();
    expect((await own.send({ method: 'GET', target })).ok).toBe(true);
    writeFileSync(join(certificates.folder, 'tls.crt'), ca);
    client.close();
    await new Promise((resolve) => replaced.close(resolve));
    others.remove();
    server = createServer(certificates);
    await listen(server, certificates);
  });

  test.each([
    [
      'no such file',
      '/nonexistent/kubeconfig',
      undefined,
      /^cannot read kubeconfig \/nonexistent\/kubeconfig: no such file$/,
    ],
    ['a folder in place of a file', '/tmp', undefined, /^cannot read kubeconfig \/tmp: it is a directory$/],
    ['no such context', undefined, 'nope', /has no context "nope"; it has: \w+/],
  ])('a configuration with %s says what is wrong', (_, path, context, message) => {
    expect(() => new Connection({ kubeconfig: path ?? kubeconfig, context })).toThrow(message);
  });

  test('plain http and proxies are refused with the reason', () => {
    const write = (cluster: object): string => {
      const path = join(certificates.folder, 'odd');
      const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { clusters: { cluster: object }[] };
      config.clusters[0]!.cluster = cluster;
      writeFileSync(path, JSON.stringify(config));
      return path;
    };
    for (const server of ['http://127.0.0.1:8080', 'localhost:6443', '127.0.0.1:6443', 'https://[::']) {
      expect(() => new Connection({ kubeconfig: write({ server }) })).toThrow(
        `API server ${server}: must be an address that begins with https://, such as https://10.0.0.1:6443`,
      );
    }
    expect(
      () => new Connection({ kubeconfig: write({ server: 'https://127.0.0.1', 'proxy-url': 'http://p' }) }),
    ).toThrow('proxy-url is not supported');
  });
});
