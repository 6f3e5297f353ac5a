/** What one event costs, counted in visits to Upgrades, when one tenant has made thousands of them; and what a standby keeps. */
import { describe, expect, test } from '@jest/globals';
import type { Telemetry } from '../../src/engine/telemetry-ports.ts';
import { VirtualClock } from './clock.ts';
import { Operator } from './operator.ts';
import { good, NEW, OLD, workloadOf } from './stories.ts';
import { addUpgrade, deleteUpgrade, specOf } from './story.ts';
import { remembered } from './telemetry.ts';
import { World } from './world.ts';

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
