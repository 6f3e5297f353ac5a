/** The operator dies by SIGKILL in the middle, and whoever leads next finishes what it began. Disturbs everybody else: runs alone. */
import { beforeAll, expect, test } from '@jest/globals';
import { Api, type Json } from './support/api.ts';
import { STARTS_LATE, saw17 } from './support/endings.ts';
import { expectFellBack, expectProtected, expectServing } from './support/expectations.ts';
import { killLeader, Rendezvous } from './support/kill.ts';
import { Operator } from './support/operator.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { image, type Overrides, SHAPES, type Shape, upgrade } from './support/workloads.ts';

const api = new Api();
const operator = new Operator(api);
/** The lease lasts 15 s, so a version has to stay undecided for longer than that. */
const UNDECIDED = { postCheck: { deadlineSeconds: 30 } };

interface Killed {
  readonly sentence: string;
  readonly run: () => Promise<void>;
}

const allMidWay = new Rendezvous(SHAPES.length * 2, () => killLeader(api));

/** Everybody is mid-way when the leader is killed, once for all: each kill costs the lease's 15 s. */
async function killedMidWay(s: Scenario, tag: string, spec: Json, workload?: Overrides): Promise<Json> {
  try {
    await s.deploy('v1', workload);
    await s.create(upgrade(s.shape, tag, spec));
    return await s.until(saw17);
  } finally {
    await allMidWay.arrive();
  }
}

const killedWhileGood = (shape: Shape): Killed => ({
  sentence: `a ${shape} whose operator is killed while a good version starts ends Succeeded in the same attempt`,
  run: scenario(shape, 'killed good', async (s) => {
    const { attempt } = await killedMidWay(s, 'v2', {}, STARTS_LATE);
    s.startUp('v2');

    const status = await s.until('Succeeded', 120);

    expect(status).toMatchObject({
      attempt: { id: attempt.id, startedAt: attempt.startedAt, number: 1 },
      history: [{ outcome: 'Succeeded' }],
    });
    await expectServing(s, 'v2');
    expectProtected(s);
  }),
});

const killedWhileBad = (shape: Shape): Killed => ({
  sentence: `a ${shape} whose operator is killed while a bad version is tried falls back, with no deadline begun anew`,
  run: scenario(shape, 'killed bad', async (s) => {
    const { attempt } = await killedMidWay(s, 'bad17', UNDECIDED);

    const status = await s.until('FellBack', 120);

    await expectFellBack(s, status, 'bad17', /exited 17 \(ProbeFailed\).* until the deadline of 30s/);
    expect(status).toMatchObject({
      attempt: { id: attempt.id, startedAt: attempt.startedAt },
      history: [{ outcome: 'FellBack' }],
    });
    const seconds = (Date.parse(status.fallback.startedAt) - Date.parse(attempt.startedAt)) / 1000;
    expect(seconds).toBeLessThan(30 + 25);
  }),
});

// All at once from the start, however many tests jest runs at a time: they wait for each other.
const killed = SHAPES.flatMap((shape) => [killedWhileGood(shape), killedWhileBad(shape)]);
const outcomes = new Map<Killed, Promise<void>>();
beforeAll(() => {
  for (const one of killed) {
    const outcome = one.run();
    outcome.catch(() => undefined);
    outcomes.set(one, outcome);
  }
});

for (const one of killed) {
  test(one.sentence, () => outcomes.get(one), TEST_MS);
}

test(
  'an attempt whose operator is killed when it is recorded, when it has evidence, and when it falls back ends FellBack once',
  scenario('Deployment', 'killed thrice', async (s) => {
    const quick = { everyMs: 50, timeoutSeconds: 60 };
    await s.deploy('v1');
    await s.create(upgrade('Deployment', 'bad17', { postCheck: { deadlineSeconds: 40 } }));
    const recorded = await waitFor(
      'the attempt to be recorded',
      () => s.status(),
      ({ attempt }) => attempt,
      quick,
    );
    await killLeader(api);
    await waitFor('evidence', () => s.status(), saw17, quick);
    await killLeader(api);
    await waitFor(
      'the fallback to be recorded',
      () => s.status(),
      ({ fallback }) => fallback,
      { ...quick, timeoutSeconds: 90 },
    );
    await killLeader(api);

    const status = await s.until('FellBack', 120);

    await expectFellBack(s, status, 'bad17', /exited 17 \(ProbeFailed\).* until the deadline of 40s/);
    expect(status.attempt).toMatchObject({ id: recorded.attempt.id, startedAt: recorded.attempt.startedAt });
    expect(status.history).toHaveLength(1);
    const images = new Set([...s.pods.all.values()].map(({ spec }) => spec.containers[0].image));
    expect(images).toEqual(new Set([image('v1'), image('bad17')]));
  }),
  TEST_MS,
);

test(
  'afterwards both replicas of the operator are Ready again, and one leads',
  async () => {
    await waitFor(
      'a leader that counts',
      () => operator.metrics(),
      (metrics) => metrics.get('postcheck_leader') === 1,
      { timeoutSeconds: 60 },
    );
    const pods = await waitFor(
      'two Ready replicas',
      () => operator.pods(),
      (seen) =>
        seen.filter(({ status }) =>
          status.conditions.some(({ type, status }: Json) => type === 'Ready' && status === 'True'),
        ).length === 2,
      { timeoutSeconds: 120 },
    );
    expect(pods).toHaveLength(2);
  },
  TEST_MS,
);
