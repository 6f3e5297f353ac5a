/** Who leads, against a real API server. Times are a tenth of the real ones. */

import { execFileSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Connection } from '../../src/kube/client/connection.ts';
import { StreamClient } from '../../src/kube/client/stream-client.ts';
import { type Leadership, leadership } from '../../src/kube/leader-election/leadership.ts';
import { type ApiServer, eventually, startApiServer } from './api-server.ts';

const timing = { leaseMs: 2_000, renewDeadlineMs: 1_200, renewMs: 500, retryMs: 100 };
let api: ApiServer;
let running: Contender[] = [];
let leases = 0;

interface Contender {
  readonly name: string;
  readonly election: Leadership;
  readonly streams: StreamClient;
  readonly told: string[];
}

beforeAll(() => {
  api = startApiServer();
}, 60_000);
afterAll(() => api.stop());
afterEach(async () => {
  for (const { election, streams } of running) {
    await election.stop();
    streams.close();
  }
  running = [];
  leases += 1;
});

const leaseName = (): string => `lease-${leases}`;

function contend(name: string): Contender {
  const connection = new Connection({ kubeconfig: api.kubeconfig });
  const streams = new StreamClient(connection);
  const told: string[] = [];
  const election = leadership(connection, streams, {
    namespace: 'default',
    name: leaseName(),
    identity: name,
    timing,
    onLeading: () => told.push('leading'),
    onLost: (why) => told.push(`lost: ${why}`),
  });
  const contender = { name, election, streams, told };
  running.push(contender);
  election.start();
  return contender;
}

const leads = async (contender: Contender): Promise<true> =>
  await eventually(() => contender.election.isLeader() || undefined);
const stays = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const spec = (): Record<string, unknown> =>
  api.json(['get', 'lease', leaseName()]).spec as Record<string, unknown>;

test('the first one leads, writes six fractional digits, and the second waits as long as the first renews', async () => {
  const first = contend('first');
  await leads(first);
  const second = contend('second');
  await stays(3 * timing.leaseMs);
  expect([first.election.isLeader(), second.election.isLeader()]).toEqual([true, false]);
  expect([first.told, second.told]).toEqual([['leading'], []]);
  expect(spec()).toMatchObject({
    holderIdentity: expect.stringMatching(/^first_[0-9a-f]{12}$/),
    leaseDurationSeconds: 2,
    leaseTransitions: 0,
    renewTime: expect.stringMatching(/\.\d{6}Z$/),
  });
}, 30_000);

test('a graceful stop hands over at once', async () => {
  const first = contend('first');
  await leads(first);
  const second = contend('second');
  await stays(500);
  const began = performance.now();
  await first.election.stop();
  expect(first.election.isLeader()).toBe(false);
  await leads(second);
  expect(performance.now() - began).toBeLessThan(timing.leaseMs);
  expect(first.told).toEqual(['leading']);
  expect(spec()).toMatchObject({
    holderIdentity: expect.stringMatching(/^second_/),
    leaseTransitions: expect.any(Number),
  });
}, 30_000);

test('of two that start together exactly one leads', async () => {
  const both = [contend('a'), contend('b')];
  await Promise.race(both.map(leads));
  await stays(timing.leaseMs);
  expect(both.filter(({ election }) => election.isLeader())).toHaveLength(1);
}, 30_000);

test('a Lease edited by hand stays ours, a deleted one is made again', async () => {
  const first = contend('first');
  await leads(first);
  api.kubectl(['label', 'lease', leaseName(), 'touched=yes']);
  await stays(2 * timing.renewMs);
  api.kubectl(['delete', 'lease', leaseName()]);
  await eventually(() => spec().holderIdentity !== undefined);
  await stays(2 * timing.leaseMs);
  expect(first.election.isLeader()).toBe(true);
  expect(first.told).toEqual(['leading']);
}, 30_000);

/** Holds up the whole process, as one long step of the event loop does. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('a process that was held up beyond every deadline leads on when nobody else has led since', async () => {
  const first = contend('first');
  await leads(first);
  holdUp(2 * timing.leaseMs);
  expect(first.election.isLeader()).toBe(false);
  await leads(first);
  await stays(2 * timing.renewDeadlineMs);
  expect(first.election.isLeader()).toBe(true);
  expect(first.told).toEqual(['leading']);
}, 30_000);

test('and is lost, without believing in itself for an instant, when another has taken the Lease meanwhile', async () => {
  const first = contend('first');
  await leads(first);
  api.kubectl(['patch', 'lease', leaseName(), '--type=merge', '-p', '{"spec":{"holderIdentity":"thief"}}']);
  holdUp(timing.renewDeadlineMs);
  const believed: boolean[] = [];
  await eventually(() => {
    believed.push(first.election.isLeader());
    return first.told.length === 2;
  });
  expect(first.told).toEqual(['leading', 'lost: held by thief']);
  expect(new Set(believed)).toEqual(new Set([false]));
}, 30_000);

test('a Lease taken by another is lost at once', async () => {
  const first = contend('first');
  await leads(first);
  api.kubectl(['patch', 'lease', leaseName(), '--type=merge', '-p', '{"spec":{"holderIdentity":"thief"}}']);
  await eventually(() => first.told.length === 2);
  expect(first.told).toEqual(['leading', 'lost: held by thief']);
  expect(first.election.isLeader()).toBe(false);
}, 30_000);

test('a holder with times in the future and an absurd duration does not lock everybody out', async () => {
  const future = '2099-01-01T00:00:00.000000Z';
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: leaseName(), namespace: 'default' },
    spec: {
      holderIdentity: 'dead',
      leaseDurationSeconds: 1,
      acquireTime: future,
      renewTime: future,
      leaseTransitions: 7,
    },
  };
  api.kubectl(['create', '-f', '-'], JSON.stringify(lease));
  await leads(contend('first'));
  expect(spec().leaseTransitions).toBe(8);
}, 30_000);

test('without a server the leader stops believing in itself before the Lease runs out', async () => {
  const first = contend('first');
  await leads(first);
  const script = resolve(import.meta.dirname, '../cluster/api-only.sh');
  const server = Number(
    execFileSync(script, ['pid', dirname(api.kubeconfig), 'kube-apiserver'], { encoding: 'utf8' }),
  );
  process.kill(server, 'SIGSTOP');
  const began = performance.now();
  try {
    while (first.told.length < 2 && performance.now() - began < 10_000) {
      await stays(20);
    }
    expect(first.told[1]).toBe(`lost: not renewed for ${timing.renewDeadlineMs} ms`);
    expect(first.election.isLeader()).toBe(false);
    expect(performance.now() - began).toBeLessThan(timing.leaseMs);
  } finally {
    process.kill(server, 'SIGCONT');
  }
}, 30_000);
