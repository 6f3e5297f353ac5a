import { expect, test } from '@jest/globals';
import { VirtualClock } from '../../test/sim/clock.ts';
import { podOf, workloadOf } from '../../test/support/snapshots.ts';
import type { Reader } from './ports.ts';
import { WarningCache } from './warnings.ts';

const refused = { reason: 'FailedCreate', message: 'exceeded quota', at: 0 };
const unmounted = { reason: 'FailedMount', message: 'no such volume', at: 0 };
const reader = {
  failedCreate: () => Promise.resolve(refused),
  failedStart: () => Promise.resolve(unmounted),
} as unknown as Reader;

test('a cached warning has the time of its read, and expires unless it is refreshed', async () => {
  const clock = new VirtualClock(0, 1);
  const cache = new WarningCache({ clock, reader });
  expect(cache.of('workload-1')).toBeUndefined();
  await cache.refresh(workloadOf());
  const at = clock.now();
  await clock.runUntil(89_000, () => {});
  expect(cache.of('workload-1')).toEqual({ at, warning: refused });
  await clock.runUntil(90_000, () => {});
  expect(cache.of('workload-1')).toBeUndefined();
});

test('that there is no such event is cached too', async () => {
  const clock = new VirtualClock(0, 1);
  const none = { failedStart: () => Promise.resolve(undefined) } as unknown as Reader;
  const cache = new WarningCache({ clock, reader: none });
  await cache.refresh(podOf());
  expect(cache.of(podOf().uid)).toEqual({ at: clock.now(), warning: undefined });
});

test('pods are read for failed starts, workloads for failed creations of pods', async () => {
  const cache = new WarningCache({ clock: new VirtualClock(0, 1), reader });
  await cache.refresh(podOf({ uid: 'pod-9' }));
  await cache.refresh(workloadOf());
  expect(cache.of('pod-9')?.warning).toBe(unmounted);
  expect(cache.of('workload-1')?.warning).toBe(refused);
});
