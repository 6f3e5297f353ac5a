/** What users of other namespaces forge to look like a part of the workload changes nothing. */
import { describe, expect, test } from '@jest/globals';
import { VERIFIED } from '../../src/api/names.ts';
import type { OwnerView, PodView, RevisionView } from '../../src/api/views.ts';
import { play } from './run.ts';
import { good, KINDS, NEW } from './stories.ts';
import { type Story, target } from './story.ts';
import type { World } from './world.ts';

const NEVER = 'never.local/x:1';

/** A pod that can never start, with everything of a real one save its namespace. */
function forgePod(world: World, owner: OwnerView, revision: string): PodView {
  return world.state.put('Pod', {
    namespace: 'evil',
    name: 'forged',
    uid: world.state.uid('pod'),
    resourceVersion: '',
    owner,
    revision,
    node: 'node-1',
    ip: '',
    phase: 'Pending',
    reason: '',
    deleting: false,
    createdAt: world.clock.now(),
    conditions: {},
    specChanges: 0,
    imagesChanged: [],
    gates: [],
    containers: [
      {
        name: 'web',
        image: NEVER,
        role: 'regular',
        id: '',
        restarts: 0,
        state: 'waiting',
        reason: 'ErrImageNeverPull',
        message: '',
        ready: false,
      },
    ],
  });
}

/** One that is older than the real one, so that a Deployment's oldest revision of the template would be this. */
function forgeRevision(world: World, real: RevisionView): void {
  world.state.put(real.kind, {
    ...real,
    namespace: 'evil',
    name: 'forged',
    uid: world.state.uid('rev'),
    hash: 'forged',
    revision: 999,
    createdAt: 0,
  });
}

function forgeAll(world: World): void {
  const workload = target(world);
  const kind = workload.kind === 'Deployment' ? 'ReplicaSet' : 'ControllerRevision';
  const real = world.state
    .all(kind)
    .filter(({ templateDigest }) => templateDigest === workload.templateDigest);
  for (const revision of real) {
    const { uid, name } = workload.kind === 'Deployment' ? revision : workload;
    const owner = { kind: workload.kind === 'Deployment' ? 'ReplicaSet' : workload.kind, name, uid };
    forgePod(world, owner, revision.hash);
    forgeRevision(world, revision);
  }
}

describe.each(KINDS)('a %s', (kind) => {
  test('is upgraded although another namespace has pods and revisions that claim to be its own', async () => {
    const begun = (world: World) => world.pods().some(({ containers }) => containers[0]?.image === NEW);
    const story: Story = {
      ...good(kind),
      images: { [NEVER]: { start: 'pullFails' } },
      steps: [{ when: begun, act: forgeAll }],
    };
    const run = await play(story);
    const forged = run.world.pods().filter(({ namespace }) => namespace === 'evil');
    expect(forged).toHaveLength(1);
    expect(forged[0]?.containers[0]).toMatchObject({ state: 'waiting' });
    expect(forged[0]?.conditions).not.toHaveProperty(VERIFIED);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', outcomes: ['1 Succeeded'] });
    expect(run.violations).toEqual([]);
  });
});
