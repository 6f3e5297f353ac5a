import { expect, test } from '@jest/globals';
import { ELECTION_TIMING, REQUEST_MS } from './election.ts';

test('a renewal that is lost on a dead connection leaves a second for another one', () => {
  const { renewMs, retryMs, renewDeadlineMs, leaseMs } = ELECTION_TIMING;
  expect(renewMs + REQUEST_MS + retryMs + 1_000).toBeLessThanOrEqual(renewDeadlineMs);
  expect(renewDeadlineMs + 2_000).toBeLessThan(leaseMs);
});
