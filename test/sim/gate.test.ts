/** The gate, `gate: Required`, and their limits: what keeps unverified pods from serving, and what is not taken for unverified. */
import { describe, expect, test } from '@jest/globals';
import type { PodView } from '../../src/api/views.ts';
import { isReady } from './controllers.ts';
import { play, type Run, type Stage } from './run.ts';
import { bad, good, KINDS, NEW, OLD, retriedAfterFallback } from './stories.ts';
import { afterSeconds, annotate, phaseIs, type Story, wantImage } from './story.ts';

const required = (story: Story): Story => ({ ...story, spec: { ...story.spec, gate: 'Required' } });

describe.each(KINDS)('gate: Required, on a %s', (kind) => {
  test('an upgrade that is taken back halfway deletes no pod of the version that ran before', async () => {
    const story: Story = {
      ...required(good(kind)),
      images: { [NEW]: { readyAfterMs: false }, [OLD]: { readyAfterMs: 4000 } },
      steps: [
        {
          when: phaseIs('PostChecking', 'Upgrading'),
          act: (world) => world.clock.after(8000, () => wantImage(world, OLD)),
        },
      ],
    };
    const run = await play(story);
    expect(run.violations).toEqual([]);
    expect(run.ending).toMatchObject({
      phase: 'Succeeded',
      outcomes: ['2 Succeeded', '1 Superseded'],
      pods: Array(3).fill(`${OLD} serves`),
    });
    expect(run.events.map(({ reason }) => reason)).not.toContain('GateMissed');
  });
});

test('a retry waits for a gate that is required and not there any more', async () => {
  const run = await play({
    ...required(retriedAfterFallback('Deployment')),
    steps: [
      {
        when: phaseIs('FellBack'),
        act: (world) => {
          world.gatePolicy.installed = false;
        },
      },
      // What was heard of the policy holds for ten seconds.
      { when: afterSeconds(15), act: (world) => annotate(world, 'retry', 'again-1') },
    ],
  });
  expect(run.violations).toEqual([]);
  expect(run.message).toMatch(
    /^spec.gate is Required, but neither the gate policy nor the gate webhook acts/,
  );
  expect(run.ending).toMatchObject({ phase: 'FellBack', outcomes: ['1 FellBack'], images: { web: OLD } });
});

test('a retry goes on as soon as the gate that it requires is there again', async () => {
  const run = await play({
    ...required(bad('Deployment')),
    steps: [
      {
        when: phaseIs('FellBack'),
        act: (world) => {
          world.images[NEW] = {};
          world.gatePolicy.installed = false;
        },
      },
      { when: afterSeconds(15), act: (world) => annotate(world, 'retry', 'again-1') },
      {
        when: afterSeconds(120),
        act: (world) => {
          world.gatePolicy.installed = true;
        },
      },
    ],
  });
  expect(run.violations).toEqual([]);
  expect(run.ending).toMatchObject({
    phase: 'Succeeded',
    outcomes: ['2 Succeeded', '1 FellBack'],
    images: { web: NEW },
  });
});

/** The operator ends as soon as there is a pod of the new version, and does not come back; half a minute later that pod has to be made anew. */
function end({ world, operators }: Stage, installed: boolean): void {
  const isNew = ({ containers }: PodView): boolean => containers.some(({ image }) => image === NEW);
  const stop = world.state.onChange(({ kind, object }) => {
    if (kind !== 'Pod' || !isNew(object as PodView)) {
      return;
    }
    stop();
    for (const operator of operators) {
      operator.kill();
    }
    world.gatePolicy.installed = installed;
    world.clock.after(30_000, () => {
      const [pod] = world.pods().filter(isNew);
      if (pod) {
        world.kubelet.terminate(pod);
      }
    });
  });
}

describe.each(KINDS)('an operator that is gone, on a %s', (kind) => {
  const played = (installed: boolean): Promise<Run> =>
    play(good(kind), { disturb: (stage) => end(stage, installed) });
  const serving = ({ world }: Run): string[] =>
    world
      .pods()
      .filter(isReady)
      .map(({ containers }) => containers[0]?.image ?? '');

  test('leaves a rollout where it is: the policy gates a pod that is made anew too', async () => {
    expect(serving(await played(true))).not.toContain(NEW);
  });

  test('takes its webhook along, and a pod that is made anew serves unverified', async () => {
    expect(serving(await played(false))).toContain(NEW);
  });
});
