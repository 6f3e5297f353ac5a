/**
 * Attempts in stages whose operator is killed at each of them, on every kind that can be held, with what people do while it is away.
 * The operator is a process of this machine and the installed one is away: runs alone.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Api, type Json } from './support/api.ts';
import { expectProtected, expectServing } from './support/expectations.ts';
import { LocalOperator, withoutInstalled } from './support/local-operator.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { image, NAME, type Overrides, type Shape, upgrade } from './support/workloads.ts';

const api = new Api();
let bringBack = async (): Promise<void> => {};
beforeAll(async () => {
  bringBack = await withoutInstalled(api);
}, TEST_MS);
afterAll(() => bringBack(), TEST_MS);

const ON_DELETE: Overrides = { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } };
/** What carries the gate where there is no such policy is the installed operator. */
const hasPolicy = await api
  .get('/apis/admissionregistration.k8s.io/v1')
  .then(({ resources }: Json) => resources.some(({ name }: Json) => name === 'mutatingadmissionpolicies'));
const HELD: readonly (readonly [what: string, shape: Shape, overrides: Overrides | undefined])[] = [
  ...(hasPolicy ? [['a Deployment, held by the gate', 'Deployment', undefined] as const] : []),
  ['a StatefulSet, held by its partition', 'StatefulSet OrderedReady', undefined],
  ['a StatefulSet, held by what is deleted', 'StatefulSet Parallel', ON_DELETE],
  ['a DaemonSet, held by what is deleted', 'DaemonSet', ON_DELETE],
];
const STAGES = [
  { name: 'canary', pods: 1, approval: 'Manual' },
  { name: 'rest', soakSeconds: 3 },
];
const ORDER = ['Waiting', 'Rolling', 'Soaking', 'AwaitingApproval', 'Done'];

const partitionOf = async (s: Scenario): Promise<number> =>
  (await s.workload()).spec.updateStrategy?.rollingUpdate?.partition ?? 0;

/** An operator that dies at a moment, whatever it is doing then, until it is started again. */
class Mortal {
  readonly #s: Scenario;
  #operator: LocalOperator;

  constructor(s: Scenario) {
    this.#s = s;
    this.#operator = new LocalOperator(s.namespace);
    s.atEnd(() => void this.#operator.kill());
  }

  async diesWhen(what: string, isSo: (status: Json) => unknown): Promise<Json> {
    try {
      return await waitFor(what, () => this.#s.status(), isSo, { everyMs: 50, timeoutSeconds: 120 });
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\n${this.#operator.said}`);
    } finally {
      await this.#operator.kill();
    }
  }

  /** At a stage, or just beyond it where it is over in a moment. */
  diesAt(index: number, state: string): Promise<Json> {
    const isThere = ({ stages = [] }: Json) =>
      ORDER.indexOf(stages[index]?.state ?? 'Waiting') >= ORDER.indexOf(state);
    return this.diesWhen(`stage ${index} to be ${state}`, isThere);
  }

  lives(): void {
    this.#operator = new LocalOperator(this.#s.namespace);
  }
}

test.each(HELD)(
  '%s, ends well when its operator is killed at each stage, and is approved while there is none',
  (_what, shape, overrides) =>
    scenario(shape, `killed stages ${overrides ? 'ondelete' : 'rolling'}`, async (s) => {
      await s.deploy('v1', overrides);
      await s.create(upgrade(shape, 'v2', { strategy: { stages: STAGES } }));
      const operator = new Mortal(s);
      const { attempt } = await operator.diesAt(0, 'Rolling');
      operator.lives();
      await operator.diesAt(0, 'AwaitingApproval');
      // Deployments make pods that the gate holds.
      expect(s.pods.mostOf(image('v2')).there).toBeLessThanOrEqual(shape === 'Deployment' ? 2 : 1);
      await s.say('approve', '1/canary');
      operator.lives();
      await operator.diesAt(1, 'Rolling');
      operator.lives();
      await operator.diesAt(1, 'Soaking');
      operator.lives();

      const status = await s.until('Succeeded', 120);
      expect(status).toMatchObject({
        attempt: { id: attempt.id, startedAt: attempt.startedAt, number: 1 },
        history: [{ outcome: 'Succeeded' }],
        stages: [
          { name: 'canary', state: 'Done' },
          { name: 'rest', state: 'Done' },
        ],
      });
      await expectServing(s, 'v2');
      expect(s.pods.mostOf(image('v2')).undecided).toBeLessThanOrEqual(1);
      expect([...s.pods.leaked]).toEqual([]);
      expect(await partitionOf(s)).toBe(0);
    })(),
  TEST_MS,
);

/** The second pod of a StatefulSet to be replaced is web-0. */
const FAILS_LAST = {
  strategy: { stages: [{ name: 'canary', pods: 1 }] },
  postCheck: {
    checks: [
      {
        name: 'last',
        exec: { command: ['sh', '-c', '[ "$VERSION$HOSTNAME" != v2web-0 ] || exit 17'] },
        exitCodes: [{ codes: '17', class: 'Fail', reason: 'Unsupported' }],
      },
    ],
  },
};

test(
  'a version that fails in the last stage goes back when the operator is killed all the way, and the partition stands as it was',
  scenario('StatefulSet OrderedReady', 'killed stages bad', async (s) => {
    await s.deploy('v1');
    await s.create(upgrade(s.shape, 'v2', FAILS_LAST));
    const operator = new Mortal(s);
    await operator.diesAt(1, 'Rolling');
    operator.lives();
    await operator.diesWhen('the fallback to be recorded', ({ fallback }) => fallback);
    operator.lives();
    await operator.diesWhen('the fallback to be written', ({ fallback }) => fallback.rolledAt);
    operator.lives();
    const status = await s.until('FellBack', 120);
    expect(status).toMatchObject({ attempt: { number: 1 }, history: [{ outcome: 'FellBack' }] });
    expect(status.message).toContain('exited 17 (Unsupported)');
    await expectServing(s, 'v1');
    expectProtected(s);
    expect(await partitionOf(s)).toBe(0);
  }),
  TEST_MS,
);

test(
  'an Upgrade that is deleted in the canary while there is no operator is put back by the next one, to the partition that the user set',
  scenario('StatefulSet OrderedReady', 'killed stages deleted', async (s) => {
    await s.deploy('v1');
    await s.create(upgrade(s.shape, 'v2', { strategy: { stages: STAGES } }));
    const operator = new Mortal(s);
    await operator.diesAt(0, 'AwaitingApproval');
    expect(await partitionOf(s)).toBe(1);
    await s.api.remove(`${s.upgradePath}/${NAME}`);
    operator.lives();
    await waitFor(
      'the Upgrade to go',
      () => s.api.find(`${s.upgradePath}/${NAME}`),
      (found) => found === undefined,
      { timeoutSeconds: 120 },
    );
    expect(await partitionOf(s)).toBe(0);
    await expectServing(s, 'v1');
  }),
  TEST_MS,
);
