/** Random walks: a workload, versions that behave somehow, users and rivals who do anything at any time, and an operator that is cut and refused. */

import type { Upgrade, UpgradeSpec } from '../../src/api/types.ts';
import { type Behaviour, exits, exitsFirst, GOOD } from './behaviour.ts';
import { VirtualClock } from './clock.ts';
import type { Cut, Fault, Faults } from './operator.ts';
import { play, type Run, type RunOptions } from './run.ts';
import { KINDS, NEW, OLD, workloadOf } from './stories.ts';
import {
  afterSeconds,
  annotate,
  changeSpec,
  type Step,
  type Story,
  scaleTo,
  target,
  wantImage,
} from './story.ts';
import type { World } from './world.ts';

const NEWER = 'registry.example/web:3.0';
const NEWEST = 'registry.example/web:4.0';

export interface Walk {
  readonly story: Story;
  readonly options: RunOptions;
}

class Chance {
  readonly #clock: VirtualClock;

  constructor(seed: number) {
    this.#clock = new VirtualClock(0, seed);
  }

  upTo(most: number): number {
    return Math.floor(this.#clock.random() * (most + 1));
  }

  of<T>(list: readonly T[]): T {
    return list[this.upTo(list.length - 1)] as T;
  }

  hits(share: number): boolean {
    return this.#clock.random() < share;
  }
}

function behaviour(chance: Chance): Behaviour {
  const late = chance.upTo(120) * 1000;
  return chance.of<Behaviour>([
    GOOD,
    GOOD,
    exits(17),
    exitsFirst(chance.upTo(6), 2),
    { answer: ({ index }) => (index === 2 ? 5 : 0) },
    { answer: ({ ageMs }) => (ageMs < late ? 'broken' : 0) },
    { answer: () => 'missing' },
    { answer: ({ nth }) => (nth % 2 === 0 ? 'hang' : 2) },
    { readyAfterMs: false },
    { start: 'crashes', livesMs: 500 },
    { start: 'pullFails' },
    { readyAfterMs: chance.upTo(20_000), startsAfterMs: chance.upTo(20_000) },
  ]);
}

/** Things to do, each harmless when it does not fit the moment. */
const deeds: readonly ((world: World, chance: Chance, at: number) => void)[] = [
  (world, chance) => wantImage(world, chance.of([NEW, NEWER, OLD])),
  (world, chance) => wantImage(world, chance.of([NEW, NEWER])),
  (world, chance) => void scaleTo(world, chance.upTo(4)),
  (world) => changeSpec(world, { paused: true }),
  (world) => changeSpec(world, { paused: false }),
  (world, _chance, at) => annotate(world, 'abort', `abort-${at}`),
  (world, _chance, at) => annotate(world, 'retry', `retry-${at}`),
  (world) => void world.setImages(target(world), { web: 'registry.example/web:hotfix' }, 'kubectl-edit'),
  (world, _chance, at) => {
    world.model(target(world)).stamp = `restarted-${at}`;
    world.changeSpec(target(world), {});
  },
  (world) => {
    const [pod] = world.podsOf(target(world));
    if (pod) {
      world.kubelet.terminate(pod);
    }
  },
  (world) => world.setNodeReady('node-2', false),
  (world) => world.setNodeReady('node-2', true),
  (world) => {
    world.gatePolicy.installed = !world.gatePolicy.installed;
  },
];

function stepsOf(chance: Chance, some = deeds): Step[] {
  const steps = Array.from({ length: chance.upTo(6) }, (_, index): Step => {
    const deed = chance.of(some);
    const waits = chance.of([0, 0.02, 0.5, 2, 15, 70]);
    return { when: afterSeconds(waits), act: (world) => deed(world, chance, index) };
  });
  const heal: Step = {
    when: afterSeconds(200),
    act: (world) => {
      world.setNodeReady('node-2', true);
      if (world.upgrade()?.spec.paused) {
        changeSpec(world, { paused: false });
      }
    },
  };
  return [...steps, heal];
}

function faultsOf(chance: Chance): Faults {
  const cuts = new Map(
    Array.from({ length: chance.upTo(2) }, () => [
      1 + chance.upTo(15),
      chance.of<Cut>(['before', 'lost', 'after']),
    ]),
  );
  const share = chance.of([0, 0, 0.1, 0.3]);
  const slow = chance.of([0, 0, 40, 400]);
  const kinds: readonly Fault[] = ['conflict', 'unavailable', 'throttled', 'unanswered'];
  return {
    write: ({ number }) =>
      cuts.get(number) ?? (number < 60 && chance.hits(share) ? chance.of(kinds) : undefined),
    delayMs: () => 4 + chance.upTo(slow),
  };
}

/** The walk of a seed: the same one every time. */
export function walkOf(seed: number): Walk {
  const chance = new Chance(seed);
  const kind = chance.of(KINDS);
  const story: Story = {
    name: `walk ${seed}`,
    workload: {
      ...workloadOf(kind),
      replicas: chance.of([1, 2, 3]),
      ...(kind === 'Deployment' ? { maxUnavailable: chance.upTo(1) } : {}),
    },
    images: {
      [NEW]: behaviour(chance),
      [NEWER]: behaviour(chance),
      ...(chance.hits(0.15) ? { [OLD]: behaviour(chance) } : {}),
    },
    spec: {
      containers: [{ name: 'web', image: NEW }],
      gate: chance.of(['Auto', 'Auto', 'Required', 'Disabled']),
      postCheck: {
        deadlineSeconds: chance.of([20, 60, 90]),
        successThreshold: chance.of([1, 1, 2]),
        failureThreshold: chance.of([0, 0, 2]),
      },
      fallback: {
        action: chance.of(['Rollback', 'Rollback', 'Rollback', 'Pause', 'None']),
        verify: chance.hits(0.8),
      },
    },
    steps: stepsOf(chance),
    losesPods: true,
    minutes: 90,
  };
  return { story, options: { seed, stale: true, faults: faultsOf(chance) } };
}

/** What people do to a fleet besides. */
const fleetDeeds: typeof deeds = [
  ...deeds,
  (world, chance) => {
    const workload = target(world);
    if (workload.kind === 'StatefulSet' && !workload.onDelete) {
      world.setPartition(workload, chance.upTo(4));
    }
  },
  (world) => annotate(world, 'approve', `${numberOf(world)}/canary`),
  (world) => annotate(world, 'promote', `${numberOf(world)}`),
  (world, _chance, at) => world.addNodes(`node-${6 + at}`),
  (world, chance) => changeSpec(world, { strategy: chance.of(STRATEGIES)(chance) }),
  (world, chance) => {
    const pods = world.podsOf(target(world));
    const pod = pods.length > 0 ? chance.of(pods) : undefined;
    if (pod) {
      world.kubelet.terminate(pod);
    }
  },
];

const numberOf = (world: World): number => world.upgrade()?.status?.attempt?.number ?? 0;

const NODES = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'];

const STRATEGIES: readonly ((chance: Chance) => NonNullable<UpgradeSpec['strategy']>)[] = [
  () => ({}),
  () => ({ stages: [{ name: 'canary', pods: 1 }] }),
  () => ({
    stages: [{ name: 'canary', pods: 1, soakSeconds: 60 }, { name: 'half', pods: '50%' }, { name: 'rest' }],
  }),
  () => ({
    stages: [
      { name: 'canary', pods: '30%', approval: 'Manual' },
      { name: 'rest', soakSeconds: 90 },
    ],
  }),
  (chance) => ({
    maxParallel: chance.of([1, 2, '50%']),
    failureBudget: { maxFailed: chance.of([1, 2, '40%']) },
  }),
  (chance) => ({
    maxParallel: chance.of([1, 3]),
    failureBudget: { maxFailed: chance.of([1, '50%']) },
    stages: [{ name: 'canary', pods: 2 }, { name: 'rest' }],
  }),
];

/** Fails for good on some nodes, as if they were of another make. */
function onNodes(chance: Chance): Behaviour {
  const bad = NODES.filter(() => chance.hits(0.3));
  return { answer: ({ node }) => (bad.includes(node) ? 17 : 0) };
}

/** The same with fleets: stages, budgets, partitions, and those who approve, promote, add nodes and change the strategy on the way. */
export function fleetWalkOf(seed: number): Walk {
  const chance = new Chance(seed + 1_000_000);
  const kind = chance.of(KINDS.filter((one) => one !== 'DaemonSet'));
  const { story, options } = walkOf(seed);
  const isDriven = kind.endsWith(' OnDelete');
  const some = (): Behaviour => (chance.hits(0.6) ? onNodes(chance) : behaviour(chance));
  return {
    story: {
      ...story,
      name: `fleet walk ${seed}`,
      workload: {
        ...workloadOf(kind),
        replicas: chance.of([3, 5]),
        ...(kind === 'Deployment' ? { maxUnavailable: chance.upTo(2) } : {}),
        ...(kind.startsWith('StatefulSet') && !isDriven && chance.hits(0.3)
          ? { partition: chance.upTo(3) }
          : {}),
      },
      nodes: NODES,
      images: { [NEW]: some(), [NEWER]: some() },
      spec: {
        containers: [{ name: 'web', image: NEW }],
        strategy: chance.of(STRATEGIES)(chance),
        postCheck: {
          deadlineSeconds: 60,
          checks: [
            {
              name: 'readiness-probe',
              exec: { command: ['/usr/bin/readiness_probe.sh'] },
              exitCodes: [{ codes: '17', class: 'Fail', reason: 'AsicUnsupported' }],
            },
          ],
        },
        fallback: {
          action: chance.of(['Rollback', 'Rollback', 'Rollback', 'Pause']),
          scope: isDriven ? chance.of(['All', 'FailedPods']) : 'All',
          verify: chance.hits(0.8),
        },
      },
      steps: stepsOf(chance, fleetDeeds),
    },
    options,
  };
}

const MOVING = ['Pending', 'Upgrading', 'PostChecking', 'FallingBack', 'FallbackChecking'];

/** A change of one field, or of what surrounds the Upgrade, and what undoes it. */
type Change = (world: World, chance: Chance) => (world: World) => void;

const changing =
  <Field extends keyof UpgradeSpec>(field: Field, some: (chance: Chance) => UpgradeSpec[Field]): Change =>
  (world, chance) => {
    const before = (world.upgrade() as Upgrade).spec[field];
    changeSpec(world, { [field]: some(chance) });
    return (later) => changeSpec(later, { [field]: before });
  };

function partly<Field extends 'postCheck' | 'fallback'>(
  field: Field,
  some: (chance: Chance) => Partial<UpgradeSpec[Field]>,
): Change {
  return (world, chance) => {
    const before = (world.upgrade() as Upgrade).spec[field];
    changeSpec(world, { [field]: { ...before, ...some(chance) } });
    return (later) => changeSpec(later, { [field]: before });
  };
}

const CHANGES: readonly Change[] = [
  changing('containers', (chance) => [{ name: 'web', image: chance.of([OLD, NEW, NEWER, NEWEST]) }]),
  changing('containers', (chance) => [{ name: 'web', image: chance.of([NEWER, NEWEST]) }]),
  changing('containers', (chance) => [{ name: 'web', image: chance.of([NEWER, NEWEST]) }]),
  changing('paused', () => true),
  changing('gate', (chance) => chance.of(['Disabled', 'Required', 'Auto'])),
  changing('strategy', (chance) => chance.of(STRATEGIES)(chance)),
  partly('postCheck', (chance) => ({ deadlineSeconds: chance.of([20, 40, 120]) })),
  partly('postCheck', (chance) => ({
    successThreshold: chance.of([1, 2]),
    failureThreshold: chance.of([0, 2]),
  })),
  partly('fallback', (chance) => ({
    action: chance.of(['Rollback', 'Pause', 'None']),
    verify: chance.hits(0.5),
  })),
  (world, chance) => {
    const before = target(world).desired;
    scaleTo(world, chance.upTo(5));
    return (later) => void scaleTo(later, before);
  },
  (world) => {
    world.gatePolicy.installed = false;
    return (later) => {
      later.gatePolicy.installed = true;
    };
  },
];

const WANTED = [{ name: 'web', image: NEW }];

/** Changes of every kind after an upgrade that was good, at any time, each undone in the end, the last one first. */
export function undoWalkOf(seed: number): Walk {
  const chance = new Chance(seed + 2_000_000);
  const kind = chance.of(KINDS);
  const undone: ((world: World) => void)[] = [];
  const wait = (): Step['when'] => afterSeconds(chance.of([0.02, 0.5, 2, 15, 70, 200]));
  const changes = Array.from({ length: 1 + chance.upTo(9) }, (): Step => {
    const change = chance.of(CHANGES);
    return { when: wait(), act: (world) => void undone.unshift(change(world, chance)) };
  });
  const undo = changes.map((): Step => ({ when: wait(), act: (world) => undone.shift()?.(world) }));
  const begin: Step = { when: afterSeconds(300), act: () => undone.splice(0) };
  return {
    story: {
      name: `undo walk ${seed}`,
      workload: workloadOf(kind),
      spec: { containers: WANTED },
      images: { [NEWER]: behaviour(chance), [NEWEST]: behaviour(chance) },
      steps: [begin, ...changes, ...undo],
      losesPods: true,
      minutes: 120,
    },
    options: { seed, stale: true, faults: faultsOf(chance) },
  };
}

/** What is not as if nothing had been changed; what came of the changes in between stays in the history. */
async function notRestored({ ending }: Run, { workload }: Story): Promise<string[]> {
  const expected = (await play({ name: '', workload, images: {}, spec: { containers: WANTED } })).ending;
  const [wanted, got] = [expected, ending].map((one) => JSON.stringify({ ...one, outcomes: [] }));
  return wanted === got ? [] : [`it ended as ${got}, not as ${wanted}`];
}

/** What was wrong in one walk, with the command that plays it again, or nothing. */
export async function complaintOf(
  seed: number,
  walk = walkOf(seed),
  judge: (run: Run, story: Story) => Promise<string[]> = async () => [],
): Promise<string | undefined> {
  const { story, options } = walk;
  const run = await play(story, options);
  const { violations, ending, world, message } = run;
  const { spec, status } = world.upgrade() ?? {};
  const stalled = status?.conditions?.some(
    ({ type, status: value }) => type === 'Stalled' && value === 'True',
  );
  const restless =
    MOVING.includes(ending.phase) &&
    !stalled &&
    !spec?.paused &&
    !status?.waiting &&
    status?.counts?.desired !== 0
      ? [`it never came to rest: ${message}`]
      : [];
  const complaints = [...violations, ...restless, ...(await judge(run, story))];
  return complaints.length > 0
    ? `${complaints.join('; ')}\n  npx node test/sim/replay.ts '${story.name}'`
    : undefined;
}

/** The same of a walk whose changes were all undone. */
export const undoComplaintOf = (seed: number): Promise<string | undefined> =>
  complaintOf(seed, undoWalkOf(seed), notRestored);
