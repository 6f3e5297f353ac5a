/** A node that was lost before a DaemonSet's attempt began, and is then taken out of the cluster. */
import { expect, test } from '@jest/globals';
import type { NodeView } from '../../src/api/views.ts';
import { play } from './run.ts';
import { good, NEW } from './stories.ts';
import { phaseIs } from './story.ts';

test('every pod of the nodes that are left is proved', async () => {
  const { world, violations, ending } = await play({
    ...good('DaemonSet'),
    name: 'a lost node is removed',
    losesPods: true,
    // The second pod takes its time, so that an end after the first would be seen.
    images: { [NEW]: { answer: ({ index, ageMs }) => (index === 1 || ageMs > 30_000 ? 0 : 1) } },
    arrange: (the) => the.clock.after(7000, () => the.setNodeReady('node-3', false)),
    steps: [
      {
        when: phaseIs('Upgrading', 'PostChecking'),
        act: (the) => {
          for (const pod of the.pods().filter(({ node }) => node === 'node-3')) {
            the.state.remove('Pod', pod);
          }
          the.state.remove('Node', the.node('node-3') as NodeView);
        },
      },
    ],
  });
  expect(violations).toEqual([]);
  expect(world.upgrade()?.status?.attempt?.excludedNodes).toEqual(['node-3']);
  expect(ending).toMatchObject({ phase: 'Succeeded', pods: Array(2).fill(`${NEW} serves`) });
  expect(world.upgrade()?.status?.counts).toMatchObject({ desired: 2, passed: 2 });
});
