import { afterEach, describe, expect, test } from '@jest/globals';
import { serveGrpc } from '../../packages/kubelet-prober/src/fixtures/grpc-servers.ts';
import {
  closedPort,
  closeServers,
  droppedPort,
  serveHttp,
  serveRaw,
  serveTcp,
} from '../../packages/kubelet-prober/src/fixtures/servers.ts';
import type { ProbeHandler } from '../../packages/kubelet-prober/src/spec.ts';
import type { Check } from '../api/types.ts';
import { networkProber } from './checker.ts';

afterEach(closeServers);

/** A check with this handler; the other fields are for exec and the deciding side. */
const ask = (handler: ProbeHandler, timeoutSeconds = 1, signal = new AbortController().signal) =>
  anywhere.probe(
    {
      check: { name: 'x', timeoutSeconds, ...handler } as Check,
      podIp: '127.0.0.1',
      ports: { web: namedPort },
    },
    signal,
  );
let namedPort = 1;
/** On loopback too, where the servers of this test are. */
const anywhere = networkProber(() => undefined);

describe('what the operator probes', () => {
  const probeAt = (podIp: string, handler: ProbeHandler) =>
    networkProber().probe(
      { check: { name: 'x', timeoutSeconds: 1, ...handler } as Check, podIp, ports: {} },
      new AbortController().signal,
    );

  test('nothing on its own loopback, whatever address the pod has', async () => {
    let requests = 0;
    const { port } = await serveHttp((_, response) => {
      requests++;
      response.end('inside');
    });
    for (const podIp of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', 'localhost', '']) {
      for (const handler of [{ httpGet: { port } }, { tcpSocket: { port } }, { grpc: { port } }]) {
        expect(await probeAt(podIp, handler)).toMatchObject({ kind: 'unconnected' });
      }
    }
    expect(requests).toBe(0);
  });

  test('no host of the user’s choice, even if the API server let one through', async () => {
    const { port } = await serveHttp((_, response) => response.end('inside'));
    for (const handler of [
      { httpGet: { port, host: '127.0.0.1' } },
      { tcpSocket: { port, host: '127.0.0.1' } },
    ]) {
      const other = networkProber(() => undefined).probe(
        { check: { name: 'x', timeoutSeconds: 0.2, ...handler } as never, podIp: '192.0.2.1', ports: {} },
        new AbortController().signal,
      );
      expect(await other).toMatchObject({ kind: 'unconnected' });
    }
  });
});

describe('evidence', () => {
  test('a good status is good, and its body is reported', async () => {
    const { port } = await serveHttp((_, response) => response.end('ready'));
    expect(await ask({ httpGet: { port } })).toEqual({ kind: 'answered', good: true, output: 'ready' });
  });

  test('a redirect elsewhere is good', async () => {
    const { port } = await serveRaw('HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\n');
    expect(await ask({ httpGet: { port } })).toMatchObject({ kind: 'answered', good: true });
  });

  test('a bad status is bad, and its body is not reported', async () => {
    const { port } = await serveHttp((_, response) => response.writeHead(503).end('secret'));
    expect(await ask({ httpGet: { port } })).toEqual({
      kind: 'answered',
      good: false,
      output: 'HTTP probe failed with statuscode: 503',
    });
  });

  test('silence after connecting is bad', async () => {
    const { port } = await serveTcp();
    expect(await ask({ httpGet: { port } }, 0.2)).toMatchObject({ kind: 'answered', good: false });
    expect(await ask({ grpc: { port } }, 0.2)).toMatchObject({ kind: 'answered', good: false });
  });

  test('NOT_SERVING is bad, SERVING good', async () => {
    let serving = 2;
    const { port } = await serveGrpc((_, answer) => answer(null, Buffer.from([8, serving])));
    expect(await ask({ grpc: { port } })).toMatchObject({
      kind: 'answered',
      good: false,
      output: expect.stringContaining('NOT_SERVING'),
    });
    serving = 1;
    expect(await ask({ grpc: { port } })).toMatchObject({ kind: 'answered', good: true });
  });

  test('a connection is good for tcpSocket, also by the name of the port', async () => {
    namedPort = (await serveTcp()).port;
    expect(await ask({ tcpSocket: { port: 'web' } })).toEqual({ kind: 'answered', good: true, output: '' });
  });
});

describe('no evidence', () => {
  test.each(['httpGet', 'tcpSocket', 'grpc'] as const)(
    '%s to a port that refuses, or drops',
    async (type) => {
      for (const port of [await closedPort(), await droppedPort()]) {
        expect(await ask({ [type]: { port } }, 0.2)).toEqual({
          kind: 'unconnected',
          message: expect.stringMatching(/./),
        });
      }
    },
  );

  test('a port name that no container has', async () => {
    expect(await ask({ httpGet: { port: 'nope' } })).toEqual({
      kind: 'unconnected',
      message: expect.stringContaining('"nope"'),
    });
  });

  test('an abort', async () => {
    const { port } = await serveTcp();
    expect(await ask({ httpGet: { port } }, 60, AbortSignal.timeout(50))).toEqual({
      kind: 'unconnected',
      message: 'aborted',
    });
  });
});

test('a body that stops takes its time limit once, not three times', async () => {
  let connections = 0;
  const { port } = await serveTcp((socket) => {
    connections++;
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'));
  });
  expect(await ask({ httpGet: { port } }, 0.3)).toEqual({
    kind: 'answered',
    good: false,
    output: expect.stringContaining('timed out while reading the body'),
  });
  expect(connections).toBe(1);
});

describe('the output of an application', () => {
  const evil = 'a\u001b]0;owned\u0007\u001b[2Jb\u202ec\u0000';

  test('comes in without escape sequences, control and direction characters: a body', async () => {
    const { port } = await serveHttp((_, response) => response.end(`${evil}\n\u{1F44D}`));
    expect(await ask({ httpGet: { port } })).toMatchObject({ output: 'abc\n\u{1F44D}' });
  });

  test('a body cut in the middle of a character', async () => {
    const { port } = await serveHttp((_, response) => response.end('\u{1F44D}'.repeat(5000)));
    const answer = await ask({ httpGet: { port } });
    expect(answer).toMatchObject({ kind: 'answered', output: expect.stringMatching(/^(\u{1F44D})+$/u) });
  });

  test('the address that a redirect leads to', async () => {
    const { port } = await serveRaw('HTTP/1.1 302 Found\r\nLocation: /\x1b[2J%zz\xe2\x80\xae\r\n\r\n');
    expect(await ask({ httpGet: { port } })).toMatchObject({
      good: false,
      output: expect.stringMatching(/failed to parse Location header "[ -~]+"$/),
    });
  });

  test('a gRPC message', async () => {
    const { port } = await serveGrpc((_, answer) => answer({ code: 13, details: evil }));
    expect(await ask({ grpc: { port } })).toMatchObject({
      good: false,
      output: 'error: health rpc probe failed: abc (gRPC status 13)',
    });
  });
});
