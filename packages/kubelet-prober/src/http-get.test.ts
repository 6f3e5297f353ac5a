import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  closedPort,
  closeServers,
  droppedPort,
  onClose,
  serveHttp,
  serveHttp2,
  serveHttps,
  serveRaw,
  serveTcp,
  untilZero,
} from './fixtures/servers.ts';
import { probeHttpGet } from './http-get.ts';
import type { HttpGetAction } from './spec.ts';

afterEach(closeServers);

const pod = { podIp: '127.0.0.1' };
const probe = (port: number, action: Partial<HttpGetAction> = {}, timeoutMs = 5000) =>
  probeHttpGet({ port, ...action }, pod, { timeoutMs });

/** Answers with the request's head, one header a line. */
const echo = () =>
  serveHttp((request, response) => {
    const { rawHeaders } = request;
    const lines = rawHeaders.flatMap((name, index) =>
      index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : [],
    );
    response.end([request.url, ...lines].join('\n'));
  });

describe('the answer of an HTTP server', () => {
  test('200 is success, and the body is the output', async () => {
    const { port } = await serveHttp((_, response) => response.end('ok body'));
    expect(await probe(port)).toEqual({ result: 'success', output: 'ok body', reached: true });
  });

  test.each([200, 204, 206, 299])('%i is success', async (status) => {
    const { port } = await serveHttp((_, response) => response.writeHead(status).end());
    expect((await probe(port)).result).toBe('success');
  });

  test.each([300, 302, 304, 307, 399])('%i without a Location is a warning', async (status) => {
    const { port } = await serveHttp((_, response) => response.writeHead(status).end());
    expect(await probe(port)).toMatchObject({ result: 'warning', reached: true });
  });

  test.each([400, 401, 404, 500, 503, 599])(
    '%i is failure, and its body stays out of the output',
    async (status) => {
      const { port } = await serveHttp((_, response) => response.writeHead(status).end('secret'));
      expect(await probe(port)).toEqual({
        result: 'failure',
        output: `HTTP probe failed with statuscode: ${status}`,
        reached: true,
      });
    },
  );

  test('101 is failure', async () => {
    const { port } = await serveRaw(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    );
    expect(await probe(port)).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('101'),
      reached: true,
    });
  });

  test('early hints before the answer do not count', async () => {
    const { port } = await serveRaw(
      'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    );
    expect(await probe(port)).toMatchObject({ result: 'success', output: 'ok' });
  });

  test('of a long body the first 10 KiB are kept, and the rest is not waited for', async () => {
    const { port } = await serveHttp((_, response) => response.write('x'.repeat(20_000)));
    expect(await probe(port)).toEqual({ result: 'success', output: 'x'.repeat(10_240), reached: true });
  });

  test('a script that writes bare line feeds and no length is understood', async () => {
    const { port } = await serveRaw('HTTP/1.0 200 OK\n\nfrom a shell script');
    expect(await probe(port)).toMatchObject({ result: 'success', output: 'from a shell script' });
  });

  test.each([
    ['closes at once', ''],
    ['does not speak HTTP', 'hello there\r\n'],
    ['breaks off in the head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['gives a status that is none', 'HTTP/1.1 -1 Oops\r\n\r\n'],
  ])('a server that %s fails, with evidence', async (_, text) => {
    const { port } = await serveRaw(text);
    expect(await probe(port)).toMatchObject({
      result: 'failure',
      output: expect.stringMatching(/^Get "/),
      reached: true,
    });
  });

  test('a Location of 8,000 bytes is followed', async () => {
    const location = '/x'.repeat(4000);
    const { port } = await serveHttp((request, response) =>
      request.url === '/'
        ? response.writeHead(302, { location }).end()
        : response.end(`${request.url?.length}`),
    );
    expect(await probe(port)).toMatchObject({ result: 'success', output: '8000' });
  });

  test.each([serveHttp, serveHttps, serveHttp2])(
    'a longer Location is a failure, and not followed',
    async (serve) => {
      let requests = 0;
      const { port } = await serve((_, response) => {
        requests++;
        response.writeHead(302, { location: `/${'a'.repeat(4000)}${'/..'.repeat(8000)}` }).end();
      });
      expect(await probe(port, { scheme: serve === serveHttp ? 'HTTP' : 'HTTPS' })).toEqual({
        result: 'failure',
        output: expect.stringContaining('the Location header is longer than 8192 bytes'),
        reached: true,
      });
      expect(requests).toBe(1);
    },
  );

  test.each([serveHttp, serveHttps, serveHttp2])('a head above 64 KiB is a failure', async (serve) => {
    const { port } = await serve((_, response) => {
      for (let line = 0; line < 10; line++) {
        response.setHeader(`x-${line}`, 'y'.repeat(7000));
      }
      response.end();
    });
    expect(await probe(port, { scheme: serve === serveHttp ? 'HTTP' : 'HTTPS' })).toMatchObject({
      result: 'failure',
      reached: true,
    });
  });

  test('a head without end is cut off', async () => {
    const { port } = await serveTcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const line = `X: ${'y'.repeat(60_000)}\r\n`;
      const timer = setInterval(() => socket.writable && socket.write(line), 0);
      socket.on('close', () => clearInterval(timer));
    });
    expect(await probe(port)).toMatchObject({ result: 'failure', reached: true });
  });

  test('a body that breaks off is an error: kubelet tries again', async () => {
    const { port } = await serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
    expect(await probe(port)).toEqual({
      result: 'failure',
      output: '',
      error: expect.any(String),
      reached: true,
    });
  });

  test('a server that sleeps past the limit fails, with evidence', async () => {
    const { port } = await serveHttp(() => {});
    expect(await probe(port, {}, 200)).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('timed out'),
      reached: true,
    });
  });

  test('a body that stops past the limit is an error', async () => {
    const { port } = await serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', { end: false });
    expect(await probe(port, {}, 200)).toMatchObject({
      result: 'failure',
      error: expect.stringContaining('timed out'),
      reached: true,
    });
  });
});

