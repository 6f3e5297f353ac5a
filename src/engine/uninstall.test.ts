/** Taking the operator away in virtual time, from a cluster that goes on rolling meanwhile, and killed after every step. */
import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../test/sim/clock.ts';
import { conditionOf, NOW, podOf, statusOf, upgradeOf, workloadOf } from '../../test/support/snapshots.ts';
import { holdsFinalizer, isClosed } from '../api/gate.ts';
import { FALLBACK_FINALIZER, VERIFIED } from '../api/names.ts';
import type { Images, Upgrade } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { Installation, RequestFailure, VerifiedCondition, Writer, Written } from './ports.ts';
import { uninstall } from './uninstall.ts';

class Killed extends Error {}

/** A cluster in which a rollout makes pods, an API server puts gates on them, and the operator holds its Upgrade. */
class World implements Installation {
  readonly deployment = 'postcheck';
  readonly gatePolicyName = 'postcheck-gate';
  readonly clock = new VirtualClock(NOW, 1);
  readonly lines: string[] = [];
  pods: PodView[] = [];
  upgrades: Upgrade[] = [upgradeOf({ status: statusOf({}, { held: { partition: 1 } }) })];
  workload = workloadOf({ kind: 'StatefulSet', name: 'web', partition: 3 });
  /** The steps that are left until the program is killed. */
  stepsLeft = Number.POSITIVE_INFINITY;
  hasCertificates = true;
  refuses: string | undefined;
  /** The UIDs of objects that somebody has made so long that etcd has no room for another character of them. */
  readonly full = new Set<string>();
  /** The request that meets a write of somebody else, so often. */
  meets: { readonly what: string; times: number } | undefined;
  #unboundAt: number | undefined;
  #scaledAt: number | undefined;

  constructor() {
    this.#live();
  }

  /** Every moment: a new pod, and the finalizer and the certificates that an operator puts back as long as it runs. */
  #live(): void {
    if (this.isUp()) {
      this.hasCertificates = true;
      this.upgrades = this.upgrades.map((upgrade) => withFinalizers(upgrade, [FALLBACK_FINALIZER]));
    }
    // API servers take up to a second to forget a policy.
    const isGated = this.#unboundAt === undefined || this.clock.steady() < this.#unboundAt + 1000;
    const number = this.pods.length;
    const change = { name: `web-${number}`, uid: `pod-${number}`, gates: isGated ? [VERIFIED] : [] };
    this.pods.push(podOf(change));
    this.clock.after(400, () => this.#live());
  }

  /** It drains for two seconds. */
  isUp(): boolean {
    return this.#scaledAt === undefined || this.clock.steady() < this.#scaledAt + 2000;
  }

  isBound(): boolean {
    return this.#unboundAt === undefined;
  }

