import { expect, test } from '@jest/globals';
import { electionTiming, requestMs } from './lease.ts';

test('a renewal that is lost on a dead connection leaves a second for another one', () => {
  const { renewMs, retryMs, renewDeadlineMs, leaseMs } = electionTiming;
  expect(renewMs + requestMs + retryMs + 1_000).toBeLessThanOrEqual(renewDeadlineMs);
  expect(renewDeadlineMs + 2_000).toBeLessThan(leaseMs);
});
