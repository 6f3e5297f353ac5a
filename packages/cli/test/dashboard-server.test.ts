/** The dashboard's listener against everybody who can reach loopback: other pages, other names, other users, and clients that never finish. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { LIMITS, type Listening, listen, type Site } from '../src/dashboard/server.ts';

// For a busy machine: what is waited for comes, or never.
jest.setTimeout(60_000);

const PAGE = {
  '': { type: 'text/html', text: '<!doctype html>' },
  'app.js': { type: 'text/javascript', text: 'export {};' },
};

let acts: unknown[];
let listening: Listening;
let subscribers: ((message: object) => void)[];
let ended: number;

const site: Site = {
  page: PAGE,
  now: () => 7,
  subscribe: (subject, send) => {
    subscribers.push(send);
    send({ type: 'hello', subject });
    return () => {
      ended++;
    };
  },
  act: async (command) => {
    acts.push(command);
    return { status: 200, body: { done: true } };
  },
};

beforeEach(async () => {
  acts = [];
  subscribers = [];
  ended = 0;
  listening = await listen(site, 0);
});
afterEach(() => listening.close());

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  /** Instead of the path with the token. */
  readonly target?: string;
}

async function send(
  name: string,
  { method = 'GET', headers = {}, body, target }: Sent = {},
): Promise<Answered> {
  const { port, pathname } = new URL(listening.url);
  const options = {
    host: '127.0.0.1',
    port,
    method,
    path: target ?? `${pathname}${name}`,
    headers,
    agent: false,
  };
  const sent = request(options);
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const parts = await answer.toArray();
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts).toString() };
}

/** What the page itself sends. */
const own = (): Record<string, string> => ({
  'content-type': 'application/json',
  'x-postcheck-dashboard': 'act',
  origin: new URL(listening.url).origin,
  'sec-fetch-site': 'same-origin',
});

const token = (): string => new URL(listening.url).pathname.split('/')[1] ?? '';

describe('a client with the printed address', () => {
  test('gets the page, with a policy that forbids foreign content', async () => {
    const { status, headers, body } = await send('');
    expect([status, body]).toEqual([200, '<!doctype html>']);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/,
    );
    expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(headers['set-cookie']).toBeUndefined();
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('may use localhost or a forwarded port', async () => {
    for (const host of ['localhost:1234', '127.0.0.1:80', '[::1]:8080', 'LOCALHOST']) {
      expect((await send('', { headers: { host } })).status).toBe(200);
    }
  });

  test('may follow a link from another page, as the link contains the token', async () => {
    const headers = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-dest': 'document',
      'sec-fetch-mode': 'navigate',
    };
    expect((await send('', { headers })).status).toBe(200);
  });
});

describe('a client without it', () => {
  test('cannot guess the token: 256 bits, new at each start', async () => {
    const other = await listen(site, 0);
    expect(new URL(other.url).pathname).not.toBe(new URL(listening.url).pathname);
    expect(Buffer.from(token(), 'base64url')).toHaveLength(32);
    await other.close();
  });

  test.each(['/', '//', '/app.js', '/events', '/wrong/', '/wrong/app.js', '*', 'http://127.0.0.1/'])(
    'without the token is refused: %s',
    async (target) => {
      const { status, body } = await send('', { target });
      expect([status, body]).toEqual([403, 'open the URL that the command printed\n']);
    },
  );

  test('is rejected with a part of the token, or with additional characters', async () => {
    for (const wrong of [
      token().slice(0, -1),
      `${token()}x`,
      token().toLowerCase(),
      `${token().slice(0, -1)}~`,
    ]) {
      expect((await send('', { target: `/${wrong}/` })).status).toBe(403);
    }
    expect(
      (await send('', { target: `/?token=${token()}`, headers: { cookie: `token=${token()}` } })).status,
    ).toBe(403);
  });

  test.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '127.0.0.1@evil.example',
    '0.0.0.0',
    '127.1',
  ])('comes by another name, as after DNS rebinding: %j', async (host) => {
    expect((await send('', { headers: { host } })).status).toBe(421);
    expect((await send('events', { headers: { host } })).status).toBe(421);
  });

  test.each([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none', 'sec-fetch-dest': 'script' },
  ])('asks from another page: %j', async (headers) => {
    for (const name of ['events', 'app.js']) {
      expect((await send(name, { headers })).status).toBe(403);
    }
  });
});

