/**
 * Caches that lag, events that get lost, requests that fail, processes that die again and again, and two leaders at once. With all tests a part of
 * the plans is played: test/support/share.ts.
 */
import { describe, expect, test } from '@jest/globals';
import type { PodView } from '../../src/api/views.ts';
import type { WatchedKind } from '../../src/engine/ports.ts';
import { addFigure, addRecovery } from '../support/figures.ts';
import { shareOf } from '../support/share.ts';
import { VirtualClock } from './clock.ts';
import type { Fault, Faults, WriteKind } from './operator.ts';
import { cutAt, play, type Run, type RunOptions } from './run.ts';
import { bad, deadline, good, KINDS, retryThenGood } from './stories.ts';
import type { Story } from './story.ts';

const WATCHED: readonly WatchedKind[] = [
  'Upgrade',
  'Deployment',
  'StatefulSet',
  'ReplicaSet',
  'ControllerRevision',
  'Pod',
  'Node',
];
const start = (run: Run): number => (run.writes[0]?.at ?? 0) - 10;

interface Plan {
  readonly name: string;
  readonly story: Story;
  readonly options: RunOptions;
  /** The request that it disturbs, where it is one. */
  readonly kind?: WriteKind;
  /** When its fault is over, in seconds from the operator's start; before the run without the fault ends, if absent. */
  readonly overAfter?: number;
}

const undisturbed = new Map<string, Promise<Run>>();

/** The story without a fault, played once. */
function referenceOf(story: Story): Promise<Run> {
  const reference = undisturbed.get(story.name) ?? play(story);
  undisturbed.set(story.name, reference);
  return reference;
}

/** Plays the plans with this fault; returns those that break a rule or end in another way than without the fault. */
async function wrongOnes(fault: string, plans: readonly Plan[], mostExtraWrites: number): Promise<string[]> {
  const wrong: string[] = [];
  const chosen = shareOf(
    plans,
    `${fault} ${plans[0]?.name}`,
    ({ story, kind = '' }) => `${story.name} ${kind}`,
  );
  addFigure('faultPlans', chosen.length);
  addFigure('faultExisting', plans.length);
  for (const { name, story, options, overAfter = 0 } of chosen) {
    const reference = await referenceOf(story);
    const run = await play(story, options);
    addRecovery(fault, 'virtual', run.tookSeconds - Math.max(reference.tookSeconds, overAfter));
    const complaints = [...run.violations];
    if (JSON.stringify(run.ending) !== JSON.stringify(reference.ending)) {
      complaints.push(`ended as ${JSON.stringify(run.ending)}`);
    }
    if (run.writes.length > reference.writes.length + mostExtraWrites) {
      complaints.push(`${run.writes.length} writes`);
    }
    if (complaints.length > 0) {
      wrong.push(`${story.name}, ${name}: ${complaints.join('; ')}`);
    }
  }
  return wrong;
}

/** Numbers that depend on the seed alone. */
function chances(seed: number): () => number {
  const clock = new VirtualClock(0, seed);
  return () => clock.random();
}

