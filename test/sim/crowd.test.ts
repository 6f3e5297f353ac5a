/** What one event costs, counted in visits to Upgrades, when one tenant has made thousands of them; and what a standby keeps. */
import { describe, expect, test } from '@jest/globals';
import type { Telemetry } from '../../src/engine/telemetry-ports.ts';
import { VirtualClock } from './clock.ts';
import { Operator, type WriteRecord } from './operator.ts';
import { bad, good, NEW, OLD, workloadOf } from './stories.ts';
import { addUpgrade, deleteUpgrade, specOf, target } from './story.ts';
import { remembered } from './telemetry.ts';
import { World } from './world.ts';

const FINE = 'registry.example/web:fine';
const START = Date.parse('2026-01-01T00:00:00Z');

interface Cluster {
  readonly world: World;
  readonly operator: Operator;
  /** Lets time pass; returns how often Upgrades were looked at and written to meanwhile. */
  readonly pass: (seconds: number) => Promise<{ visits: number; writes: number }>;
  readonly depth: () => number;
}

async function clusterOf(upgrades: number): Promise<Cluster> {
  const clock = new VirtualClock(START, 1);
  const world = new World(clock, { [OLD]: {}, [NEW]: {} });
  world.gatePolicy.installed = true;
  world.addNodes('node-1');
  world.addWorkload(workloadOf('Deployment'));
  await clock.runUntil(START + 8000, () => {});
  for (let i = 0; i < upgrades; i++) {
    addUpgrade(world, i === 0 ? 'first' : `u-${i}`, specOf(good('Deployment')));
  }
  const memory = remembered();
  const writes: never[] = [];
  let depth = 0;
  const telemetry: Partial<Telemetry['queue']> = { depth: (items) => (depth = items) };
  const operator = new Operator({
    world,
    id: 1,
    faults: {},
    memory,
    writes,
    events: [],
    wrote: () => {},
    died: () => {},
    queueTelemetry: telemetry,
  });
  const pass = async (seconds: number) => {
    const before = { visits: memory.phases.length, writes: writes.length };
    await clock.runUntil(clock.now() + seconds * 1000, () => {});
    return { visits: memory.phases.length - before.visits, writes: writes.length - before.writes };
  };
  return { world, operator, pass, depth: () => depth };
}

describe.each([2000, 5000])('%d Upgrades on one Deployment', (count) => {
  test('cost what happens to it no more than one Upgrade does, and the next one acts at once', async () => {
    const { world, operator, pass } = await clusterOf(count);
    operator.lead();
    const first = await pass(600);
    // One status each, and the phase told again after it; then silence.
    expect(first.visits).toBeLessThan(5 * count);
    expect(world.upgrade('first')?.status?.phase).toBe('Succeeded');
    expect((await pass(600)).visits).toBeLessThanOrEqual(count);

    const workload = world.state.all('Deployment')[0];
    world.state.put('Deployment', { ...(workload as NonNullable<typeof workload>) });
    expect((await pass(1)).visits).toBeLessThan(10);

    deleteUpgrade(world, 'first');
    // The next one by name acts now; of the others ten a second learn its name.
    const { visits, writes } = await pass(10);
    expect(writes).toBeLessThan(120);
    expect(visits).toBeLessThan(5 * writes);
    expect(world.upgrade('u-1')?.status?.attempt?.adopted).toBe(true);
  }, 120_000);
});

