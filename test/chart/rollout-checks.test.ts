/** PromQL checks against a real Prometheus that scrapes a real program. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { prometheus as client } from '../../src/checks/prometheus.ts';
import type { QueryAnswer } from '../../src/engine/ports.ts';
import { Prometheus } from '../support/prometheus.ts';

const PAGE = `errors{pod="web-1.a"} 0.25
errors{pod="web-2"} 0
`;

let application: Server;
let prometheus: Prometheus;

beforeAll(async () => {
  application = createServer((_, response) => response.setHeader('content-type', 'text/plain').end(PAGE));
  await new Promise<void>((done) => application.listen(0, '127.0.0.1', done));
  const { port } = application.address() as AddressInfo;
  prometheus = await Prometheus.start({ static_configs: [{ targets: [`127.0.0.1:${port}`] }] });
}, 120_000);
afterAll(async () => {
  await prometheus?.stop();
  application.closeAllConnections();
  application.close();
});

const ask = (expression: string): Promise<QueryAnswer> =>
  client({ url: `${prometheus.url}/` }).query(expression, new AbortController().signal);

/** Asks until it has scraped. */
async function values(expression: string): Promise<readonly number[]> {
  for (const began = performance.now(); performance.now() - began < 60_000; ) {
    const answer = await ask(expression);
    if (answer.kind === 'values' && answer.values.length > 0) {
      return answer.values;
    }
    await new Promise((done) => setTimeout(done, 200));
  }
  return [];
}

test('says what an expression is now: of many series, of one, of none, and of a number alone', async () => {
  expect([...(await values('last_over_time(errors[5m])'))].sort()).toEqual([0, 0.25]);
  expect(await ask('sum(last_over_time(errors[5m]))')).toEqual({ kind: 'values', values: [0.25] });
  expect(await ask('scalar(sum(last_over_time(errors[5m])))')).toEqual({ kind: 'values', values: [0.25] });
  expect(await ask('errors{pod="gone"}')).toEqual({ kind: 'values', values: [] });
  expect(await ask('1 / 0')).toEqual({ kind: 'values', values: [Number.POSITIVE_INFINITY] });
  expect(await ask('0 / 0')).toEqual({ kind: 'values', values: [Number.NaN] });
}, 90_000);

test('takes names of pods as a pattern that needs no backslash', async () => {
  expect(await ask('last_over_time(errors{pod=~"web-1[.]a|web-9"}[5m])')).toEqual({
    kind: 'values',
    values: [0.25],
  });
  expect(await ask("errors{pod=~'_'}")).toEqual({ kind: 'values', values: [] });
});

test('no query of this moment, or none at all, is no evidence, in its own words', async () => {
  expect(await ask('errors{pod=~"("}')).toEqual({
    kind: 'failed',
    message: expect.stringMatching(/^bad_data: /),
  });
  expect(await ask('errors[5m]')).toMatchObject({
    kind: 'failed',
    message: 'the query returns a matrix: it must return an instant vector or a scalar',
  });
});