  /** A request takes a moment; the program may be killed before it is sent, and before its answer is read. */
  async #request<T>(what: string, run: () => T, uid = ''): Promise<Written<T>> {
    this.#step();
    await new Promise<void>((resolve) => void this.clock.after(5, resolve));
    if (this.full.has(uid)) {
      return { ok: false, failure: TOO_LARGE };
    }
    if (this.refuses === what) {
      return { ok: false, failure: REFUSED };
    }
    if (this.meets?.what === what && this.meets.times-- > 0) {
      return { ok: false, failure: { kind: 'conflict', message: 'written meanwhile' } };
    }
    const object = run();
    this.#step();
    return { ok: true, object };
  }

  #step(): void {
    if (this.stepsLeft-- <= 0) {
      throw new Killed();
    }
  }

  unbindGate = () =>
    this.#request('unbind', () => {
      const wasBound = this.isBound();
      this.#unboundAt ??= this.clock.steady();
      return wasBound;
    });

  scaleDown = () =>
    this.#request('scale', () => {
      this.#scaledAt ??= this.clock.steady();
      return true;
    });

  async isRunning(): Promise<boolean | 'unknown'> {
    const answer = await this.#request('running', () => this.isUp());
    return answer.ok ? answer.object : 'unknown';
  }

  removeCertificates = () =>
    this.#request('certificates', () => {
      const were = this.hasCertificates;
      this.hasCertificates = false;
      return were;
    });

  listUpgrades = () => this.#request('upgrades', () => this.upgrades);
  statefulSet = () => this.#request('statefulset', () => this.workload);
  listPods = () => this.#request('pods', () => [...this.pods]);

  readonly writer = {
    patchFinalizers: (upgrade: Upgrade, finalizers: readonly string[]) =>
      this.#request(
        'finalizers',
        () => {
          const { uid } = upgrade.metadata;
          this.upgrades = this.upgrades.map((known) =>
            known.metadata.uid === uid ? withFinalizers(upgrade, finalizers) : known,
          );
          return upgrade;
        },
        upgrade.metadata.uid,
      ),
    patchImages: (view: WorkloadView, _images: Images, partition: number) =>
      this.#request('partition', () => {
        this.workload = { ...view, partition, holdsOurFields: true } as WorkloadView;
        return this.workload;
      }),
    releaseFields: (view: WorkloadView) =>
      this.#request('fields', () => {
        this.workload = { ...view, holdsOurFields: false };
        return this.workload;
      }),
    patchVerified: (pod: PodView, { status }: VerifiedCondition) =>
      this.#request(
        'verified',
        () => {
          const conditions = { ...pod.conditions, [VERIFIED]: conditionOf(status) };
          this.pods = this.pods.map((known) => (known.uid === pod.uid ? { ...known, conditions } : known));
          return pod;
        },
        pod.uid,
      ),
  } as unknown as Writer;

  /** The program, once: its problems, `killed` when it did not come to its end. */
  async run(): Promise<readonly string[] | 'killed'> {
    const { clock, writer } = this;
    const report = (line: string) => {
      this.lines.push(line);
      this.#step();
    };
    let result: { readonly problems: readonly string[] | 'killed' } | undefined;
    void uninstall({ clock, writer, installation: this, report })
      .catch((error: unknown) => {
        if (!(error instanceof Killed)) {
          throw error;
        }
        return 'killed' as const;
      })
      .then((problems) => {
        result = { problems };
      });
    while (!result) {
      await clock.runUntil(clock.now() + 100, () => {});
    }
    return result.problems;
  }

  /** A while later, when whatever still comes has come. */
  async settle(): Promise<void> {
    await this.clock.runUntil(this.clock.now() + 10_000, () => {});
  }
}

const REFUSED: RequestFailure = { kind: 'forbidden', message: 'not allowed' };
const TOO_LARGE: RequestFailure = {
  kind: 'invalid',
  message: 'etcdserver: request is too large',
  tooLarge: true,
};

const withFinalizers = (upgrade: Upgrade, finalizers: readonly string[]): Upgrade => ({
  ...upgrade,
  metadata: { ...upgrade.metadata, finalizers: [...finalizers] },
});

async function expectNothingLeft(world: World): Promise<void> {
  await world.settle();
  expect({ bound: world.isBound(), up: world.isUp() }).toEqual({ bound: false, up: false });
  expect(world.hasCertificates).toBe(false);
  expect(world.upgrades.filter(holdsFinalizer)).toEqual([]);
  expect(world.pods.filter(isClosed)).toEqual([]);
  expect(world.workload).toMatchObject({ partition: 1, holdsOurFields: false });
}

/** So many steps a run has: each request has two, each line one. */
async function stepsOfARun(): Promise<number> {
  const world = new World();
  world.stepsLeft = 100_000;
  await world.run();
  return 100_000 - world.stepsLeft;
}