describe('paths', () => {
  test.each([
    '../',
    '../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    'app.js/../../x',
    './app.js',
    'app.js%00',
    'App.js',
    '__proto__',
    'constructor',
    'package.json',
  ])('%s is no page', async (name) => {
    expect((await send(name)).status).toBe(404);
  });

  test('cannot be long, nor headers large', async () => {
    expect((await send(`x${'y'.repeat(2000)}`)).status).toBe(414);
    await expect(send('', { headers: { filler: 'x'.repeat(20_000) } })).rejects.toThrow();
  });

  test('reject invalid names of an Upgrade without a request to the cluster', async () => {
    for (const query of ['namespace=..&name=web', 'namespace=shop&name=<b>', 'namespace=shop&name=a/b']) {
      expect((await send(`events?${query}`)).status).toBe(400);
    }
    expect(subscribers).toHaveLength(0);
  });
});

describe('actions', () => {
  const body = JSON.stringify({ verb: 'abort' });

  test('are accepted from the page itself', async () => {
    expect((await send('act', { method: 'POST', headers: own(), body })).status).toBe(200);
    expect(acts).toEqual([{ verb: 'abort' }]);
  });

  test.each(['origin', 'x-postcheck-dashboard', 'content-type'])('are rejected without %s', async (name) => {
    const { [name]: _, ...headers } = own();
    expect((await send('act', { method: 'POST', headers, body })).status).toBeGreaterThanOrEqual(400);
    expect(acts).toEqual([]);
  });

  test.each([
    { origin: 'http://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
  ])('are refused with %j', async (changed) => {
    const headers = { ...own(), ...changed };
    expect((await send('act', { method: 'POST', headers, body })).status).toBeGreaterThanOrEqual(400);
    expect(acts).toEqual([]);
  });

  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])(
    'are refused with %s',
    async (method) => {
      const { status, headers } = await send('act', { method, headers: own() });
      expect(status).toBe(405);
      expect(headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  test('cannot be large, whatever their Content-Length', async () => {
    const large = 'x'.repeat(LIMITS.bodyBytes + 1);
    expect((await send('act', { method: 'POST', headers: own(), body: large })).status).toBe(413);
    expect(acts).toEqual([]);
  });

  test('that are not JSON are passed on to the handler', async () => {
    await send('act', { method: 'POST', headers: own(), body: '{"' });
    expect(acts).toEqual([undefined]);
  });
});

/** A connection on which these bytes were sent. */
async function raw(text: string): Promise<Socket> {
  const socket = connect(Number(new URL(listening.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.resume();
  socket.write(text);
  return socket;
}

const closed = (socket: Socket): Promise<unknown> => once(socket, 'close');

describe('slow clients', () => {
  const limits = { ...LIMITS, requestMs: 200 };
  beforeEach(async () => {
    await listening.close();
    listening = await listen(site, 0, limits);
  });

  test('are disconnected when their headers do not end', async () => {
    await closed(await raw('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: '));
  });

  test('are disconnected when they send nothing', async () => {
    await closed(await raw(''));
  });

  test('are disconnected when their body does not arrive', async () => {
    const head = Object.entries({ ...own(), host: new URL(listening.url).host, 'content-length': '100' });
    const lines = head.map(([name, value]) => `${name}: ${value}`).join('\r\n');
    await closed(await raw(`POST ${new URL(listening.url).pathname}act HTTP/1.1\r\n${lines}\r\n\r\n{`));
    expect(acts).not.toContainEqual({ verb: 'abort' });
  });

  test('are disconnected when they do not speak HTTP', async () => {
    await closed(await raw('\u0016\u0003\u0001\u0002\u0000\u0001\u0000'));
  });
});

/** An open stream, and what it has said so far. */
async function openStream(): Promise<{ answer: IncomingMessage; said: () => string; end: () => void }> {
  const { port, pathname } = new URL(listening.url);
  const sent = request({
    host: '127.0.0.1',
    port,
    path: `${pathname}events?namespace=shop&name=web`,
    agent: false,
  });
  sent.on('error', () => {});
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  answer.on('data', (part) => {
    text += part;
  });
  answer.on('error', () => {});
  return { answer, said: () => text, end: () => sent.destroy() };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('streams', () => {
  test('send the current state immediately, then each change, until the page disconnects', async () => {
    const { said, end } = await openStream();
    await until(() =>
      said().endsWith('\n\ndata: {"type":"hello","subject":{"namespace":"shop","name":"web"}}\n\n'),
    );
    expect(said()).toMatch(/^data: \{"type":"beat","now":7\}\n\n/);
    subscribers[0]?.({ text: 'two\nlines' });
    await until(() => said().endsWith('data: {"text":"two\\nlines"}\n\n'));
    end();
    await until(() => ended > 0);
  });

  test('send heartbeats, so that a page can distinguish silence from a lost connection', async () => {
    await listening.close();
    listening = await listen(site, 0, { ...LIMITS, beatMs: 10 });
    const { said } = await openStream();
    await until(() => said().split('{"type":"beat","now":7}').length > 3);
  });

  test('are limited in number, and a closed one makes room for another', async () => {
    await listening.close();
    listening = await listen(site, 0, { ...LIMITS, streams: 2 });
    const [first] = [await openStream(), await openStream()];
    expect((await send('events')).status).toBe(503);
    first?.end();
    await until(() => ended > 0);
    expect((await openStream()).answer.statusCode).toBe(200);
  });

  test('of a page that does not read are closed, not buffered', async () => {
    await listening.close();
    listening = await listen(site, 0, { ...LIMITS, behindBytes: 1024 * 1024 });
    const { port, pathname, host } = new URL(listening.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET ${pathname}events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await until(() => subscribers.length === 1);
    const large = { text: 'x'.repeat(512 * 1024) };
    for (let sent = 0; sent < 200 && ended === 0; sent++) {
      subscribers[0]?.(large);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until(() => ended > 0);
    socket.destroy();
  });
});

describe('an internal error', () => {
  test('ends only the request that caused it', async () => {
    await listening.close();
    const broken: Site = {
      ...site,
      subscribe: () => {
        throw new Error('a bug');
      },
      act: async () => {
        throw new Error('a bug');
      },
    };
    listening = await listen(broken, 0);
    const { status, body } = await send('act', { method: 'POST', headers: own(), body: '{}' });
    expect([status, body]).toEqual([500, 'this is a bug in kubectl postcheck; please report it\n']);
    await expect(send('events')).rejects.toThrow();
    expect((await send('')).status).toBe(200);
  });
});

describe('connections', () => {
  test('are limited in number', async () => {
    await listening.close();
    listening = await listen(site, 0, { ...LIMITS, connections: 3 });
    const { pathname, host } = new URL(listening.url);
    const ask = `GET ${pathname}events HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const kept = [await raw(ask), await raw(ask), await raw(ask)];
    await until(() => subscribers.length === 3);
    await closed(await raw(ask));
    expect(subscribers).toHaveLength(3);
    for (const socket of kept) {
      socket.destroy();
    }
  });

  test('are accepted on loopback only', async () => {
    expect(listening.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{43}\/$/);
  });

  test('a port that is in use is reported in a sentence', async () => {
    const port = Number(new URL(listening.url).port);
    await expect(listen(site, port)).rejects.toThrow(
      `port ${port} is in use: use another --port, or omit it`,
    );
  });

  test('are closed when the command ends, also open streams', async () => {
    const { answer } = await openStream();
    const ends = new Promise((resolve) => answer.once('close', resolve));
    await listening.close();
    await ends;
    listening = await listen(site, 0);
  });
});
