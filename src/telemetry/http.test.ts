import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type HealthEndpoints, healthRoutes, type MetricsEndpoints, metricsRoutes } from './endpoints.ts';
import { type HttpServer, serve as listenOn, parseListenAddress } from './http.ts';

const running: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close(0)));
});

async function serve(changes: Partial<HealthEndpoints & MetricsEndpoints> = {}, host = '127.0.0.1') {
  const endpoints = {
    live: () => undefined,
    ready: () => undefined,
    exposition: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'up 1\n' }),
    ...changes,
  };
  const server = await listenOn(
    { host, port: 0 },
    { ...healthRoutes(endpoints), ...metricsRoutes(endpoints) },
  );
  running.push(server);
  return { server, base: `http://${server.address}` };
}

describe('the telemetry server', () => {
  test('metrics come with the content type that Prometheus asks for and are never cached', async () => {
    const { base } = await serve();
    const response = await fetch(`${base}/metrics?x=1`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toBe('up 1\n');
  });

  test('health responds ok, or 503 and why not; live and ready are evaluated separately for each request', async () => {
    let reason: string | undefined = 'pods are not synced yet';
    const { base } = await serve({ ready: () => reason });
    const ready = await fetch(`${base}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, 'pods are not synced yet\n']);
    const live = await fetch(`${base}/healthz`);
    expect([live.status, await live.text()]).toEqual([200, 'ok\n']);
    reason = undefined;
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
  });

  test('HEAD gives the headers without a body', async () => {
    const { base } = await serve();
    const response = await fetch(`${base}/healthz`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([
      200,
      '3',
      '',
    ]);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])(
    '%s is refused, and the answer says what is allowed',
    async (method) => {
      const { base } = await serve();
      const response = await fetch(`${base}/metrics`, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    },
  );

  test('an unknown path is answered with the known ones', async () => {
    const { base } = await serve();
    const response = await fetch(`${base}/debug/pprof`);
    expect(response.status).toBe(404);
    expect(await response.text()).toMatch('/healthz, /readyz, /metrics');
  });

  test.each([
    [
      'metrics that cannot be gathered',
      '/metrics',
      { exposition: () => Promise.reject(new Error('collector broke')) },
    ],
    [
      'a health callback that throws',
      '/healthz',
      {
        live: () => {
          throw new Error('collector broke');
        },
      },
    ],
  ])('%s give 500 and the server goes on', async (_, path, changes) => {
    const { base } = await serve(changes);
    const response = await fetch(`${base}${path}`);
    expect([response.status, await response.text()]).toEqual([500, 'collector broke\n']);
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
  });

  test('garbage and silent clients are disconnected without harm to others', async () => {
    const { server, base } = await serve();
    const port = Number(server.address.split(':').at(-1));
    const silent = connect(port, '127.0.0.1');
    const garbage = connect(port, '127.0.0.1');
    garbage.on('error', () => undefined).write('\x16\x03\x01 not http\r\n\r\n');
    garbage.resume();
    await once(garbage, 'close');
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    silent.on('error', () => undefined).resume();
    await once(silent, 'close');
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  }, 20_000);

  test('closing waits for a running response, refuses new connections, and closes idle ones', async () => {
    let finish = (_: { contentType: string; body: string }): void => undefined;
    let asked = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { server, base } = await serve({
      exposition: () => {
        asked();
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    });
    const idle = connect(Number(server.address.split(':').at(-1)), '127.0.0.1');
    idle.on('error', () => undefined).write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(idle, 'data');
    const underWay = fetch(`${base}/metrics`);
    await isAsked;
    const closed = server.close(60_000);
    await once(idle.resume(), 'close');
    await expect(fetch(`${base}/healthz`)).rejects.toThrow();
    finish({ contentType: 'text/plain', body: 'late 1\n' });
    expect(await (await underWay).text()).toBe('late 1\n');
    await closed;
  }, 20_000);

  test('closing aborts a response that does not end in time', async () => {
    let asked = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { server, base } = await serve({
      exposition: () => {
        asked();
        return new Promise(() => undefined);
      },
    });
    const failed = expect(fetch(`${base}/metrics`)).rejects.toThrow();
    await isAsked;
    await server.close(10);
    await failed;
  });

  test('a taken port is a rejection, not an uncaught error', async () => {
    const { server } = await serve();
    const port = Number(server.address.split(':').at(-1));
    await expect(listenOn({ host: '127.0.0.1', port }, {})).rejects.toThrow('EADDRINUSE');
  });
});

describe('metrics', () => {
  test('are served as OpenMetrics on request', async () => {
    const { base } = await serve({
      exposition: async (openMetrics) => ({ contentType: 'text/plain', body: String(openMetrics) }),
    });
    const ask = async (accept: string) => (await fetch(`${base}/metrics`, { headers: { accept } })).text();
    expect(await ask('text/plain;version=0.0.4')).toBe('false');
    expect(await ask('application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4')).toBe(
      'true',
    );
  });

  test('are rendered once for concurrent requests, and again later', async () => {
    let made = 0;
    let asked = 0;
    let release = (): void => undefined;
    const allHaveAsked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { base } = await serve({
      admit: async () => {
        asked += 1;
        if (asked === 20) {
          release();
        }
        return 'allowed';
      },
      exposition: async () => {
        made += 1;
        await allHaveAsked;
        return { contentType: 'text/plain', body: `${made}` };
      },
    });
    const ask = async () => (await fetch(`${base}/metrics`)).text();
    expect(new Set(await Promise.all(Array.from({ length: 20 }, ask)))).toEqual(new Set(['1']));
    while ((await ask()) === '1') {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(made).toBe(2);
  }, 60_000);

  test.each([
    ['allowed', 200],
    ['unauthenticated', 401],
    ['forbidden', 403],
    ['unknown', 503],
  ] as const)('are given to whom is %s: %i', async (admission, status) => {
    const asked: string[] = [];
    const { base } = await serve({
      admit: async (authorization) => {
        asked.push(authorization);
        return admission;
      },
    });
    const response = await fetch(`${base}/metrics`, { headers: { authorization: 'Bearer x' } });
    expect(response.status).toBe(status);
    expect((await response.text()).includes('up 1')).toBe(admission === 'allowed');
    expect(asked).toEqual(['Bearer x']);
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  });
});

describe('a client that holds many connections', () => {
  /** Connections from one loopback address; each is idle after one answer, or has not asked yet. */
  function hold(port: number, count: number, from: string, words: string): Socket[] {
    return Array.from({ length: count }, () => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: from });
      socket.on('error', () => undefined).resume();
      socket.write(words);
      return socket;
    });
  }
  const ask = (port: number, from: string): Promise<number> =>
    new Promise((resolve) => {
      const outgoing = request({
        port,
        host: '127.0.0.1',
        path: '/healthz',
        localAddress: from,
        agent: false,
      });
      outgoing.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      outgoing.on('error', () => resolve(0));
      outgoing.end();
    });
  const question = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';

  test.each([
    ['that are idle', question],
    ['on which half a head came', 'GET /healthz HTTP/1.1\r\nX-A: '],
    ['on which nothing came', ''],
  ])(
    'shuts nobody out by connections %s',
    async (_, words) => {
      const { server } = await serve();
      const port = Number(server.address.split(':').at(-1));
      const held = hold(port, 300, '127.0.0.2', words);
      const answers: number[] = [];
      for (let asked = 0; asked < 50; asked++) {
        answers.push(await ask(port, '127.0.0.3'));
        held.push(...hold(port, 5, '127.0.0.2', words));
      }
      expect(new Set(answers)).toEqual(new Set([200]));
      expect(await ask(port, '127.0.0.2')).toBe(200);
      for (const socket of held) {
        socket.destroy();
      }
    },
    30_000,
  );

  test.each([
    ['on which nothing came', ''],
    ['on which half a head came', 'GET /healthz HTTP/1.1\r\nX-A: '],
  ])(
    'takes no connection from a client behind the same address that uses it, by connections %s',
    async (_, words) => {
      const { server } = await serve();
      const port = Number(server.address.split(':').at(-1));
      const [used] = hold(port, 1, '127.0.0.2', question);
      await once(used as Socket, 'data');
      const held = hold(port, 300, '127.0.0.2', words);
      let closed = 0;
      for (const socket of held) {
        socket.once('close', () => {
          closed += 1;
        });
      }
      while (closed < 230) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      (used as Socket).write(question);
      await once(used as Socket, 'data');
      for (const socket of [...held, used as Socket]) {
        socket.destroy();
      }
    },
    30_000,
  );

  test('loses its own idle connections first, and not that of another', async () => {
    const { server } = await serve();
    const port = Number(server.address.split(':').at(-1));
    const [other] = hold(port, 1, '127.0.0.3', question);
    await once(other as Socket, 'data');
    const held = hold(port, 100, '127.0.0.2', question);
    await Promise.race(held.map((socket) => once(socket, 'close')));
    (other as Socket).write(question);
    await once(other as Socket, 'data');
    for (const socket of [...held, other as Socket]) {
      socket.destroy();
    }
  });
});

describe('parseListenAddress', () => {
  test.each([
    [':8080', { port: 8080 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['localhost:9090', { host: 'localhost', port: 9090 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['8080', undefined],
    [':65536', undefined],
    [':', undefined],
    ['::1:8080', undefined],
    ['host:80:80', undefined],
    ['', undefined],
  ])('%j is read as %j', (text, expected) => {
    expect(parseListenAddress(text)).toEqual(expected);
  });
});