describe('a write that fails', () => {
  test.each(['conflict', 'unavailable', 'throttled', 'unanswered'] as const)(
    'with "%s", whichever it is, changes nothing about the end',
    async (fault: Fault) => {
      const plans: Plan[] = [];
      for (const story of [...KINDS.map(bad), good('Deployment'), retryThenGood('StatefulSet')]) {
        const { writes } = await referenceOf(story);
        for (const { number, kind } of writes) {
          plans.push({
            name: `npx node test/sim/replay.ts '${story.name}' --crash ${number}:${fault}`,
            story,
            options: { faults: cutAt(number, fault) },
            kind,
          });
        }
      }
      expect(await wrongOnes('F11', plans, 4)).toEqual([]);
      expect(plans.length).toBeGreaterThan(60);
    },
    300_000,
  );

  test('with 403 stalls the Upgrade, is tried every 20 s, and goes on by itself once it is allowed', async () => {
    for (const kind of [
      'patchStatus',
      'patchImages',
      'patchVerified',
      'releaseFields',
      'deletePod',
    ] as const) {
      const story = bad('StatefulSet');
      const reference = await referenceOf(story);
      const until = start(reference) + 300_000;
      const faults: Faults = {
        write: (write) => (write.kind === kind && write.at < until ? 'forbidden' : undefined),
      };
      const run = await play(story, { faults });
      expect([
        kind,
        run.violations.filter((violation) => !violation.startsWith('error: The API server rejected')),
      ]).toEqual([kind, []]);
      expect([kind, run.ending]).toEqual([kind, reference.ending]);
      expect(run.writes.length).toBeLessThan(reference.writes.length + 60);
      const stalled = run.writes.some(
        ({ kind: own, what }) => own === 'patchStatus' && what.includes('forbidden'),
      );
      expect([kind, stalled]).toEqual([kind, true]);
    }
  });

  const TEN_MINUTES = 600_000;
  const failingFor = (kind: WriteKind, fault: Fault, from: number): Faults => ({
    write: (write) => (write.kind === kind && write.at < from + TEN_MINUTES ? fault : undefined),
  });

  test.each(['conflict', 'unavailable', 'throttled'] as const)(
    'with "%s" for minutes is named in the status, and the end is the same (kubernetes#95958, argo-rollouts#4073)',
    async (fault) => {
      for (const kind of ['patchImages', 'patchVerified', 'releaseFields'] as const) {
        for (const story of [good('Deployment'), bad('StatefulSet')]) {
          const reference = await referenceOf(story);
          const run = await play(story, { faults: failingFor(kind, fault, start(reference)) });
          const what = [kind, story.name];
          expect([...what, run.ending]).toEqual([...what, reference.ending]);
          const named = run.writes.find(
            (write) => write.kind === 'patchStatus' && write.what.includes('Blocked: '),
          );
          expect([...what, named === undefined]).toEqual([...what, kind === 'releaseFields']);
        }
      }
    },
    300_000,
  );

  test.each(KINDS)(
    'of our fields in the workload, which others can do without, holds up nothing: %s',
    async (kind) => {
      for (const story of [good(kind), bad(kind)]) {
        const reference = await referenceOf(story);
        const run = await play(story, {
          faults: failingFor('releaseFields', 'unavailable', start(reference)),
        });
        expect([story.name, run.ending]).toEqual([story.name, reference.ending]);
        expect(run.tookSeconds).toBeLessThan(reference.tookSeconds + 5);
      }
    },
  );

  test('one time out of three for ten minutes never causes a fallback, and loses none', async () => {
    const plans = [good('Deployment'), bad('DaemonSet'), deadline('StatefulSet')].flatMap((story) =>
      Array.from({ length: 10 }, (_, seed): Plan => {
        const random = chances(seed);
        return {
          name: `seed ${seed}`,
          story,
          options: { seed, faults: { write: () => (random() < 0.33 ? 'unavailable' : undefined) } },
        };
      }),
    );
    expect(await wrongOnes('F14', plans, 40)).toEqual([]);
  }, 300_000);

  test('for as long as the API server is away, five minutes at any time, is made up for when it is back', async () => {
    const plans: Plan[] = [];
    for (const story of [good('Deployment'), bad('StatefulSet'), deadline('DaemonSet')]) {
      const from = start(await referenceOf(story));
      for (const afterMs of [0, 500, 1200, 1700, 5000, 60_500]) {
        const away = (at: number) => at >= from + afterMs && at < from + afterMs + 300_000;
        plans.push({
          name: `away after ${afterMs} ms`,
          story,
          options: { faults: { write: ({ at }) => (away(at) ? 'unavailable' : undefined) } },
          overAfter: afterMs / 1000 + 300,
        });
      }
    }
    expect(await wrongOnes('F14', plans, 60)).toEqual([]);
  }, 300_000);
});

