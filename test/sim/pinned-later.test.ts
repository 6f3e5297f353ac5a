/**
 * Images with and without their digest. Another client pins one once it is stored: the same version, which is verified as ours (kyverno#9421, Keel).
 * What the template has besides our own writes stays what it is, however alike.
 */
import { describe, expect, jest, test } from '@jest/globals';
import { exits } from './behaviour.ts';
import { played, three } from './played.ts';
import { NEW, OLD, told, workloadOf } from './stories.ts';
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

const pinned = (image: string): string => `${image}@sha256:${'0'.repeat(64)}`;
const runs =
  (image: string) =>
  (world: World): boolean =>
    target(world).containers.some((container) => container.image === image);
const pin = (image: string): Step => ({
  when: runs(image),
  act: (world) => void world.setImages(target(world), { web: pinned(image) }, 'kyverno'),
});

const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'DaemonSet OnDelete'] as const;

describe.each(KINDS)('the images of a %s are pinned once they are stored', (kind) => {
  const story = (name: string, bad: boolean, more: Partial<Story>): Story => ({
    ...told(name, kind, {}, { losesPods: true, minutes: 60, ...more }),
    images: bad ? { [NEW]: exits(17), [pinned(NEW)]: exits(17) } : {},
  });

  test('and what is verified is the pinned version', async () => {
    const run = await played(story('pinned', false, { steps: [pin(NEW)] }));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(pinned(NEW)) });
    expect(run.world.upgrade()?.status?.to).toMatchObject({
      images: { web: pinned(NEW) },
      requested: { web: NEW },
    });
  });

  test('and so is it while its pods are verified', async () => {
    const step = { ...pin(NEW), when: phaseIs('PostChecking') };
    const run = await played(story('pinned late', false, { steps: [step] }));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(pinned(NEW)) });
  });

  test('and a bad one falls back, also if what is restored is pinned too', async () => {
    const run = await played(story('pinned and bad', true, { steps: [pin(NEW), pin(OLD)] }));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(pinned(OLD)) });
  });

  test('and a bad one that is pinned as it falls back is the failed one still', async () => {
    const late = { ...pin(NEW), when: phaseIs('FallingBack') };
    const run = await played(story('pinned as it falls back', true, { steps: [late] }));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
  });

  const again = (name: string, bad: boolean): Story => ({
    ...story(name, bad, { steps: [pin(NEW)] }),
    workload: { ...workloadOf(kind), images: { web: pinned(NEW) } },
  });

  test('and the version that ran before under its digest is verified as it runs', async () => {
    const run = await played(again('pinned again', false));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(pinned(NEW)) });
    expect(run.world.upgrade()?.status?.attempt?.adopted).toBe(true);
  });

  test('and so does a success that is verified again, which ends the drift', async () => {
    const retried: Story = {
      ...story('pinned at the end', false, {}),
      steps: [
        { ...pin(NEW), when: phaseIs('Succeeded') },
        { when: afterSeconds(120), act: (world) => annotate(world, 'retry', 'again') },
        { ...pin(NEW), when: (world) => runs(NEW)(world) },
      ],
    };
    const run = await played(retried);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(pinned(NEW)) });
    const ready = run.world.upgrade()?.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready?.status).toBe('True');
  });

  test.each([false, true])('wherever the operator is cut, of a bad version: %s', async (bad) => {
    const { failures } = await sweep(story('pinned and cut', bad, { steps: [pin(NEW)] }), 1, ['lost']);
    expect(failures).toEqual([]);
  });
});

describe.each(KINDS)(
  'a version of a %s that is the previous image with a digest (renovatebot/docker-renovate-full#420, classicswarm#2960)',
  (kind) => {
    const story = (name: string, image: string, steps: readonly Step[] = []): Story => ({
      ...told(name, kind, {}, { losesPods: true, minutes: 60, steps }),
      spec: { containers: [{ name: 'web', image: pinned(image) }], postCheck: { deadlineSeconds: 120 } },
      images: { [pinned(image)]: exits(17) },
    });
    const hasPod =
      (image: string): Step['when'] =>
      (world) =>
        world.pods().some(({ phase, containers }) => phase === 'Running' && containers[0]?.image === image);

    test('is rolled back if it is bad', async () => {
      const run = await played(story('a digest for its tag', OLD));
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    });

    test('and also if the workload is changed as it falls back', async () => {
      const scaled: Step = { when: phaseIs('FallingBack'), act: (world) => void scaleTo(world, 3) };
      const run = await played(story('a digest for its tag, scaled', OLD, [scaled]));
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    });

    test.each([OLD, NEW])('is given up for %s', async (image) => {
      const given: Step = { when: hasPod(pinned(image)), act: (world) => wantImage(world, image) };
      const run = await played(story('the tag for its digest', image, [given]));
      expect(run.ending).toMatchObject({
        phase: 'Succeeded',
        pods: three(image),
        outcomes: ['2 Succeeded', '1 Superseded'],
      });
    });

    test('is rolled back by an attempt that is aborted before it has written its tag', async () => {
      const run = await played(
        story('aborted before its tag', OLD, [
          { when: hasPod(pinned(OLD)), act: (world) => wantImage(world, OLD) },
          {
            when: (world) => world.upgrade()?.status?.attempt?.number === 2,
            act: (world) => annotate(world, 'abort', 'x'),
          },
        ]),
      );
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    });

    test('is rolled back wherever the operator is cut', async () => {
      const { failures } = await sweep(story('a digest for its tag, cut', OLD), 1, ['lost']);
      expect(failures).toEqual([]);
    });
  },
);

test('the digest of another tag is another version', async () => {
  const run = await played({
    ...told('set to another', 'Deployment', {}, { losesPods: true }),
    workload: workloadOf('Deployment'),
    steps: [
      {
        when: runs(NEW),
        act: (world) => void world.setImages(target(world), { web: pinned(`${NEW}.1`) }, 'kyverno'),
      },
    ],
  });
  expect(run.ending).toMatchObject({ phase: 'Failed', reason: 'ImageConflict' });
});