test('a fallback does not wait for the writes of hundreds of others that begin at the same moment', async () => {
  const others = 200;
  const clock = new VirtualClock(START, 1);
  let failedAt = Number.POSITIVE_INFINITY;
  const beginAll = () => {
    for (let i = 0; i < others; i++) {
      const workload = { ...workloadOf('Deployment'), name: `web-${i}`, replicas: 1 };
      const spec = { ...bad('Deployment').spec, containers: [{ name: 'web', image: FINE }] };
      addUpgrade(world, `web-${i}`, specOf({ workload, spec }));
    }
  };
  const fails = ({ now }: { readonly now: number }) => {
    if (failedAt > now) {
      failedAt = now;
      beginAll();
    }
    return 17;
  };
  const world = new World(clock, { [OLD]: {}, [FINE]: {}, [NEW]: { answer: fails } });
  world.addNodes('node-1');
  world.addWorkload(workloadOf('Deployment'));
  for (let i = 0; i < others; i++) {
    world.addWorkload({ ...workloadOf('Deployment'), name: `web-${i}`, replicas: 1 });
  }
  await clock.runUntil(START + 8000, () => {});
  const writes: WriteRecord[] = [];
  const options = { world, id: 1, faults: {}, memory: remembered(), events: [], wrote: () => {} };
  const operator = new Operator({ ...options, writes, died: () => {} });
  operator.lead();
  addUpgrade(world, 'web', specOf(bad('Deployment')));
  const runsOld = () => target(world).containers.every(({ image }) => image === OLD);
  let backAt = Number.POSITIVE_INFINITY;
  await clock.runUntil(START + 600_000, () => {
    backAt = failedAt < clock.now() && runsOld() ? Math.min(backAt, clock.now()) : backAt;
  });
  expect(world.upgrade('web')?.status?.phase).toBe('FellBack');
  expect(world.state.all('Upgrade').filter(({ status }) => status?.phase === 'Succeeded')).toHaveLength(
    others,
  );
  // Some writes, of 6 ms each; behind the others it would be hundreds.
  expect(backAt - failedAt).toBeLessThan(100);
}, 120_000);

test('hundreds that are to start at once say that they wait as fast as the API server answers, and all are verified', async () => {
  const many = 300;
  const clock = new VirtualClock(START, 1);
  const world = new World(clock, { [OLD]: {}, [FINE]: {} });
  world.addNodes('node-1');
  for (let i = 0; i < many; i++) {
    world.addWorkload({ ...workloadOf('Deployment'), name: `web-${i}`, replicas: 1 });
  }
  await clock.runUntil(START + 8000, () => {});
  // The API server has more to do than it can.
  const faults = { requestMs: () => 200 };
  const options = { world, id: 1, faults, memory: remembered(), events: [], wrote: () => {} };
  const operator = new Operator({ ...options, writes: [], died: () => {} });
  operator.lead();
  for (let i = 0; i < many; i++) {
    const workload = { ...workloadOf('Deployment'), name: `web-${i}`, replicas: 1 };
    const spec = { ...good('Deployment').spec, containers: [{ name: 'web', image: FINE }] };
    addUpgrade(world, `web-${i}`, specOf({ workload, spec }));
  }
  const statuses = () => world.state.all('Upgrade').map(({ status }) => status);
  await clock.runUntil(clock.now() + 15_000, () => {});
  const waiting = statuses().filter((status) => status?.waiting?.reason === 'Queued');
  // Five a second, one after the other.
  expect(waiting.length).toBeGreaterThan(60);
  expect(waiting[0]).toMatchObject({
    phase: 'Pending',
    message: expect.stringMatching(/^Deployment web-\d+ will be rolled to web:fine when its turn comes/),
  });
  await clock.runUntil(clock.now() + 45_000, () => {});
  expect(statuses().filter((status) => !status?.message)).toHaveLength(0);

  await clock.runUntil(clock.now() + 600_000, () => {});
  expect(statuses().map((status) => [status?.phase, status?.waiting])).toEqual(
    statuses().map(() => ['Succeeded', undefined]),
  );
}, 120_000);

test('a standby queues nothing, whatever happens, and looks at everything once when it begins to lead', async () => {
  const { world, operator, pass, depth } = await clusterOf(50);
  await pass(60);
  expect(operator.engine.synced).toBe(true);
  expect(depth()).toBe(0);
  operator.lead();
  await pass(60);
  expect(world.upgrade('first')?.status?.phase).toBe('Succeeded');
  expect(depth()).toBe(0);
});
