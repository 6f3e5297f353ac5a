/** Somebody taints a node while a DaemonSet with OnDelete is upgraded: a pod that is deleted there has no successor (kubernetes#53556). */
import { expect, jest, test } from '@jest/globals';
import { exits } from './behaviour.ts';
import { played, three } from './played.ts';
import { bad, NEW, OLD, told, workloadOf } from './stories.ts';
import { afterSeconds, asked, phaseIs, type Story, target } from './story.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const TAINT = 'example.com/dedicated';
const KIND = 'DaemonSet OnDelete';
const tainted = (more: Partial<Story>): Story => ({
  ...told('tainted', KIND, {}, { minutes: 60, losesPods: true }),
  spec: { containers: [{ name: 'web', image: NEW }], progressDeadlineSeconds: 300 },
  ...more,
});
const taint = { when: phaseIs('Pending'), act: (world: World) => world.taint('node-3', TAINT) };
const podOn = (world: World, node: string) => world.podsOf(target(world)).filter((pod) => pod.node === node);
const imagesOn = (world: World, node: string) =>
  podOn(world, node).map(({ containers }) => containers[0]?.image);

test('the pod that would not come back stays, which is said, and is replaced when the taint is gone', async () => {
  const said: string[] = [];
  const run = await played(
    tainted({
      steps: [
        taint,
        { when: (world) => asked(world, NEW) >= 2, act: () => {} },
        {
          when: afterSeconds(30),
          act: (world) => void said.push(world.upgrade()?.status?.message ?? ''),
        },
        {
          when: phaseIs('Inconclusive'),
          act: (world) => {
            said.push(world.upgrade()?.status?.message ?? '');
            expect(imagesOn(world, 'node-3')).toEqual([OLD]);
            world.taint('node-3');
          },
        },
      ],
    }),
  );
  const why = `on node-3: not replaced, because DaemonSet web does not tolerate the taint ${TAINT}=yes:NoSchedule of the node and would have no pod there`;
  expect(said).toEqual([
    expect.stringMatching(new RegExp(`^Rolling DaemonSet web .*: 2 of 3 updated, 2 passed; pod \\S+ ${why}`)),
    expect.stringMatching(new RegExp(`^No verdict on web:2.0 yet: 2 of 3 pods passed; pod \\S+ ${why}`)),
  ]);
  expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW), outcomes: ['1 Succeeded'] });
});

test('the attempt ends without it when somebody deletes it', async () => {
  const run = await played(
    tainted({
      steps: [
        taint,
        {
          when: phaseIs('Inconclusive'),
          act: (world) => podOn(world, 'node-3').forEach((pod) => void world.kubelet.terminate(pod)),
        },
      ],
    }),
  );
  expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: [`${NEW} serves`, `${NEW} serves`] });
  expect(run.message).toMatch(/verified on 2 of 2 pods/);
});

test('a taint that is tolerated, or that Kubernetes sets itself, holds nothing up', async () => {
  const tolerations = [{ key: TAINT, operator: 'Exists', value: '', effect: '' }];
  const run = await played(tainted({ workload: { ...workloadOf(KIND), tolerations }, steps: [taint] }));
  expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
});

test('a bad version goes back everywhere else, and a pod of it that serves there is left, and named', async () => {
  const run = await played(
    tainted({
      images: { [NEW]: { answer: ({ node }) => (node === 'node-2' ? 17 : 0) } },
      spec: { ...bad(KIND).spec, progressDeadlineSeconds: 300 },
      steps: [
        {
          when: (world) =>
            podOn(world, 'node-1').some(
              ({ containers, conditions }) =>
                containers[0]?.image === NEW && conditions['Ready']?.status === 'True',
            ),
          act: (world) => world.taint('node-1', TAINT),
        },
      ],
    }),
  );
  expect(run.ending.phase).toBe('FallbackFailed');
  expect(imagesOn(run.world, 'node-1')).toEqual([NEW]);
  expect(run.message).toContain(`does not tolerate the taint ${TAINT}=yes:NoSchedule of the node`);
});

test('a pod that does not serve is taken back there too', async () => {
  const run = await played(
    tainted({
      images: { [NEW]: exits(17) },
      spec: bad(KIND).spec,
      steps: [
        {
          when: phaseIs('FallingBack'),
          act: (world) => {
            const [pod] = world
              .podsOf(target(world))
              .filter(({ containers }) => containers[0]?.image === NEW);
            world.taint(pod?.node ?? '', TAINT);
          },
        },
      ],
    }),
  );
  expect(run.ending).toMatchObject({ phase: 'FellBack', pods: [`${OLD} serves`, `${OLD} serves`] });
});