describe('the connection', () => {
  test('refused is failure without evidence', async () => {
    expect(await probe(await closedPort())).toMatchObject({
      result: 'failure',
      output: expect.stringMatching(/: connect to 127\.0\.0\.1:\d+: connection refused$/),
      reached: false,
    });
  });

  test('an address that drops everything is failure without evidence', async () => {
    expect(await probe(await droppedPort(), {}, 300)).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('timed out'),
      reached: false,
    });
  });

  test('a name that does not resolve is failure without evidence', async () => {
    expect(await probe(80, { host: 'no-such-host.invalid' })).toMatchObject({
      result: 'failure',
      reached: false,
    });
  });

  test('a port that cannot be found is unknown, with an error', async () => {
    expect(await probeHttpGet({ port: 'web' }, pod, { timeoutMs: 1000 })).toMatchObject({
      result: 'unknown',
      error: expect.stringContaining('"web"'),
    });
  });

  test('an unknown scheme is failure without evidence', async () => {
    expect(await probe(await closedPort(), { scheme: 'GOPHER' })).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('gopher'),
    });
  });

  test('a proxy in the environment is not used', async () => {
    const { port, openSockets } = await serveHttp((_, response) => response.end('from the proxy'));
    const before = { ...process.env };
    const proxy = `http://127.0.0.1:${port}`;
    Object.assign(process.env, {
      HTTP_PROXY: proxy,
      http_proxy: proxy,
      HTTPS_PROXY: proxy,
      NO_PROXY: '',
      no_proxy: '',
      NODE_USE_ENV_PROXY: '1',
    });
    try {
      expect(await probe(await closedPort())).toMatchObject({ result: 'failure', reached: false });
      expect(openSockets()).toBe(0);
    } finally {
      for (const name of Object.keys(process.env).filter((each) => !(each in before))) {
        delete process.env[name];
      }
      Object.assign(process.env, before);
    }
  });

  test('is not kept alive, even if the server would', async () => {
    const { port, openSockets } = await serveHttp((_, response) =>
      response.writeHead(200, { Connection: 'keep-alive' }).end('ok'),
    );
    await probe(port);
    expect(await untilZero(openSockets)).toBe(0);
  });
});

