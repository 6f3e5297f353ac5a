/** What a real OpenTelemetry collector receives of attempts on a real API server, across the death of the operator's process. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Log } from '../../src/engine/telemetry-ports.ts';
import { startTracing, type Tracing } from '../../src/telemetry/tracing.ts';
import * as stories from '../sim/stories.ts';
import type { Story } from '../sim/story.ts';
import { Collector, type ReceivedSpan } from '../support/collector.ts';
import { differences } from './compare-with-simulation.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { withShortTimes } from './short-times.ts';
import { until } from './story-run.ts';

let environment: Environment;
let collector: Collector;
beforeAll(async () => {
  collector = await Collector.start();
  environment = await startEnvironment();
}, 900_000);
afterAll(async () => {
  environment?.stop();
  await collector?.stop();
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const silent: Log = { ...quiet, with: () => silent };

interface Received {
  readonly spans: readonly ReceivedSpan[];
  readonly wrong: readonly string[];
}

/** Plays the story to its end, with a tracing for each process of the operator, and returns what the collector has of it. */
async function received(story: Story, cutAtAct?: number): Promise<Received> {
  const tracings: Tracing[] = [];
  let left = cutAtAct;
  const { played, wrong } = await differences(environment, story, 'traced', {
    tracer: (instance) => {
      const tracing = startTracing({ endpoint: collector.endpoint, version: 'test', instance, log: silent });
      tracings.push(tracing);
      return tracing;
    },
    choose: (_, act) => {
      if (act === undefined || act !== left) {
        return undefined;
      }
      left = undefined;
      return { cut: 'after' };
    },
  });
  await Promise.all(tracings.map((tracing) => tracing.stop()));
  const { namespace } = played.acts[0] ?? {};
  const mine = () =>
    collector.spans().filter(({ attributes }) => attributes['k8s.namespace.name'] === namespace);
  await until(async () => mine().some(({ name }) => name === 'attempt'), 10_000);
  return { spans: mine(), wrong };
}

const named = (spans: readonly ReceivedSpan[], name: string): readonly ReceivedSpan[] =>
  spans.filter((span) => span.name === name);

test('a good upgrade is one trace: the attempt, its pods, and their tries', async () => {
  const { spans, wrong } = await received(withShortTimes(stories.good('Deployment')));
  expect(wrong).toEqual([]);
  const [attempt] = named(spans, 'attempt');
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([attempt?.traceId]));
  expect(attempt).toMatchObject({
    parentSpanId: '',
    status: { code: 1 },
    attributes: {
      'postcheck.outcome': 'Succeeded',
      'postcheck.upgrade.name': 'web',
      'postcheck.target.kind': 'Deployment',
    },
    resource: { 'service.name': 'postcheck', 'service.version': 'test', 'service.instance.id': 'operator-1' },
  });
  const pods = named(spans, 'pod');
  expect(pods).toHaveLength(3);
  expect(pods.map(({ parentSpanId, status }) => [parentSpanId, status.code])).toEqual(
    pods.map(() => [attempt?.spanId, 1]),
  );
  const tries = named(spans, 'check readiness-probe');
  expect(new Set(tries.map(({ parentSpanId }) => parentSpanId))).toEqual(
    new Set(pods.map(({ spanId }) => spanId)),
  );
  const baseline = named(spans, 'baseline readiness-probe');
  expect(new Set(baseline.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([attempt?.spanId]));
  expect(tries.every(({ startedAt, endedAt }) => startedAt <= endedAt)).toBe(true);
  expect(new Set(tries.map(({ attributes }) => attributes['process.exit.code']))).toEqual(new Set(['0']));
}, 90_000);

test('a bad one, whose operator is killed when it falls back, is one trace of two processes: it says what failed, and nothing that a check printed', async () => {
  // The third write of an attempt of which the first pod fails is the one that records the fallback.
  const { spans, wrong } = await received(withShortTimes(stories.bad('Deployment')), 4);
  expect(wrong).toEqual([]);
  const [attempt] = named(spans, 'attempt');
  const [fallback] = named(spans, 'fallback');
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([attempt?.traceId]));
  expect(attempt).toMatchObject({
    status: { code: 2, message: expect.stringContaining('SchemaTooOld') },
    attributes: { 'postcheck.outcome': 'FellBack' },
  });
  expect(fallback).toMatchObject({ parentSpanId: attempt?.spanId, status: { code: 1 } });
  const failing = named(spans, 'check readiness-probe').find(({ status }) => status.code === 2);
  expect(failing).toMatchObject({
    status: { message: 'the database schema is too old' },
    attributes: {
      'process.exit.code': '17',
      'postcheck.class': 'Fail',
      'postcheck.reason': 'SchemaTooOld',
      'k8s.container.name': 'web',
    },
  });
  expect(new Set(spans.map(({ resource }) => resource['service.instance.id']))).toEqual(
    new Set(['operator-1', 'operator-2']),
  );
  expect(JSON.stringify(spans)).not.toContain('schema too old');
}, 90_000);
