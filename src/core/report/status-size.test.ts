/** A status is 100 KiB at most, whatever names, images, answers and texts an Upgrade meets in a whole history of decisions. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inFiftyStages, largeWorkload } from '../../../test/support/large-workload.ts';
import {
  conditionOf,
  containerOf,
  cycleOf,
  exit,
  NOW,
  podOf,
  snapshotOf,
  specOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { RETRY_ANNOTATION } from '../../api/names.ts';
import type { Images, Upgrade, UpgradeStatus } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import { decide, type Plan } from '../decision/decide.ts';
import type { Action } from '../plan.ts';
import { verificationId } from '../status.ts';
import { addCycle } from '../verification/probe-cycle.ts';

const MAX_BYTES = 100 * 1024;
const bytes = (status: UpgradeStatus): number => Buffer.byteLength(JSON.stringify(status));

/** What fills a text: plain, escaped in JSON, of three bytes, of four. */
const fillers = fc.constantFrom('a', '"', '\\', '世', '😀');
const filled = (filler: string, length: number): string => filler.repeat(length).slice(0, length);

interface World {
  readonly count: number;
  readonly named: number;
  readonly imageLengths: readonly [number, number, number];
  readonly filler: string;
  readonly grows: boolean;
  readonly historyLimit: number;
  readonly steps: readonly ('retry' | 'fail' | 'pass' | 'other' | 'wait')[];
}

const worlds: fc.Arbitrary<World> = fc.record({
  count: fc.constantFrom(1, 8, 15, 30, 64),
  named: fc.constantFrom(1, 8, 64),
  imageLengths: fc.tuple(
    fc.constantFrom(30, 230, 1000),
    fc.constantFrom(30, 230, 1000),
    fc.constantFrom(30, 230, 1000),
  ),
  filler: fillers,
  grows: fc.boolean(),
  historyLimit: fc.constantFrom(0, 50),
  steps: fc.array(fc.constantFrom('retry', 'fail', 'fail', 'pass', 'other', 'wait'), {
    minLength: 4,
    maxLength: 8,
  }),
});

const nameOf = (index: number): string => `container-${index}-`.padEnd(63, 'x');
const imageOf = (version: string, { filler }: World, length: number): string =>
  `${version}${filled(filler, length - version.length)}`;

/** Stores what is decided and does what it says, with an admission that may answer every image with a longer one. */
class Play {
  readonly statuses: UpgradeStatus[] = [];
  readonly states = new Set<Plan['state']>();
  readonly #world: World;
  #upgrade: Upgrade;
  #workload: WorkloadView;
  #now = NOW;
  #pass = false;
  #steps = 0;

  constructor(world: World) {
    this.#world = world;
    const [before, wanted] = world.imageLengths;
    const containers = Array.from({ length: world.count }, (_, index) => ({
      name: nameOf(index),
      image: imageOf('old', world, before),
      role: 'regular' as const,
      startupProbe: true,
    }));
    this.#workload = workloadOf({ kind: 'DaemonSet', containers, desired: 20, updated: 20, available: 20 });
    this.#upgrade = upgradeOf({ spec: this.#spec(imageOf('new', world, wanted)) });
  }