describe('a cache', () => {
  test('of any kind that stands still for a minute, at any time, causes no wrong write', async () => {
    const plans: Plan[] = [];
    for (const story of [good('Deployment'), bad('Deployment'), bad('StatefulSet'), good('DaemonSet')]) {
      const from = start(await referenceOf(story));
      for (const kind of WATCHED) {
        for (const afterMs of [50, 300, 1100, 1500, 3000]) {
          const until = from + afterMs + 60_000;
          const faults: Faults = {
            frozenUntil: (own, now) => (own === kind && now >= from + afterMs ? until : 0),
          };
          plans.push({
            name: `${kind} frozen after ${afterMs} ms`,
            story,
            options: { stale: true, faults },
            overAfter: afterMs / 1000 + 60,
          });
        }
      }
    }
    expect(await wrongOnes('F4', plans, 30)).toEqual([]);
    expect(plans).toHaveLength(140);
  }, 300_000);

  test('whose events arrive late and in any order across kinds gives the same end', async () => {
    const plans = [
      good('Deployment'),
      bad('StatefulSet'),
      bad('DaemonSet'),
      retryThenGood('StatefulSet Parallel'),
    ].flatMap((story) =>
      Array.from({ length: 25 }, (_, seed): Plan => {
        const random = chances(seed + 100);
        return {
          name: `seed ${seed}`,
          story,
          options: { seed, stale: true, faults: { delayMs: () => Math.floor(random() ** 3 * 1500) } },
        };
      }),
    );
    expect(await wrongOnes('F7', plans, 25)).toEqual([]);
  }, 300_000);

  test('that misses any single event is right again after the next full list', async () => {
    const plans: Plan[] = [];
    for (const story of [good('Deployment'), bad('StatefulSet')]) {
      const { world, writes } = await referenceOf(story);
      const first = world.state.log.findIndex(({ kind }) => kind === 'Upgrade');
      const events = world.state.log.slice(first).length;
      expect(writes.length).toBeGreaterThan(5);
      for (let lost = 1; lost < events; lost++) {
        let seen = 0;
        plans.push({
          name: `event ${lost} lost`,
          story,
          options: { stale: true, faults: { resyncMs: 300_000, drops: () => ++seen === lost } },
        });
      }
    }
    expect(await wrongOnes('F6', plans, 40)).toEqual([]);
    expect(plans.length).toBeGreaterThan(60);
  }, 90_000);

  test.each(['Deployment', 'StatefulSet', 'DaemonSet OnDelete'] as const)(
    'that misses that a pod of a %s became ready takes no version back before the next full list (argo-rollouts#4694)',
    async (kind) => {
      const story = { ...good(kind), spec: { ...good(kind).spec, postCheck: { deadlineSeconds: 60 } } };
      for (const lost of [1, 2, 3]) {
        const ready = new Set<string>();
        const drops: Faults['drops'] = ({ kind: of, object }) => {
          const { uid, conditions } = object as PodView;
          const isNews = of === 'Pod' && conditions['ContainersReady']?.status === 'True' && !ready.has(uid);
          return isNews && ready.add(uid).size === lost;
        };
        const run = await play(story, { stale: true, faults: { resyncMs: 300_000, drops } });
        expect(run.violations).toEqual([]);
        expect(run.ending).toMatchObject({ phase: 'Succeeded', outcomes: ['1 Succeeded'] });
      }
    },
  );
});

