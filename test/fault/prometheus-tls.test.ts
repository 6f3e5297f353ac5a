/** A Prometheus behind TLS with an authority of its own: whoever cannot show its certificate is no evidence, and gets no token. */
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { prometheus } from '../../src/checks/prometheus.ts';
import { addAnswer } from '../../src/core/rollout/rollout-checks.ts';
import { makeAuthority, makeLeaf } from '../../src/kube/webhook/certificate.ts';

const DAY_MS = 24 * 3_600_000;
const now = Date.now();
const VALID = { from: now - DAY_MS, until: now + DAY_MS };
const folder = mkdtempSync(join(tmpdir(), 'postcheck-prometheus-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

const authority = makeAuthority(VALID);
const signer = { name: authority.name, key: createPrivateKey(authority.key) };
const other = makeAuthority(VALID);
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
const CA = file('ca.crt', authority.cert);
const TOKEN = file('token', 'secret\n');

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Served {
  readonly url: string;
  /** What came with each request that was read. */
  readonly tokens: (string | undefined)[];
}

/** Answers 0.5 to whatever is asked. */
async function serve(names = ['127.0.0.1'], validity = VALID): Promise<Served> {
  const { cert, key } = makeLeaf(signer, names, validity);
  const tokens: (string | undefined)[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    tokens.push(request.headers.authorization);
    request.resume();
    const result = [{ metric: {}, value: [0, '0.5'] }];
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, tokens };
}

const ask = (url: string, caFile?: string) =>
  prometheus({ url, caFile, tokenFile: TOKEN }).query('up', new AbortController().signal);

test('one whose authority is named is asked, with the token', async () => {
  const { url, tokens } = await serve();
  expect(await ask(url, CA)).toEqual({ kind: 'values', values: [0.5] });
  expect(tokens).toEqual(['Bearer secret']);
});

test.each([
  ['another authority', () => serve(), file('other.crt', other.cert), /certificate/],
  ['an authority that nobody named', () => serve(), undefined, /certificate/],
  ['a certificate for another host', () => serve(['prometheus.monitoring.svc']), CA, /altnames/],
  [
    'a certificate that has ended',
    () => serve(['127.0.0.1'], { from: now - 2 * DAY_MS, until: now - DAY_MS }),
    CA,
    /expired/,
  ],
  ['a file of authorities that is missing', () => serve(), join(folder, 'nothing'), /ENOENT/],
  ['a file of authorities that holds none', () => serve(), file('empty.crt', ''), /certificate/],
] as const)('%s is no evidence, whatever it would say, and gets no token', async (_what, start, ca, why) => {
  const { url, tokens } = await start();
  const answer = await ask(url, ca);
  expect(answer).toEqual({ kind: 'failed', message: expect.stringMatching(why) });
  expect(tokens).toEqual([]);
  const check = { name: 'errors', query: 'up', passWhen: '< 0.05' };
  const planned = { id: 'x', check, expression: 'up' };
  const seen = [1, 2, 3].reduce(
    (known, at) => addAnswer(known, planned, at, answer),
    addAnswer(undefined, planned, 0, answer),
  );
  expect(seen).toMatchObject({ class: 'Error', failures: 0 });
});

test('one that is asked in plain text and speaks TLS is no evidence', async () => {
  const { url, tokens } = await serve();
  expect(await ask(url.replace('https:', 'http:'), CA)).toMatchObject({ kind: 'failed' });
  expect(tokens).toEqual([]);
});

test('authorities are read anew for each query, as they are rotated', async () => {
  const { url } = await serve();
  const rotated = file('rotated.crt', other.cert);
  expect(await ask(url, rotated)).toMatchObject({ kind: 'failed' });
  writeFileSync(rotated, `${other.cert}${authority.cert}`);
  expect(await ask(url, rotated)).toEqual({ kind: 'values', values: [0.5] });
});
