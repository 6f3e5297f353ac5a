/** The server's POST: bounded in size, in all bodies together, and in time, at the cost of whoever sends the most. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { FairBytes } from './fair-bytes.ts';
import { type HttpServer, serve } from './http.ts';

const running: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close(0)));
});

async function start(): Promise<{ server: HttpServer; url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = await serve(
    { host: '127.0.0.1', port: 0 },
    {
      '/gate': {
        maxBytes: 100,
        post: (body) => {
          seen.push(`${body}`);
          return { status: 200, body: `got ${body.length}` };
        },
      },
    },
  );
  running.push(server);
  return { server, url: `http://${server.address}/gate`, seen };
}

const post = (url: string, body: string, type = 'application/json') =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': type } });

describe('a POST', () => {
  test.each(['application/json', 'application/json; charset=utf-8'])('of %s is answered', async (type) => {
    const { url } = await start();
    const response = await post(url, 'x'.repeat(100), type);
    expect([response.status, await response.text()]).toEqual([200, 'got 100']);
  });

  test.each<[string, number, (url: string) => Promise<Response>]>([
    ['of something else than JSON', 415, (url) => post(url, '{}', 'text/plain')],
    ['that is too long', 413, (url) => post(url, 'x'.repeat(101))],
    ['to another path', 405, (url) => post(`${url}s`, '{}')],
  ])('%s is refused with %i, and the server goes on', async (_, status, send) => {
    const { url, seen } = await start();
    expect((await send(url)).status).toBe(status);
    expect(seen).toEqual([]);
    expect((await post(url, '{}')).status).toBe(200);
  });

  test('that turns out to be too long is rejected before its end', async () => {
    const { server, seen } = await start();
    const [host, port] = server.address.split(':');
    const sending = request({
      host,
      port,
      path: '/gate',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    sending.on('error', () => {});
    sending.write('x'.repeat(101));
    const [response] = await once(sending, 'response');
    expect([response.statusCode, response.headers.connection]).toEqual([413, 'close']);
    expect(seen).toEqual([]);
    sending.destroy();
  });

  test('GET is not allowed where POST is, and the answer says so', async () => {
    const { url } = await start();
    const response = await fetch(url);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('that is never complete is not handled', async () => {
    const { server, url, seen } = await start();
    const [host, port] = server.address.split(':');
    const socket = connect(Number(port), host);
    socket.write(
      'POST /gate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\nhalf',
    );
    await once(socket, 'connect');
    socket.destroy();
    expect((await post(url, '{}')).status).toBe(200);
    expect(seen).toEqual(['{}']);
  });

  test('a server that leaves keeps responding, and keeps no connection', async () => {
    const { server, url } = await start();
    server.leave();
    const response = await post(url, '{}');
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
  });
});

describe('of all bodies together', () => {
  const socketOf = (remoteAddress: string) => {
    const socket = {
      remoteAddress,
      destroyed: false,
      destroy: () => Object.assign(socket, { destroyed: true }),
    };
    return socket as unknown as Socket & { destroyed: boolean };
  };

  test('above the limit, the client with the most bytes loses its largest body', () => {
    const bytes = new FairBytes(100);
    const [small, other, greedy] = [socketOf('10.0.0.1'), socketOf('10.0.0.2'), socketOf('10.0.0.2')];
    bytes.take(small, 30);
    bytes.take(other, 20);
    bytes.take(greedy, 50);
    expect([small, other, greedy].map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
    bytes.take(small, 10);
    expect([small, other, greedy].map(({ destroyed }) => destroyed)).toEqual([false, false, true]);
  });

  test('released bytes are available again', () => {
    const bytes = new FairBytes(100);
    const [first, second] = [socketOf('10.0.0.1'), socketOf('10.0.0.2')];
    bytes.take(first, 90);
    bytes.release(first, 90);
    bytes.take(second, 90);
    expect([first.destroyed, second.destroyed]).toEqual([false, false]);
  });
});