describe('a process', () => {
  test('that dies at two places ends as the run without a crash', async () => {
    const plans = [good('Deployment'), bad('StatefulSet'), bad('DaemonSet'), deadline('Deployment')].flatMap(
      (story, index) => {
        const random = chances(index + 7);
        return Array.from({ length: 30 }, (): Plan => {
          const cuts = [1, 2].map(() => ({
            number: 1 + Math.floor(random() * 14),
            how: (['before', 'lost', 'after'] as const)[Math.floor(random() * 3)],
          }));
          const faults: Faults = { write: ({ number }) => cuts.find((cut) => cut.number === number)?.how };
          return { name: JSON.stringify(cuts), story, options: { faults } };
        });
      },
    );
    expect(await wrongOnes('F2', plans, 8)).toEqual([]);
  }, 300_000);

  test('that is told to stop answers for what is under way, writes nothing more, and the next one goes on', async () => {
    const times = Array.from({ length: 24 }, (_, index) => Math.ceil(5 * 1.35 ** index));
    const late: string[] = [];
    const plans = [good('Deployment'), bad('StatefulSet')].flatMap((story) =>
      times.map((afterMs): Plan => {
        let stopped = false;
        const faults: Faults = {
          write: ({ operator, what }) => void (stopped && operator === 1 && late.push(what)),
        };
        const disturb: RunOptions['disturb'] = (stage) =>
          stage.world.clock.after(afterMs, async () => {
            await stage.operators[0]?.engine.stop();
            stopped = true;
            stage.startOperator();
          });
        return { name: `stopped after ${afterMs} ms`, story, options: { faults, disturb } };
      }),
    );
    expect(await wrongOnes('F29', plans, 4)).toEqual([]);
    expect(late).toEqual([]);
  }, 300_000);

  test('that is killed every few seconds for ten minutes still comes to the end, and extends no deadline', async () => {
    for (const [story, everyMs] of [
      [good('Deployment'), 4000],
      [deadline('Deployment'), 7000],
      [bad('StatefulSet'), 2500],
    ] as const) {
      const reference = await referenceOf(story);
      const run = await play(story, {
        disturb: (stage) => {
          const killAndStart = (left: number): void => {
            for (const operator of stage.operators) {
              operator.kill();
            }
            stage.startOperator();
            if (left > 0) {
              stage.world.clock.after(everyMs, () => killAndStart(left - 1));
            }
          };
          stage.world.clock.after(everyMs, () => killAndStart(Math.floor(600_000 / everyMs)));
        },
      });
      addRecovery('F3', 'virtual', run.tookSeconds - Math.max(reference.tookSeconds, 600));
      expect(run.violations).toEqual([]);
      expect(run.ending).toEqual(reference.ending);
      if (!Number.isNaN(reference.fellBackAfterSeconds)) {
        expect(run.fellBackAfterSeconds).toBeLessThan(
          reference.fellBackAfterSeconds + 2 * (everyMs / 1000) + 2,
        );
      }
    }
  }, 300_000);

  test('that starts with old lists of pods and ReplicaSets waits for the rest', async () => {
    const plans: Plan[] = [];
    for (const story of [good('Deployment'), bad('Deployment')]) {
      for (const number of [3, 5, 7, 9]) {
        for (const kind of ['Pod', 'ReplicaSet'] as const) {
          for (const behind of [1, 5, 20]) {
            let newest = 0;
            const faults: Faults = {
              ...cutAt(number, 'lost'),
              listsAsOf: (own, operator) => (own === kind && operator > 1 ? newest - behind : undefined),
            };
            const disturb: RunOptions['disturb'] = ({ world }) =>
              world.state.onChange(({ version }) => {
                newest = version;
              });
            plans.push({
              name: `write ${number} lost, ${kind} ${behind} changes behind`,
              story,
              options: { stale: true, faults, disturb },
            });
          }
        }
      }
    }
    expect(await wrongOnes('F5', plans, 12)).toEqual([]);
  }, 300_000);
});

describe('two operators that both believe to lead', () => {
  test('keep every rule together, and do not fight', async () => {
    const stories = [
      ...KINDS.map(good),
      ...KINDS.map(bad),
      deadline('Deployment'),
      retryThenGood('StatefulSet'),
    ];
    const plans = stories.flatMap((story) =>
      Array.from({ length: 8 }, (_, seed): Plan => {
        const random = chances(seed + 1);
        return {
          name: `seed ${seed}`,
          story,
          options: { seed, operators: 2, stale: true, faults: { delayMs: () => Math.floor(random() * 40) } },
        };
      }),
    );
    expect(await wrongOnes('F26', plans, 45)).toEqual([]);
  }, 90_000);

  test('keep them too when the caches of the second lag behind by seconds', async () => {
    const stories = [good('Deployment'), bad('Deployment'), bad('StatefulSet'), deadline('DaemonSet')];
    const plans = stories.flatMap((story) =>
      WATCHED.flatMap((kind) =>
        [2, 200, 1200, 2500].map((afterMs): Plan => {
          let first = 0;
          const frozen: Faults['frozenUntil'] = (own, now, operator) => {
            first ||= now;
            return operator === 2 && own === kind && now >= first + afterMs ? first + afterMs + 20_000 : 0;
          };
          return {
            name: `${kind} after ${afterMs} ms`,
            story,
            options: { operators: 2, stale: true, faults: { frozenUntil: frozen } },
          };
        }),
      ),
    );
    expect(await wrongOnes('F26', plans, 60)).toEqual([]);
  }, 90_000);
});
