/** What one tenant can do to the upgrades of another: whatever requests about its objects cost, the others have their share of everything. */
import { expect, jest, test } from '@jest/globals';
import { VERIFIED } from '../../src/api/names.ts';
import type { PodView } from '../../src/api/views.ts';
import { VirtualClock } from './clock.ts';
import { type Faults, Operator } from './operator.ts';
import { played } from './played.ts';
import { bad, good, KINDS, NEW, OLD, workloadOf } from './stories.ts';
import { addUpgrade, specOf, target } from './story.ts';
import { remembered } from './telemetry.ts';
import { World } from './world.ts';

jest.setTimeout(120_000);

const START = Date.parse('2026-01-01T00:00:00Z');
const HOSTILE = 'hostile';
/** Until the results of eight pods of each hostile Upgrade are written at once, and fill all connections. */
const HEAD_START_MS = 100_000;

/** Every second every hostile Upgrade wants another image, and every third time somebody sets yet another one in the workload itself. */
function flapAll(world: World, names: readonly string[], until: number, round = 1): void {
  for (const name of names) {
    const upgrade = world.state.get('Upgrade', `${HOSTILE}/${name}`);
    const workload = world.state.get('Deployment', `${HOSTILE}/${name}`);
    if (upgrade) {
      const metadata = { ...upgrade.metadata, generation: upgrade.metadata.generation + 1 };
      const containers = [{ name: 'web', image: `${HOSTILE}:${round % 4}` }];
      world.state.put('Upgrade', { ...upgrade, metadata, spec: { ...upgrade.spec, containers } });
    }
    if (workload && round % 3 === 0) {
      world.setImages(workload, { web: `${HOSTILE}:${round % 2}` }, HOSTILE);
    }
  }
  if (world.clock.now() < until) {
    world.clock.after(1000, () => flapAll(world, names, until, round + 1));
  }
}

/** How long a bad upgrade takes until its evidence, and from there until its workload names the previous images again. */
async function badUpgrade(hostile: number, faults: Faults = {}, flaps = false) {
  const clock = new VirtualClock(START, 1);
  let failedAt = Number.POSITIVE_INFINITY;
  const fails = ({ now }: { readonly now: number }) => {
    failedAt = Math.min(failedAt, now);
    return 17;
  };
  const world = new World(clock, { [OLD]: {}, [NEW]: { answer: fails } });
  world.gatePolicy.installed = true;
  world.addNodes('node-1');
  world.addWorkload(workloadOf('Deployment'));
  const names = Array.from({ length: hostile }, (_, index) => `web-${index}`);
  for (const name of names) {
    world.addWorkload({ ...workloadOf('Deployment'), namespace: HOSTILE, name, replicas: 8 });
  }
  await clock.runUntil(START + 8000, () => {});
  const options = { world, id: 1, memory: remembered(), events: [], writes: [] };
  const operator = new Operator({ ...options, faults, wrote: () => {}, died: () => {} });
  operator.lead();
  const spec = {
    ...bad('Deployment').spec,
    gate: 'Disabled' as const,
    containers: [{ name: 'web', image: HOSTILE }],
  };
  for (const name of names) {
    addUpgrade(world, name, specOf({ workload: { ...workloadOf('Deployment'), name }, spec }), {}, HOSTILE);
  }
  if (flaps) {
    flapAll(world, names, clock.now() + HEAD_START_MS + 60_000);
  }
  await clock.runUntil(clock.now() + HEAD_START_MS, () => {});
  const startedAt = clock.now();
  addUpgrade(world, 'web', specOf(bad('Deployment')));
  let backAt = Number.POSITIVE_INFINITY;
  await clock.runUntil(startedAt + 60_000, () => {
    const isBack = failedAt < clock.now() && target(world).containers.every(({ image }) => image === OLD);
    backAt = isBack ? Math.min(backAt, clock.now()) : backAt;
  });
  return { untilEvidenceMs: failedAt - startedAt, reactionMs: backAt - failedAt };
}

test('requests that take long about the objects of one tenant hold up no upgrade and no fallback of another', async () => {
  const alone = await badUpgrade(0);
  const beside = await badUpgrade(30, {
    requestMs: (namespace) => (namespace === HOSTILE ? 10_000 : undefined),
  });
  expect(alone.reactionMs).toBeLessThan(100);
  expect(beside.reactionMs).toBeLessThan(2 * alone.reactionMs);
  expect(beside.untilEvidenceMs).toBeLessThan(2 * alone.untilEvidenceMs);
});

test('Upgrades of one tenant that flap, and whose requests take long, hold up no upgrade and no fallback of another', async () => {
  const alone = await badUpgrade(0);
  const requestMs = (namespace: string) => (namespace === HOSTILE ? 10_000 : undefined);
  const beside = await badUpgrade(30, { requestMs }, true);
  expect(beside.reactionMs).toBeLessThan(2 * alone.reactionMs);
  expect(beside.untilEvidenceMs).toBeLessThan(2 * alone.untilEvidenceMs);
});

test('closed gates that one tenant leaves behind hold up the opening of no other', async () => {
  const clock = new VirtualClock(START, 1);
  const world = new World(clock, {});
  world.addNodes('node-1');
  world.addWorkload({ ...workloadOf('Deployment'), replicas: 1 });
  await clock.runUntil(START + 8000, () => {});
  const options = { world, id: 1, memory: remembered(), events: [], writes: [] };
  const faults: Faults = { requestMs: (namespace) => (namespace === HOSTILE ? 1000 : undefined) };
  const operator = new Operator({ ...options, faults, wrote: () => {}, died: () => {} });
  operator.lead();
  const [pod] = world.pods() as [PodView];
  const leave = (namespace: string, name: string) =>
    world.state.put('Pod', { ...pod, namespace, name, uid: world.state.uid('pod'), gates: [VERIFIED] });
  for (let index = 0; index < 100; index++) {
    leave(HOSTILE, `left-${index}`);
  }
  await clock.runUntil(clock.now() + 500, () => {});
  const { uid } = leave('shop', 'left');
  await clock.runUntil(clock.now() + 2000, () => {});
  const isOpen = ({ conditions }: PodView) => conditions[VERIFIED]?.status === 'True';
  expect(world.pods().filter(isOpen)).toContainEqual(expect.objectContaining({ uid }));
});

test.each(KINDS)(
  'a grace period of 2^63 seconds keeps no attempt and no fallback from its end: %s',
  async (kind) => {
    const endless = (world: World): void => {
      const workload = target(world);
      world.state.put(workload.kind, { ...workload, ownWaitSeconds: 2 ** 63 });
    };
    for (const [story, phase] of [
      [good(kind), 'Succeeded'],
      [bad(kind), 'FellBack'],
    ] as const) {
      const { ending } = await played({ ...story, arrange: endless });
      expect(ending).toMatchObject({ phase });
    }
  },
);
