/** What makes a pod's kept result void, one by one. */
import { expect, test } from '@jest/globals';
import { conditionOf, NOW, podOf, recordOf, verificationContext } from '../../../test/support/snapshots.ts';
import type { VerificationContext } from './context.ts';
import type { PodRecord } from './probe-cycle.ts';
import { PodResults } from './results.ts';

/** Ready for three seconds, of five. */
const pod = podOf({ conditions: { ContainersReady: conditionOf('True', 3) } });
const waits = { postCheck: { readiness: { required: true, minReadySeconds: 5 } } };
const context = verificationContext(waits);
const none = new Map<string, PodRecord>();

function after(change: { context?: VerificationContext; now?: number; records?: Map<string, PodRecord> }) {
  const known = { context, records: none, now: NOW };
  const results = new PodResults();
  const [before] = results.of([pod], known);
  const [kept] = results.of([pod], { ...known, ...change });
  const [fresh] = new PodResults().of([pod], { ...known, ...change });
  expect(kept).toEqual(fresh);
  return { before, kept };
}

test('a result is reused while nothing changes', () => {
  const { before, kept } = after({ now: NOW + 1 });
  expect(kept).toBe(before);
});

test.each([
  ['the time', { now: NOW + 10_000 }],
  ['the loss of its node', { context: { ...context, nodeReady: () => false } }],
  ['another verification', { context: { ...context, id: 'proof-2', deadlineSeconds: 60 } }],
  ['the record of its probes', { records: new Map([[pod.uid, recordOf()]]) }],
])('and evaluated anew by %s', (_what, change) => {
  const { before, kept } = after(change);
  expect(kept).not.toEqual(before);
});
