/** What may go wrong between the operator and a Prometheus: all of it is no evidence. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { prometheus } from './prometheus.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ask = async (listener: RequestListener, signal = new AbortController().signal) =>
  await prometheus({ url: await serve(listener) }).query('up', signal);
const says = (body: unknown, status = 200) =>
  ask((request, response) => {
    request.resume();
    response.statusCode = status;
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
const failed = (message: unknown) => ({ kind: 'failed', message });

test.each([
  ['a page of something else', '<html>login</html>', 'the response is not from Prometheus (HTTP status 200)'],
  ['an answer of another kind', [1, 2], 'the response is not from Prometheus (HTTP status 200)'],
  ['an answer without data', { status: 'success' }, 'the response has no data'],
  ['a word instead of data', { status: 'success', data: 'x' }, 'the response has no data'],
])('%s', async (_what, body, message) => {
  expect(await says(body)).toEqual(failed(message));
});

test('an error message of Prometheus', async () => {
  const body = { status: 'error', errorType: 'timeout', error: 'query timed out' };
  expect(await says(body, 503)).toEqual(failed('timeout: query timed out'));
});

test('an error message that repeats a hostile query is one short line of printable text', async () => {
  const query = '\u001b[31mred\u202e\u0000\nFAKE LINE\u2028up\u001b]0;title\u0007'.repeat(50);
  const answer = await says({ status: 'error', errorType: 'bad_data', error: query }, 400);
  const { message } = answer as { message: string };
  expect(message).toMatch(/^bad_data: red FAKE LINE up/);
  expect(message).not.toMatch(/[\p{Cc}\p{Zl}\p{Bidi_Control}]/u);
  expect(message.length).toBeLessThanOrEqual(500);
});

test.each<[string, RequestListener]>([
  ['no response', (request) => request.resume()],
  [
    'a response that never ends',
    (request, response) => {
      request.resume();
      response.write(' ');
    },
  ],
])('%s within the time limit', async (_what, listener) => {
  const client = prometheus({ url: await serve(listener) }, 50);
  expect(await client.query('up', new AbortController().signal)).toEqual(failed('no response within 0.05 s'));
});

test('results that are not values', async () => {
  const result = [{ value: [0, 'x'] }, { value: [0] }, {}, null, { value: [0, '0.5'] }];
  expect(await says({ status: 'success', data: { resultType: 'vector', result } })).toEqual({
    kind: 'values',
    values: [Number.NaN, Number.NaN, Number.NaN, Number.NaN, 0.5],
  });
});

test('too many series', async () => {
  const result = Array(1001).fill({ value: [0, '1'] });
  expect(await says({ status: 'success', data: { resultType: 'vector', result } })).toEqual(
    failed('the query returns 1001 series, more than 1000: aggregate them'),
  );
});

test('an endless response is aborted', async () => {
  let isClosed = false;
  const answer = await ask((request, response) => {
    request.resume();
    response.on('close', () => {
      isClosed = true;
    });
    const more = (): void => {
      while (!isClosed && response.write('x'.repeat(65_536))) {
        // Until the socket takes no more for now.
      }
    };
    response.on('drain', more);
    more();
  });
  expect(answer).toEqual(failed('the response is longer than 1048576 bytes'));
});

test('a redirect is not followed', async () => {
  let requests = 0;
  const other = await serve((_, response) => {
    requests++;
    response.end();
  });
  const answer = await ask((request, response) => {
    request.resume();
    response.writeHead(302, { location: other }).end();
  });
  expect(answer).toEqual(failed('the response is not from Prometheus (HTTP status 302)'));
  expect(requests).toBe(0);
});

test('a server that does not exist, one that closes the connection, and an operator that is stopped', async () => {
  const url = await serve(() => {});
  await new Promise((done) => servers.splice(0)[0]?.close(done));
  expect(await prometheus({ url }).query('up', new AbortController().signal)).toEqual(
    failed(expect.stringContaining('ECONNREFUSED')),
  );
  expect(await ask((request) => request.socket.destroy())).toMatchObject({ kind: 'failed' });
  expect(await ask(() => {}, AbortSignal.abort())).toMatchObject({ kind: 'failed' });
});

test('the token is read again for each query, and a missing file is no evidence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postcheck-token-'));
  const tokenFile = join(folder, 'token');
  const seen: unknown[] = [];
  const url = await serve((request, response) => {
    seen.push(request.headers.authorization);
    request.resume();
    response.end('{}');
  });
  const client = prometheus({ url, tokenFile });
  const query = () => client.query('up', new AbortController().signal);
  expect(await query()).toEqual(failed(expect.stringContaining('ENOENT')));
  for (const token of ['first', 'second']) {
    writeFileSync(tokenFile, `${token}\n`);
    await query();
  }
  expect(seen).toEqual(['Bearer first', 'Bearer second']);
  rmSync(folder, { recursive: true });
});
