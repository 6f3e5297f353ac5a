import type { ServerHttp2Stream } from 'node:http2';
import { connect, createServer } from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { serveGrpc, serveHttp2Plain } from './fixtures/grpc-servers.ts';
import {
  closedPort,
  closeServers,
  droppedPort,
  onClose,
  serveHttp,
  serveRaw,
  serveTcp,
  untilZero,
} from './fixtures/servers.ts';
import { probeGrpc } from './grpc.ts';

afterEach(closeServers);

const pod = { podIp: '127.0.0.1' };
const probe = (port: number, timeoutMs = 5000, service?: string) =>
  probeGrpc({ port, ...(service === undefined ? {} : { service }) }, pod, { timeoutMs });

describe('a server of the reference implementation', () => {
  test('SERVING is success', async () => {
    const { port } = await serveGrpc((_, answer) => answer(null, Buffer.from([8, 1])));
    expect(await probe(port)).toEqual({ result: 'success', output: 'service healthy', reached: true });
  });

  test.each([
    ['NOT_SERVING', [8, 2]],
    ['UNKNOWN', []],
    ['SERVICE_UNKNOWN', [8, 3]],
  ])('%s is failure', async (name, bytes) => {
    const { port } = await serveGrpc((_, answer) => answer(null, Buffer.from(bytes)));
    expect(await probe(port)).toEqual({
      result: 'failure',
      output: `service unhealthy (responded with "${name}")`,
      reached: true,
    });
  });

  test.each([
    ['the server as a whole', undefined, ''],
    ['the service that is named', 'readiness', '\n\treadiness'],
  ])('receives a request for %s, by a kube-probe', async (_, service, message) => {
    let seen: unknown[] = [];
    const { port } = await serveGrpc((call, answer) => {
      seen = [call.request.toString(), String(call.metadata.get('user-agent'))];
      answer(null, Buffer.from([8, 1]));
    });
    await probe(port, 5000, service);
    expect(seen).toEqual([message, 'kube-probe/1.36']);
  });

  test('without the health service is failure, and names the protocol', async () => {
    const { port } = await serveGrpc();
    expect(await probe(port)).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('does not implement the grpc health protocol'),
      reached: true,
    });
  });

  test('an answer after the limit is failure', async () => {
    const { port } = await serveGrpc((_, answer) => {
      setTimeout(() => answer(null, Buffer.from([8, 1])), 2000).unref();
    });
    expect(await probe(port, 500)).toEqual({
      result: 'failure',
      output: 'timeout: health rpc did not complete within 0.5s',
      reached: true,
    });
  });

  test('a gRPC error is failure with its message, however it is written', async () => {
    const { port } = await serveGrpc((_, answer) =>
      answer({ code: status.NOT_FOUND, details: 'no such service: é%' }),
    );
    expect(await probe(port)).toEqual({
      result: 'failure',
      output: 'error: health rpc probe failed: no such service: é% (gRPC status 5)',
      reached: true,
    });
  });
});

describe('not a gRPC server', () => {
  test.each([
    ['refuses', closedPort, false],
    ['drops everything', droppedPort, false],
    ['is an HTTP/1 server', async () => (await serveHttp((_, response) => response.end())).port, true],
    ['accepts and stays silent', async () => (await serveTcp()).port, true],
    ['closes at once', async () => (await serveTcp((socket) => socket.destroy())).port, true],
    ['talks nonsense', async () => (await serveRaw('\0'.repeat(100))).port, true],
  ])(
    'a port that %s is a failure at the limit; whether it was reached is known',
    async (_, start, reached) => {
      const port = await start();
      expect(await probe(port, 300)).toEqual({
        result: 'failure',
        output: expect.stringMatching(
          new RegExp(`^timeout: failed to connect service "127.0.0.1:${port}" within 0.3s: .`),
        ),
        reached,
      });
    },
  );

  const head = { ':status': 200, 'content-type': 'application/grpc' };
  test.each<[string, (stream: ServerHttp2Stream) => void, RegExp]>([
    ['HTTP 404', (stream) => stream.respond({ ':status': 404 }, { endStream: true }), /does not implement/],
    [
      'HTTP 503',
      (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
      /unexpected HTTP status code.*503/,
    ],
    [
      'another content type',
      (stream) => stream.respond({ ':status': 200, 'content-type': 'text/html' }, { endStream: true }),
      /content-type "text\/html"/,
    ],
    [
      'a content type that only begins alike',
      (stream) => stream.respond({ ...head, 'content-type': 'application/grpcx' }, { endStream: true }),
      /grpcx/,
    ],
    ['no trailers', (stream) => stream.respond(head, { endStream: true }), /without a gRPC status/],
    [
      'status OK without a message',
      (stream) => stream.respond({ ...head, 'grpc-status': '0' }, { endStream: true }),
      /not a single HealthCheckResponse/,
    ],
    ['a reset', (stream) => stream.close(2), /INTERNAL_ERROR/],
    ['the end of the connection', (stream) => stream.session?.destroy(), /./],
    [
      'a badly encoded message',
      (stream) => stream.respond({ ...head, 'grpc-status': '2', 'grpc-message': '50%' }, { endStream: true }),
      /50% \(gRPC status 2\)/,
    ],
    ['a flood', (stream) => flood(stream), /more than 10240 bytes/],
  ])('an answer of %s is failure', async (_, handle, output) => {
    const { port, openSockets } = await serveHttp2Plain(handle);
    expect(await probe(port)).toEqual({
      result: 'failure',
      output: expect.stringMatching(output),
      reached: true,
    });
    expect(await untilZero(openSockets)).toBe(0);
  });

  function flood(stream: ServerHttp2Stream): void {
    stream.respond(head);
    const pour = () => {
      while (!stream.destroyed && stream.write(Buffer.alloc(16_384))) {}
    };
    stream.on('drain', pour);
    pour();
  }
});

test('a server that comes up within the limit is found: connecting goes on', async () => {
  const port = await closedPort();
  const running = probe(port, 10_000);
  const { port: grpcPort } = await serveGrpc((_, answer) => answer(null, Buffer.from([8, 1])));
  const relay = createServer((socket) => {
    const onward = connect(grpcPort, '127.0.0.1').on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  });
  setTimeout(() => relay.listen(port, '127.0.0.1'), 200);
  onClose(async () => relay.close());
  expect(await running).toMatchObject({ result: 'success' });
});

test('a pod without an IP is unknown, with an error', async () => {
  expect(await probeGrpc({ port: 1 }, { podIp: '' }, { timeoutMs: 1000 })).toMatchObject({
    result: 'unknown',
    error: expect.stringContaining('no IP'),
  });
});

test.each<[string, () => Promise<number>]>([
  ['connecting', droppedPort],
  ['waiting for the next attempt', closedPort],
  ['waiting for settings', async () => (await serveTcp()).port],
  ['calling', async () => (await serveGrpc(() => {})).port],
])('an abort while %s ends the probe without a verdict', async (_, start) => {
  const controller = new AbortController();
  const running = probeGrpc({ port: await start() }, pod, { timeoutMs: 60_000, signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  expect(await running).toMatchObject({ result: 'unknown', error: 'aborted' });
});