  #spec(image: string): Record<string, unknown> {
    const { named, count, historyLimit } = this.#world;
    const name = (index: number) => ({ name: nameOf(index), image });
    return {
      targetRef: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'web' },
      containers: Array.from({ length: Math.min(named, count) }, (_, index) => name(index)),
      historyLimit,
      postCheck: {
        checks: Array.from({ length: 8 }, (_, index) => ({
          name: `check-${index}-`.padEnd(63, 'x'),
          exec: { command: ['/check'] },
          containers: ['*'],
          maxOutputBytes: 8192,
        })),
      },
    };
  }

  run(): this {
    for (const step of this.#world.steps) {
      this.#begin(step);
      for (let turn = 0; turn < 6; turn++) {
        this.#turn();
      }
    }
    return this;
  }

  #begin(step: World['steps'][number]): void {
    this.#steps += 1;
    this.#pass = step === 'pass';
    this.#now += 700_000;
    if (step === 'retry') {
      const annotations = { [RETRY_ANNOTATION]: `${this.#steps}`.padEnd(256, this.#world.filler) };
      this.#upgrade = { ...this.#upgrade, metadata: { ...this.#upgrade.metadata, annotations } };
    } else if (step === 'other') {
      const image = imageOf(`v${this.#steps}`, this.#world, this.#world.imageLengths[2]);
      this.#upgrade = { ...this.#upgrade, spec: specOf(this.#spec(image)) };
    }
  }

  #turn(): void {
    this.#now += 3000;
    const pods = this.#pods();
    const context = {
      spec: this.#upgrade.spec,
      template: this.#workload.containers.map(({ name }) => name),
      verification: verificationId(this.#upgrade, this.#upgrade.status ?? {}),
      inFallback: this.#upgrade.status?.phase === 'FallingBack',
    };
    const code = this.#pass ? 0 : 17;
    const records = new Map(
      pods.map((pod) => {
        const cycle = cycleOf(exit(code, filled(this.#world.filler, 8192)), pod, context.spec);
        const at = { startedAt: this.#now - 1000, finishedAt: this.#now - 900 };
        return [pod.uid, addCycle(undefined, context, pod, { ...cycle, ...at })] as const;
      }),
    );
    const plan = decide(
      snapshotOf({
        now: this.#now,
        upgrade: this.#upgrade,
        workload: this.#workload,
        pods,
        records,
        updateRevision: 'r'.repeat(63),
      }),
    );
    this.statuses.push(plan.status);
    this.states.add(plan.state);
    this.#upgrade = { ...this.#upgrade, status: JSON.parse(JSON.stringify(plan.status)) as UpgradeStatus };
    this.#act(plan.action);
  }

  #pods() {
    return Array.from({ length: 20 }, (_, index) =>
      podOf({
        name: `${index}`.padEnd(253, 'p'),
        uid: `pod-${index}`,
        node: `${index}`.padEnd(253, 'n'),
        revision: 'r'.repeat(63),
        createdAt: this.#now - 500_000,
        conditions: { ContainersReady: conditionOf('True'), Ready: conditionOf('True') },
        containers: this.#workload.containers
          .slice(0, 2)
          .map(({ name, image }) => containerOf({ name, image, id: `containerd://${index}` })),
      }),
    );
  }

  #act(action: Action): void {
    if (action.kind === 'setFinalizers') {
      const { finalizers } = action;
      this.#upgrade = { ...this.#upgrade, metadata: { ...this.#upgrade.metadata, finalizers } };
    } else if (action.kind === 'releaseFields') {
      this.#workload = { ...this.#workload, holdsOurFields: false, imageManagers: {} };
    } else if (action.kind === 'patchImages') {
      this.#write(action.images);
    }
  }

  #write(images: Images): void {
    const { generation } = this.#workload;
    const answer = (image: string) => (this.#world.grows ? `m/${image}`.padEnd(1000, 'm') : image);
    this.#workload = {
      ...this.#workload,
      containers: this.#workload.containers.map((container) => {
        const image = images[container.name];
        return image === undefined ? container : { ...container, image: answer(image) };
      }),
      generation: generation + 1,
      observedGeneration: generation + 1,
      holdsOurFields: true,
      imageManagers: Object.fromEntries(Object.keys(images).map((name) => [name, 'postcheck'])),
    };
  }
}

describe('a status', () => {
  test('of 5,000 pods in 50 stages is 100 KiB at most, with every stage in it', () => {
    const { status } = largeWorkload(5000, undefined, inFiftyStages(5000)).decide();
    expect(status.stages).toHaveLength(50);
    expect(bytes(status)).toBeLessThanOrEqual(MAX_BYTES);
  });

  test('is 100 KiB at most after every decision of a history', () => {
    const states = new Set<string>();
    fc.assert(
      fc.property(worlds, (world) => {
        const play = new Play(world).run();
        for (const state of play.states) {
          states.add(state);
        }
        expect(Math.max(...play.statuses.map(bytes))).toBeLessThanOrEqual(MAX_BYTES);
      }),
      { numRuns: 12, seed: 20_260_101 },
    );
    expect([...states]).toEqual(
      expect.arrayContaining(['Blocked', 'Starting', 'ImagesPatched', 'Verifying', 'Conflicted', 'Idle']),
    );
  });
});