describe('uninstalling in the middle of a rollout', () => {
  test('leaves no binding, operator, certificates, finalizer or closed gate, and reports each step', async () => {
    const world = new World();
    expect(await world.run()).toEqual([]);
    expect(world.lines).toEqual([
      'removed policy binding or webhook postcheck-gate: new pods get no gate',
      'stopped the operator (Deployment postcheck)',
      "deleted the webhook's certificates",
      'restored the partition of 1 StatefulSet',
      'removed the finalizer from 1 Upgrade',
      expect.stringMatching(/^opened (1 closed gate|\d+ closed gates)$/),
    ]);
    await expectNothingLeft(world);
  });

  test('killed after any step, is completed by running it again', async () => {
    const steps = await stepsOfARun();
    expect(steps).toBeGreaterThan(15);
    for (let at = 0; at < steps; at++) {
      const world = new World();
      world.stepsLeft = at;
      expect(await world.run()).toBe('killed');
      world.stepsLeft = Number.POSITIVE_INFINITY;
      expect(await world.run()).toEqual([]);
      await expectNothingLeft(world);
    }
  });

  test.each(['partition', 'fields', 'finalizers'])(
    'and met by writes of others at the %s, tries again',
    async (what) => {
      const world = new World();
      world.meets = { what, times: 3 };
      expect(await world.run()).toEqual([]);
      await expectNothingLeft(world);
    },
  );

  test('and met by a write of others at every try, says so', async () => {
    const world = new World();
    world.meets = { what: 'finalizers', times: Number.POSITIVE_INFINITY };
    expect(await world.run()).toEqual([
      'cannot remove the finalizer from Upgrade shop/web: written meanwhile',
    ]);
    expect(world.upgrades.filter(holdsFinalizer)).toHaveLength(1);
  });

  test.each([
    ['unbind', "cannot remove the gate's policy binding or webhook: not allowed"],
    ['scale', 'cannot scale the operator down: not allowed'],
    ['running', "the operator's pods did not end within 40 s"],
    ['certificates', "cannot delete the webhook's certificates: not allowed"],
    ['pods', 'cannot list pods: not allowed'],
  ])('and refused %s, says so and opens no gate', async (what, sentence) => {
    const world = new World();
    world.refuses = what;
    expect(await world.run()).toEqual([sentence]);
    expect(world.pods.filter((pod) => pod.conditions[VERIFIED] !== undefined)).toEqual([]);
    world.refuses = undefined;
    expect(await world.run()).toEqual([]);
    await expectNothingLeft(world);
  });

  test.each([
    ['upgrades', 'cannot list Upgrades: not allowed'],
    ['statefulset', 'cannot restore the partition of StatefulSet shop/web: not allowed'],
    ['partition', 'cannot restore the partition of StatefulSet shop/web: not allowed'],
    ['fields', 'cannot restore the partition of StatefulSet shop/web: not allowed'],
    ['finalizers', 'cannot remove the finalizer from Upgrade shop/web: not allowed'],
  ])('and refused %s, says so and opens every gate all the same', async (what, sentence) => {
    const world = new World();
    world.refuses = what;
    expect(await world.run()).toEqual([sentence]);
    expect(world.pods.filter(isClosed)).toEqual([]);
    expect(world.upgrades.filter(holdsFinalizer)).toHaveLength(1);
    world.refuses = undefined;
    expect(await world.run()).toEqual([]);
    await expectNothingLeft(world);
  });

  test('is not held up by objects that somebody has made so that nothing can be written to them', async () => {
    const world = new World();
    const [mine] = world.upgrades;
    const hostile = upgradeOf({ status: statusOf() });
    const metadata = { ...hostile.metadata, namespace: 'evil', uid: 'evil' };
    world.upgrades = [{ ...hostile, metadata }, ...(mine ? [mine] : [])];
    world.pods = [podOf({ namespace: 'evil', name: 'full', uid: 'full', gates: [VERIFIED] }), ...world.pods];
    world.full.add('evil').add('full');
    expect(await world.run()).toEqual([
      'cannot remove the finalizer from Upgrade evil/web: etcdserver: request is too large',
      'cannot open the gate of pod evil/full: etcdserver: request is too large',
    ]);
    expect(world.upgrades.filter(holdsFinalizer).map(({ metadata: { uid } }) => uid)).toEqual(['evil']);
    expect(world.pods.filter(isClosed).map(({ uid }) => uid)).toEqual(['full']);
    world.full.clear();
    expect(await world.run()).toEqual([]);
    await expectNothingLeft(world);
  });

  test('names ten problems', async () => {
    const world = new World();
    world.refuses = 'verified';
    world.pods = Array.from({ length: 20 }, (_, n) =>
      podOf({ name: `many-${n}`, uid: `many-${n}`, gates: [VERIFIED] }),
    );
    const problems = await world.run();
    expect(problems).toHaveLength(11);
    expect(problems.at(-1)).toMatch(/^and \d+ more$/);
  });
});
