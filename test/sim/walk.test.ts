import { expect, test } from '@jest/globals';
import { play } from './run.ts';
import { walkOf } from './walk.ts';

const WALKS = 200;
const MOVING = ['Pending', 'Upgrading', 'PostChecking', 'FallingBack', 'FallbackChecking'];

test(`${WALKS} random walks through changes, rivals, lost nodes, refused writes and crashes keep every rule and come to rest`, async () => {
  const wrong: string[] = [];
  for (let seed = 1; seed <= WALKS; seed++) {
    const { story, options } = walkOf(seed);
    const { violations, ending, world, message } = await play(story, options);
    const { spec, status } = world.upgrade() ?? {};
    const stalled = status?.conditions?.some(
      ({ type, status: value }) => type === 'Stalled' && value === 'True',
    );
    const restless =
      MOVING.includes(ending.phase) && !stalled && !spec?.paused ? [`it never came to rest: ${message}`] : [];
    const complaints = [...violations, ...restless];
    if (complaints.length > 0) {
      wrong.push(`${complaints.join('; ')}\n  npx node test/sim/replay.ts 'walk ${seed}'`);
    }
  }
  expect(wrong).toEqual([]);
}, 120_000);