describe('the head of a request', () => {
  test.each<[string, Partial<HttpGetAction>, string[]]>([
    [
      'says who asks, takes everything, and ends the connection',
      {},
      ['/', 'Host: 127.0.0.1:PORT', 'User-Agent: kube-probe/1.36', 'Accept: */*', 'Connection: close'],
    ],
    [
      'has the headers of the user, also empty ones, repeated ones in order',
      {
        path: '/x?y',
        httpHeaders: [
          { name: 'x-muffins', value: 'one' },
          { name: 'accept-encoding', value: '' },
          { name: 'X-Muffins', value: 'two' },
          { name: 'Accept', value: 'foo/*' },
        ],
      },
      [
        '/x?y',
        'Host: 127.0.0.1:PORT',
        'User-Agent: kube-probe/1.36',
        'Accept: foo/*',
        'Accept-Encoding: ',
        'X-Muffins: one',
        'X-Muffins: two',
        'Connection: close',
      ],
    ],
    [
      'has the Host that the user gives, and no User-Agent when that is empty',
      {
        httpHeaders: [
          { name: 'host', value: 'muffins.cupcakes.org' },
          { name: 'User-Agent', value: '' },
          { name: 'Accept', value: '' },
        ],
      },
      ['/', 'Host: muffins.cupcakes.org', 'Connection: close'],
    ],
  ])('%s', async (_, action, lines) => {
    const { port } = await echo();
    expect((await probe(port, action)).output.split('\n')).toEqual(
      lines.map((line) => line.replace('PORT', String(port))),
    );
  });

  test('contains "Connection: close" once, also when the user sets it', async () => {
    const { port } = await echo();
    const { output } = await probe(port, { httpHeaders: [{ name: 'connection', value: 'Close' }] });
    expect(output.split('\n').filter((line) => /^connection:/i.test(line))).toEqual(['Connection: Close']);
  });

  test('letters beyond ASCII arrive as UTF-8', async () => {
    const { port } = await echo();
    const { output } = await probe(port, { httpHeaders: [{ name: 'X', value: 'café' }] });
    expect(
      Buffer.from(output.split('\n').find((line) => line.startsWith('X: ')) ?? '', 'latin1').toString(),
    ).toBe('X: café');
  });

  test('a header that cannot be sent is a failure, and nothing is sent', async () => {
    const { port, openSockets } = await echo();
    expect(await probe(port, { httpHeaders: [{ name: 'X', value: 'a\nb' }] })).toMatchObject({
      result: 'failure',
      reached: false,
    });
    expect(openSockets()).toBe(0);
  });

  test('user and password in a path that is a URL become basic authentication', async () => {
    const { port } = await echo();
    expect((await probe(port, { path: '//user:p%40ss@ignored/x' })).output).toContain(
      `Authorization: Basic ${btoa('user:p@ss')}`,
    );
  });
});

