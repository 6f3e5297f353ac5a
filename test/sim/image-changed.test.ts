/** Whoever may patch pods sets another image in a pod itself, while it is verified: what such a pod says is not of the version. */
import { expect, jest, test } from '@jest/globals';
import { VERIFIED } from '../../src/api/names.ts';
import type { PodView } from '../../src/api/views.ts';
import { exits } from './behaviour.ts';
import { isReady } from './controllers.ts';
import { played, three } from './played.ts';
import type { Run } from './run.ts';
import { KINDS, type KindName, NEW, OLD, told } from './stories.ts';
import { afterSeconds, asked, phaseIs, type Step, type Story, target } from './story.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const OTHER = 'registry.example/web:9.9';
const SPEC = { postCheck: { deadlineSeconds: 60 } };

/** The first pod of the new version. */
const newPod = ({ world }: { readonly world: World }): PodView | undefined =>
  world.podsOf(target(world)).find(({ revision, deleting }) => !deleting && revision === revisionOf(world));
const revisionOf = (world: World): string | undefined => world.upgrade()?.status?.to?.revision;

const setImage =
  (image: string): Step['act'] =>
  (world) => {
    const pod = newPod({ world });
    if (pod) {
      world.kubelet.setImage(pod, 'web', image);
    }
  };
const deletePod: Step['act'] = (world) => {
  const pod = newPod({ world });
  if (pod) {
    world.kubelet.terminate(pod);
  }
};

/** A bad version's first pod runs the good one for a while, and then what its workload made it with. */
const masked = (kind: KindName): Story =>
  told('a bad version is masked', kind, exits(17), {
    spec: SPEC,
    losesPods: true,
    steps: [
      { when: (world) => asked(world, NEW) > 0, act: setImage(OLD) },
      { when: afterSeconds(20), act: setImage(NEW) },
    ],
  });

/** A good version's first pod is set to a bad image as soon as it is there. */
const slandered = (kind: KindName): Story =>
  told(
    'a good version is slandered',
    kind,
    { startsAfterMs: 3000 },
    {
      images: { [NEW]: { startsAfterMs: 3000 }, [OTHER]: exits(17) },
      spec: SPEC,
      losesPods: true,
      steps: [{ when: (world) => newPod({ world }) !== undefined, act: setImage(OTHER) }],
    },
  );

const withDeletion = (story: Story): Story => ({
  ...story,
  steps: [...(story.steps ?? []), { when: afterSeconds(120), act: deletePod }],
});

const reasonOf = ({ world }: Run): string | undefined => world.upgrade()?.status?.pods?.[0]?.reason;

test.each(KINDS)('a pod that ran the good image for a while passes nothing: %s', async (kind) => {
  const run = await played(masked(kind));
  expect([run.ending.phase, reasonOf(run)]).toEqual(['Inconclusive', 'ImageChanged']);
  expect(newPod(run)?.conditions[VERIFIED]).toMatchObject({ status: 'False', reason: 'ImageChanged' });
  expect(run.message).toContain(
    'container web may have had another image for a while, which its workload did not set: delete the pod',
  );
  expect(run.world.pods().filter((pod) => pod.revision === revisionOf(run.world) && isReady(pod))).toEqual(
    [],
  );
});

test.each(KINDS)('a pod that is made in its place is evidence again: %s', async (kind) => {
  expect((await played(withDeletion(masked(kind)))).ending).toMatchObject({
    phase: 'FellBack',
    pods: three(OLD),
  });
  expect((await played(withDeletion(slandered(kind)))).ending).toMatchObject({
    phase: 'Succeeded',
    pods: three(NEW),
  });
});

test.each(KINDS)('a pod that was set to a bad image fails nothing: %s', async (kind) => {
  const run = await played(slandered(kind));
  expect([run.ending.phase, reasonOf(run)]).toEqual(['Inconclusive', 'ImageChanged']);
  expect(run.message).toContain(
    'container web has image web:9.9 in place of web:2.0, which its workload did not set',
  );
});

test('a gate that is open is closed when the image is changed while the attempt runs', async () => {
  const opened = (world: World): boolean => newPod({ world })?.conditions[VERIFIED]?.status === 'True';
  const story = told(
    'a verified pod is changed',
    'StatefulSet',
    {},
    {
      spec: SPEC,
      losesPods: true,
      steps: [{ when: opened, act: setImage(OTHER) }],
    },
  );
  const run = await played(story);
  expect(run.ending.phase).toBe('Inconclusive');
  expect(newPod(run)?.conditions[VERIFIED]).toMatchObject({ status: 'False', reason: 'ImageChanged' });
});

test('a fallback is not verified by a pod that was changed', async () => {
  const isBack = (world: World): boolean =>
    phaseIs('FallbackChecking', 'FallingBack')(world) && backPod(world) !== undefined;
  const backPod = (world: World): PodView | undefined =>
    world
      .podsOf(target(world))
      .find(
        ({ gates, containers, revision }) =>
          gates.length === 0 &&
          containers[0]?.image === OLD &&
          revision === world.upgrade()?.status?.from?.revision,
      );
  const story = told('the version before is masked', 'Deployment', exits(17), {
    images: { [NEW]: exits(17), [OLD]: exits(17), [OTHER]: {} },
    spec: { ...SPEC, progressDeadlineSeconds: 120 },
    losesPods: true,
    steps: [
      {
        when: isBack,
        act: (world) => {
          for (const pod of world
            .podsOf(target(world))
            .filter(({ revision }) => revision !== revisionOf(world))) {
            world.kubelet.setImage(pod, 'web', OTHER);
          }
        },
      },
    ],
  });
  const run = await played(story);
  expect([run.ending.phase, run.ending.fallback]).toEqual(['FallbackFailed', 'Unverified No']);
});

test('the version before is not asked in a pod that runs another image', async () => {
  const run = await played(
    told(
      'the version before is masked before the start',
      'Deployment',
      { answer: () => 'missing' },
      {
        images: { [NEW]: { answer: () => 'missing' }, [OTHER]: { answer: () => 'missing' } },
        losesPods: true,
        arrange: (world) =>
          world.clock.after(5000, () => {
            for (const pod of world.pods()) {
              world.kubelet.setImage(pod, 'web', OTHER);
            }
          }),
      },
    ),
  );
  expect(run.world.upgrade()?.status?.from?.baseline).toEqual([]);
  expect(run.ending.phase).toBe('FallbackFailed');
});

test('after the end the status says that a pod runs another image', async () => {
  const run = await played(
    told(
      'a pod is changed after the end',
      'Deployment',
      {},
      {
        losesPods: true,
        steps: [{ when: phaseIs('Succeeded'), act: setImage(OTHER) }],
      },
    ),
  );
  const ready = run.world.upgrade()?.status?.conditions?.find(({ type }) => type === 'Ready');
  expect([run.ending.phase, ready?.status, ready?.reason]).toEqual(['Succeeded', 'False', 'Drifted']);
  expect(run.message).toMatch(
    /^Deployment web was upgraded, but container web of pod web-\S+ was since set to registry.example\/web:9.9: delete the pod/,
  );
});
