/** Deployments with `strategy.type: Recreate`: no pod serves meanwhile, so each minute counts. */
import { describe, expect, jest, test } from '@jest/globals';
import type { PodView } from '../../src/api/views.ts';
import { type Behaviour, exits } from './behaviour.ts';
import { played, three } from './played.ts';
import { bad, NEW, NEWER, OLD, told, workloadOf } from './stories.ts';
import {
  afterSeconds,
  annotate,
  phaseIs,
  type Step,
  type Story,
  scaleTo,
  target,
  wantImage,
} from './story.ts';
import { sweep } from './sweep.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const recreated = (behaviour: Behaviour, steps: readonly Step[] = [], more: Partial<Story> = {}): Story => ({
  ...told('recreated', 'Deployment', behaviour, { losesPods: true, minutes: 60, steps, ...more }),
  workload: { ...workloadOf('Deployment'), recreates: true },
});
const FINAL = { spec: bad('Deployment').spec };
const slow: Behaviour = { answer: ({ ageMs }) => (ageMs < 30_000 ? 2 : 0) };

test.each<[string, Step['act'], object]>([
  ['is scaled', (world) => void scaleTo(world, 2), { phase: 'Succeeded', pods: three(NEW).slice(1) }],
  [
    'rolls its pods from now on',
    (world) => void world.changeSpec(target(world), { recreates: false, servesNothingMeanwhile: false }),
    { phase: 'Succeeded', pods: three(NEW) },
  ],
  ['is aborted', (world) => annotate(world, 'abort', 'now'), { phase: 'FellBack', pods: three(OLD) }],
  ['gets another version', (world) => wantImage(world, NEWER), { phase: 'Succeeded', pods: three(NEWER) }],
])('one that %s on the way ends well', async (_how, act, ending) => {
  for (const seconds of [1, 10]) {
    const run = await played(recreated(slow, [{ when: afterSeconds(seconds), act }]));
    expect(run.ending).toMatchObject(ending);
  }
});

test.each<Story>([
  { ...recreated({}), name: 'good, Recreate' },
  { ...recreated(exits(17), [], FINAL), name: 'bad, Recreate' },
])('one that is cut at any write ends the same: $name', async (story) => {
  expect((await sweep(story, 1)).failures).toEqual([]);
});

describe('a pod that its node evicted, and that is still there (kubernetes#60162, kubernetes#128798)', () => {
  const evict = (world: World, image: string): void => {
    const [pod] = world.podsOf(target(world)).filter(({ containers }) => containers[0]?.image === image);
    const ended = { state: 'terminated', reason: 'Error', exitCode: 137, ready: false } as const;
    const containers = pod?.containers.map((container) => ({ ...container, ...ended })) ?? [];
    world.state.put('Pod', { ...(pod as PodView), containers, phase: 'Failed', reason: 'Evicted' });
  };
  const OVERLOOKED =
    /pod web-\S+ on node-\d: has ended and is still there, and because of that its controller may create no pod for minutes \(kubernetes#128798\): run kubectl delete pod web-\S+ -n shop/;
  const said = (world: World): string => world.upgrade()?.status?.message ?? '';
  const removeEnded: Step['act'] = (world) => {
    const name = /delete pod (\S+)/.exec(said(world))?.[1];
    world.state.remove('Pod', world.pods().find((pod) => pod.name === name) as PodView);
  };
  const overlooks = (world: World): void => {
    world.overlooksEnded = true;
  };
  const beforehand = (world: World): void => {
    overlooks(world);
    world.clock.after(3000, () => evict(world, OLD));
  };

  test('is named while nothing serves because of it, and the attempt goes on once it is deleted', async () => {
    const steps = [{ when: afterSeconds(60), act: removeEnded }];
    const run = await played(recreated({}, steps, { arrange: beforehand }));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.tookSeconds).toBeLessThan(90);
  });

  test('takes no good version back when nobody deletes it', async () => {
    const steps = [
      { when: afterSeconds(300), act: (world: World) => expect(said(world)).toMatch(OVERLOOKED) },
    ];
    const spec = { progressDeadlineSeconds: 200, postCheck: { deadlineSeconds: 60 } };
    const run = await played(recreated({}, steps, { arrange: beforehand, spec }));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW), outcomes: ['1 Succeeded'] });
  });

  test('is named in a fallback too', async () => {
    const steps: Step[] = [
      { when: phaseIs('FallingBack'), act: (world) => evict(world, NEW) },
      { when: afterSeconds(60), act: removeEnded },
    ];
    const run = await played(recreated(exits(17), steps, { ...FINAL, arrange: overlooks }));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
  });
});