describe('over TLS', () => {
  test('a self-signed certificate for another name is accepted', async () => {
    const { port } = await serveHttps((_, response) => response.end('secure'));
    expect(await probe(port, { scheme: 'HTTPS' })).toEqual({
      result: 'success',
      output: 'secure',
      reached: true,
    });
  });

  test('a server that speaks HTTP/2 only is understood, with the same headers', async () => {
    const { port } = await serveHttp2((request, response) => {
      const { headers } = request;
      response.setHeader('content-type', 'text/plain');
      response.end(
        [
          request.httpVersion,
          request.url,
          headers[':authority'],
          headers['user-agent'],
          headers['x-a'],
          headers.connection,
        ].join('|'),
      );
    });
    const httpHeaders = [
      { name: 'X-A', value: '1' },
      { name: 'X-a', value: '2' },
      { name: 'Connection', value: 'close' },
    ];
    const { result, output } = await probe(port, { scheme: 'HTTPS', path: '/p?q', httpHeaders });
    expect([result, output]).toEqual(['success', `2.0|/p?q|127.0.0.1:${port}|kube-probe/1.36|1, 2|`]);
  });

  test('HTTP/2: a bad status is failure, silence a time-out, an endless body is cut', async () => {
    const { port, openSockets } = await serveHttp2((request, response) => {
      if (request.url === '/bad') {
        response.writeHead(503);
        response.end('no');
      } else if (request.url === '/long') {
        response.write('x'.repeat(50_000));
      }
    });
    const action = { scheme: 'HTTPS' };
    expect(await probe(port, { ...action, path: '/bad' })).toMatchObject({
      result: 'failure',
      output: 'HTTP probe failed with statuscode: 503',
    });
    expect(await probe(port, { ...action, path: '/silent' }, 300)).toMatchObject({
      result: 'failure',
      reached: true,
    });
    expect((await probe(port, { ...action, path: '/long' })).output).toBe('x'.repeat(10_240));
    expect(await untilZero(openSockets)).toBe(0);
  });

  test.each([
    ['a server without TLS', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['a server that closes in the handshake', ''],
  ])('%s fails, with evidence', async (_, text) => {
    const { port, openSockets } = await serveRaw(text);
    expect(await probe(port, { scheme: 'HTTPS' })).toMatchObject({
      result: 'failure',
      // Without the numbers and source files that OpenSSL puts around it.
      output: expect.stringMatching(/: TLS handshake: [a-z ]+$/),
      reached: true,
    });
    expect(await untilZero(openSockets)).toBe(0);
  });

  test('a handshake that never ends is a failure with evidence, and leaves no connection', async () => {
    const { port, openSockets } = await serveTcp();
    expect(await probe(port, { scheme: 'HTTPS' }, 200)).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('TLS handshake: timed out'),
      reached: true,
    });
    expect(await untilZero(openSockets)).toBe(0);
  });

  test('plain HTTP to a TLS port fails, with evidence', async () => {
    const { port } = await serveHttps((_, response) => response.end());
    expect(await probe(port)).toMatchObject({ result: 'failure', reached: true });
  });
});

