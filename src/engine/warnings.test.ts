import { expect, test } from '@jest/globals';
import { VirtualClock } from '../../test/sim/clock.ts';
import { workloadOf } from '../../test/support/snapshots.ts';
import type { Reader } from './ports.ts';
import { WarningCache } from './warnings.ts';

const warning = { message: 'exceeded quota', at: 0 };

test('an answer holds for less than half a minute, also when there is none', async () => {
  const clock = new VirtualClock(0, 1);
  const answers = [warning, undefined];
  const reader = { failedCreate: () => Promise.resolve(answers.shift()) } as unknown as Reader;
  const cache = new WarningCache({ clock, reader });
  expect(cache.of('workload-1')).toBeUndefined();
  await cache.refresh(workloadOf());
  expect(cache.of('workload-1')).toEqual(warning);
  await clock.runUntil(29_000, () => {});
  expect(cache.of('workload-1')).toBeUndefined();
  await cache.refresh(workloadOf());
  expect(cache.of('workload-1')).toBe('None');
});
