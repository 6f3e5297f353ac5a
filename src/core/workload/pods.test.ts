import { expect, test } from '@jest/globals';
import { conditionOf, containerOf, evicted, NOW, podOf } from '../../../test/support/snapshots.ts';
import { isEnding, isLive } from './pods.ts';

const marked = (status: 'True' | 'False') =>
  podOf({ conditions: { DisruptionTarget: conditionOf(status, 5, 'EvictionByEvictionAPI') } });

test.each([
  ['a pod that runs', podOf(), false, true],
  ['a pod that is being deleted', podOf({ deleting: true }), true, false],
  ['a pod that its node evicts', evicted(), true, false],
  ['a pod that it has evicted', evicted({ phase: 'Failed' }), false, false],
  ['a pod that is to be evicted', marked('True'), true, false],
  ['a pod whose eviction came to nothing', marked('False'), false, true],
  [
    'a pod whose node was reset while it ended it',
    evicted({ containers: [containerOf({ startedAt: NOW })] }),
    false,
    true,
  ],
])('%s is ending: %s, and counts: %s', (_what, pod, ending, live) => {
  expect([isEnding(pod), isLive(pod)]).toEqual([ending, live]);
});