describe('redirects', () => {
  const site = (status: number) =>
    serveHttp((request, response) => {
      const { port } = request.socket.address() as { port: number };
      const pages: Record<string, [number, string?]> = {
        '/to-new': [status, '/new'],
        '/new': [200],
        '/to-bad': [status, '/bad'],
        '/bad': [500],
        '/loop': [status, '/loop'],
        '/elsewhere': [status, `http://0.0.0.0:${port}/bad`],
        '/same-host': [status, `http://127.0.0.1:${port}/new`],
        '/unreadable': [status, 'http://a b/'],
        '/other-scheme': [status, 'ftp://127.0.0.1/x'],
        '/no-host': [status, 'mailto:x'],
      };
      const [code, location] = pages[request.url ?? ''] ?? [404];
      response
        .writeHead(code, location === undefined ? {} : { Location: location })
        .end(`page ${request.url}`);
    });

  test.each([301, 302, 303, 307, 308])(
    '%i to a page that is fine is success, to a bad one failure',
    async (status) => {
      const { port } = await site(status);
      expect(await probe(port, { path: '/to-new' })).toMatchObject({
        result: 'success',
        output: 'page /new',
      });
      expect(await probe(port, { path: '/to-bad' })).toMatchObject({
        result: 'failure',
        output: 'HTTP probe failed with statuscode: 500',
      });
      expect(await probe(port, { path: '/same-host' })).toMatchObject({ result: 'success' });
    },
  );

  test('to another host is not followed: a warning with the body of the page that wanted it', async () => {
    const { port } = await site(302);
    expect(await probe(port, { path: '/elsewhere' })).toEqual({
      result: 'warning',
      output: 'Probe terminated redirects, Response body: page /elsewhere',
      reached: true,
    });
    expect(await probe(port, { path: '/no-host' })).toMatchObject({ result: 'warning' });
  });

  test.each([
    ['a loop', '/loop', /stopped after 10 redirects/],
    ['a Location that cannot be read', '/unreadable', /failed to parse Location/],
    ['a scheme that is not HTTP', '/other-scheme', /unsupported protocol scheme ftp/],
  ])('%s is failure, with evidence', async (_, path, output) => {
    const { port } = await site(302);
    expect(await probe(port, { path })).toMatchObject({
      result: 'failure',
      output: expect.stringMatching(output),
      reached: true,
    });
  });

  test('at most ten requests are made', async () => {
    let requests = 0;
    const { port } = await serveHttp((_, response) => {
      requests++;
      response.writeHead(302, { Location: `/${requests}` }).end();
    });
    await probe(port);
    expect(requests).toBe(10);
  });

  test('the ninth redirect may still succeed', async () => {
    const { port } = await serveHttp((request, response) => {
      const page = Number(request.url?.slice(1) || 0);
      response.writeHead(page < 9 ? 302 : 200, { Location: `/${page + 1}` }).end(`page ${page}`);
    });
    expect(await probe(port)).toMatchObject({ result: 'success', output: 'page 9' });
  });

  test('to another port of the same host is followed, without the Host header of the user', async () => {
    const other = await echo();
    const { port } = await serveHttp((_, response) =>
      response.writeHead(302, { Location: `http://127.0.0.1:${other.port}/there` }).end(),
    );
    const { output } = await probe(port, { httpHeaders: [{ name: 'Host', value: 'muffins.cupcakes.org' }] });
    expect(output.split('\n').slice(0, 2)).toEqual(['/there', `Host: 127.0.0.1:${other.port}`]);
    expect(output).toContain(`Referer: http://127.0.0.1:${port}`);
  });

  test('to a path keeps the Host header of the user', async () => {
    const { port } = await serveHttp((request, response) =>
      request.url === '/'
        ? response.writeHead(302, { Location: '/there' }).end()
        : response.end(request.headers.host),
    );
    const { output } = await probe(port, { httpHeaders: [{ name: 'Host', value: 'muffins.cupcakes.org' }] });
    expect(output).toBe('muffins.cupcakes.org');
  });

  test('from HTTP to HTTPS of the same host is followed', async () => {
    const secure = await serveHttps((_, response) => response.end('secure'));
    const { port } = await serveHttp((_, response) =>
      response.writeHead(308, { Location: `https://127.0.0.1:${secure.port}/` }).end(),
    );
    expect(await probe(port)).toMatchObject({ result: 'success', output: 'secure' });
  });

  test('to a port that refuses is a failure with evidence: the application was reached and sent us there', async () => {
    const closed = await closedPort();
    const { port } = await serveHttp((_, response) =>
      response.writeHead(302, { Location: `http://127.0.0.1:${closed}/` }).end(),
    );
    expect(await probe(port)).toMatchObject({
      result: 'failure',
      output: expect.stringMatching(/: connect to 127\.0\.0\.1:\d+: connection refused$/),
      reached: true,
    });
  });

  test('the limit covers the whole chain', async () => {
    const { port } = await serveHttp((request, response) => {
      setTimeout(() => response.writeHead(302, { Location: `${request.url}x` }).end(), 150);
    });
    expect(await probe(port, {}, 400)).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('timed out'),
    });
  });
});

test('the brackets of an IPv6 address are set', async () => {
  const server = createServer((request, response) => response.end(request.headers.host));
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  onClose(async () => server.close());
  const { port } = server.address() as { port: number };
  expect(await probeHttpGet({ port }, { podIp: '::1' }, { timeoutMs: 2000 })).toMatchObject({
    result: 'success',
    output: `[::1]:${port}`,
  });
});

test('an abort ends the probe without a verdict', async () => {
  const { port, openSockets } = await serveHttp(() => {});
  const controller = new AbortController();
  const running = probeHttpGet({ port }, pod, { timeoutMs: 60_000, signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  expect(await running).toEqual({ result: 'unknown', output: '', error: 'aborted', reached: false });
  expect(await untilZero(openSockets)).toBe(0);
});
