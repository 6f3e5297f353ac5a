/** What people did to a workload or to its Upgrade around an attempt. Each names the public issue that it comes from. */
import { describe, expect, jest, test } from '@jest/globals';
import { played } from './played.ts';
import { bad, type KindName, NEW, NEWER, OLD, superseded, workloadOf } from './stories.ts';
import { afterSeconds, annotate, asked, phaseIs, type Story, target, wantImage } from './story.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const SOME: readonly KindName[] = ['Deployment', 'StatefulSet', 'DaemonSet OnDelete'];

const PROXY = 'registry.example/proxy:1';
const NEWER_PROXY = 'registry.example/proxy:2';
const HOTFIX = 'registry.example/web:1.0.1';

const setImages =
  (images: Readonly<Record<string, string>>) =>
  (world: World): void =>
    void world.setImages(target(world), images, 'kubectl-set');

describe('what another team set meanwhile, in a container that is not upgraded (managed-gitops#467, kubernetes#75136)', () => {
  const withProxy = (kind: KindName, story: Story, steps: Story['steps']): Story => ({
    ...story,
    workload: { ...workloadOf(kind), images: { web: OLD, proxy: PROXY } },
    losesPods: true,
    steps,
  });

  test.each(SOME)('is not undone by a retry: %s', async (kind) => {
    const run = await played(
      withProxy(kind, bad(kind), [
        { when: phaseIs('FellBack'), act: setImages({ proxy: NEWER_PROXY }) },
        {
          when: afterSeconds(120),
          act: (world) => {
            world.images[NEW] = {};
            annotate(world, 'retry', 'again');
          },
        },
      ]),
    );
    expect(run.ending).toMatchObject({ phase: 'Succeeded', images: { web: NEW, proxy: NEWER_PROXY } });
  });

  test.each(SOME)('is undone neither by the next version nor by its fallback: %s', async (kind) => {
    for (const code of [0, 17]) {
      const story = superseded(kind, { answer: () => code });
      const run = await played(
        withProxy(kind, { ...story, spec: { ...bad(kind).spec, ...story.spec } }, [
          { when: (world) => asked(world, NEW) >= 1, act: setImages({ proxy: NEWER_PROXY }) },
          { when: afterSeconds(20), act: (world) => wantImage(world, NEWER) },
        ]),
      );
      expect(run.ending).toMatchObject({
        phase: code === 0 ? 'Succeeded' : 'FellBack',
        images: { web: code === 0 ? NEWER : OLD, proxy: NEWER_PROXY },
      });
    }
  });
});

test.each(SOME)('a retry that fails goes back to the hotfix that ran before it: %s', async (kind) => {
  const run = await played({
    ...bad(kind),
    losesPods: true,
    steps: [
      { when: phaseIs('FellBack'), act: setImages({ web: HOTFIX }) },
      { when: afterSeconds(120), act: (world) => annotate(world, 'retry', 'again') },
    ],
  });
  expect(run.ending).toMatchObject({ phase: 'FellBack', images: { web: HOTFIX } });
});
