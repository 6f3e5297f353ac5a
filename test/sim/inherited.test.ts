/** An attempt that keeps the fallback target of the one before it finds images of that one, and of others: only those that postcheck set are its own. */
import { expect, jest, test } from '@jest/globals';
import { exits } from './behaviour.ts';
import { played, three } from './played.ts';
import { bad, type KindName, NEW, NEWER, OLD, superseded } from './stories.ts';
import { annotate, asked, phaseIs, type Step, type Story, target, wantImage } from './story.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const SOME: readonly KindName[] = ['Deployment', 'StatefulSet', 'DaemonSet OnDelete'];
const HOTFIX = 'registry.example/web:1.0.1';

/** The second attempt is recorded, and its images are not written yet. */
function isRecorded(world: World): boolean {
  const { attempt } = world.upgrade()?.status ?? {};
  return attempt?.number === 2 && attempt.rolledAt === undefined;
}
const hotfix: Step = {
  when: isRecorded,
  act: (world) => void world.setImages(target(world), { web: HOTFIX }, 'kubectl-set'),
};
function overtaken(kind: KindName, steps: Story['steps']): Story {
  const story = superseded(kind, { answer: () => 2 });
  return {
    ...story,
    spec: { ...bad(kind).spec, ...story.spec },
    images: { [NEW]: exits(2), [NEWER]: exits(17) },
    losesPods: true,
    steps,
  };
}
const isAsked = (world: World): boolean => asked(world, NEW) >= 1;

test.each(SOME)('what others set before a retry is written is what it falls back to: %s', async (kind) => {
  const run = await played({
    ...bad(kind),
    losesPods: true,
    steps: [{ when: phaseIs('FellBack'), act: (world) => annotate(world, 'retry', 'again') }, hotfix],
  });
  expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(HOTFIX) });
});

test.each(SOME)('and so it is before the version that overtakes another one is written: %s', async (kind) => {
  const run = await played(
    overtaken(kind, [{ when: isAsked, act: (world) => wantImage(world, NEWER) }, hotfix]),
  );
  expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(HOTFIX) });
});

test.each(SOME)(
  'what admission made of the overtaken version is no version to fall back to: %s',
  async (kind) => {
    const mirror = (image: string) => image.replace('registry.example', 'mirror.example');
    const isWritten = (world: World): boolean =>
      target(world).containers[0]?.image === mirror(NEW) && !world.upgrade()?.status?.attempt?.rolledAt;
    const run = await played({
      ...overtaken(kind, [{ when: isWritten, act: (world) => wantImage(world, NEWER) }]),
      images: { [mirror(NEW)]: exits(2), [mirror(NEWER)]: exits(17) },
      arrange: (world) => {
        world.admission = (image) => (image === OLD ? OLD : mirror(image));
      },
    });
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
  },
);
