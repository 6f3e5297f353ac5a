/** Whoever may create and label pods has the controller adopt a pod of their own: what such a pod says is not of the version. */
import { expect, jest, test } from '@jest/globals';
import type { PodView } from '../../src/api/views.ts';
import type { Answer } from './behaviour.ts';
import { currentRevisionOf } from './controllers.ts';
import { played } from './played.ts';
import { type KindName, NEW, told, workloadOf } from './stories.ts';
import { afterSeconds, asked, type Story, target } from './story.ts';
import { type World, wholeSeconds } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

/** Only the pod of somebody else is there. */
const NODE = 'node-of-adopted';

interface Foreign {
  readonly ageMs: number;
  readonly mounts?: readonly string[];
}
const OLDER: Foreign = { ageMs: 600_000 };
/** Of two pods that are not Ready, the ReplicaSet deletes the younger one. */
const MOUNTED: Foreign = { ageMs: 3000, mounts: ['/usr/bin/readiness_probe.sh'] };

/** The pod has labels and owner of the controller's. A ReplicaSet deletes its own for it, which is not Ready; elsewhere it takes the place. */
function adopt(world: World, { ageMs, mounts }: Foreign): void {
  const { hash } = currentRevisionOf(world, target(world));
  const own = world.pods().find(({ revision }) => revision === hash) as PodView;
  const takesPlace = target(world).kind !== 'Deployment';
  if (takesPlace) {
    world.state.remove('Pod', own);
  }
  world.state.put('Pod', {
    ...own,
    name: takesPlace ? own.name : 'web-adopted',
    uid: world.state.uid('pod'),
    node: NODE,
    phase: 'Pending',
    createdAt: wholeSeconds(world.clock.now()) - ageMs,
    conditions: {},
    gates: [],
    containers: own.containers.map(({ startedAt: _, ...container }) => ({
      ...container,
      id: '',
      state: 'waiting',
      ready: false,
      ...(mounts ? { mounts } : {}),
    })),
  });
}

const adopted = (world: World): PodView | undefined => world.pods().find(({ node }) => node === NODE);

const story = (kind: KindName, foreign: Foreign, says: Answer, ofVersion: Answer): Story => ({
  ...told(
    'a pod is adopted',
    kind,
    { answer: ({ node }) => (node === NODE ? says : ofVersion) },
    {
      spec: { postCheck: { deadlineSeconds: 60 } },
      losesPods: true,
      steps: [{ when: (world) => asked(world, NEW) > 0, act: (world) => adopt(world, foreign) }],
    },
  ),
  workload: { ...workloadOf(kind), replicas: 1 },
});

test.each<[what: string, kind: KindName, foreign: Foreign, why: string]>([
  ['that is older than its revision', 'Deployment', OLDER, 'older than the revision in its labels'],
  ['with another check', 'Deployment', MOUNTED, 'a volume is mounted at /usr/bin/readiness_probe.sh'],
  ['with another check', 'StatefulSet', MOUNTED, 'a volume is mounted at /usr/bin/readiness_probe.sh'],
])('a pod %s passes no bad version and fails no good one: %s', async (_what, kind, foreign, why) => {
  for (const [says, ofVersion] of [
    [0, 17],
    [17, 2],
  ] as const) {
    const { ending, world, message } = await played(story(kind, foreign, says, ofVersion));
    expect([ending.phase, world.upgrade()?.status?.pods?.[0]?.reason]).toEqual([
      'Inconclusive',
      'ForeignPod',
    ]);
    const pod = adopted(world);
    expect(pod?.phase).toBe('Running');
    expect(world.kubelet.asked.filter(({ podUid }) => podUid === pod?.uid)).toEqual([]);
    expect(message).toContain(why);
    expect(message).toContain('delete the pod');
  }
});

test('the pod that the controller creates in its place is evidence', async () => {
  const { steps = [], ...rest } = story('Deployment', OLDER, 0, 17);
  const deleted = (world: World): void => {
    const pod = adopted(world);
    if (pod) {
      world.kubelet.terminate(pod);
    }
  };
  const run = await played({ ...rest, steps: [...steps, { when: afterSeconds(120), act: deleted }] });
  expect(run.ending.phase).toBe('FellBack');
});
