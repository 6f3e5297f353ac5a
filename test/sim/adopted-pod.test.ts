/** Whoever may create and label pods has the controller adopt a pod of their own: what such a pod says is not of the version. */
import { expect, jest, test } from '@jest/globals';
import type { PodView, RevisionView } from '../../src/api/views.ts';
import type { Answer } from './behaviour.ts';
import { currentRevisionOf } from './controllers.ts';
import { played } from './played.ts';
import type { Run } from './run.ts';
import { NEW, told, workloadOf } from './stories.ts';
import { afterSeconds, asked, type Story, target } from './story.ts';
import { type World, wholeSeconds } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const NODE = 'node-of-adopted';
const NAME = 'web-adopted';

/** The ReplicaSet adopts a pod that is as old as the story, and deletes its own in its place, which is not Ready. */
function adopt(world: World): void {
  const { name, uid, hash }: RevisionView = currentRevisionOf(world, target(world));
  const own = world.pods().find(({ revision }) => revision === hash) as PodView;
  world.state.put('Pod', {
    ...own,
    name: NAME,
    uid: world.state.uid('pod'),
    owner: { kind: 'ReplicaSet', name, uid },
    node: NODE,
    phase: 'Pending',
    createdAt: wholeSeconds(world.clock.now()) - 600_000,
    conditions: {},
    gates: [],
    containers: own.containers.map(({ startedAt: _, ...container }) => ({
      ...container,
      id: '',
      state: 'waiting',
      ready: false,
    })),
  });
}

function deleteAdopted(world: World): void {
  const pod = world.pods().find(({ name }) => name === NAME);
  if (pod) {
    world.kubelet.terminate(pod);
  }
}

const adopted = (says: Answer, ofVersion: Answer): Story => ({
  ...told(
    'a pod is adopted',
    'Deployment',
    { answer: ({ node }) => (node === NODE ? says : ofVersion) },
    {
      spec: { postCheck: { deadlineSeconds: 60 } },
      losesPods: true,
      steps: [{ when: (world) => asked(world, NEW) > 0, act: adopt }],
    },
  ),
  workload: { ...workloadOf('Deployment'), replicas: 1 },
});

const withDeletion = (story: Story): Story => ({
  ...story,
  steps: [...(story.steps ?? []), { when: afterSeconds(120), act: deleteAdopted }],
});

function answersOf({ world }: Run): readonly unknown[] {
  const pod = world.pods().find(({ name }) => name === NAME);
  return world.kubelet.asked.filter(({ podUid }) => podUid === pod?.uid);
}

test.each<[string, Answer, Answer]>([
  ['passes no bad version', 0, 17],
  ['fails no good version', 17, 2],
])('a pod that is older than the revision it is labelled with %s', async (_what, says, ofVersion) => {
  const run = await played(adopted(says, ofVersion));
  expect([run.ending.phase, run.world.upgrade()?.status?.pods?.[0]?.reason]).toEqual([
    'Inconclusive',
    'ForeignPod',
  ]);
  expect(run.world.pods().map(({ name }) => name)).toContain(NAME);
  expect(answersOf(run)).toEqual([]);
  expect(run.message).toContain('older than the revision in its labels');
  expect(run.message).toContain('delete the pod');
});

test('the pod that the controller creates in its place is evidence', async () => {
  expect((await played(withDeletion(adopted(0, 17)))).ending.phase).toBe('FellBack');
});
