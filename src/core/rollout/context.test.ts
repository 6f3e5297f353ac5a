/** What the pods of a rollout are compared with. */
import { expect, test } from '@jest/globals';
import {
  activeStatusOf,
  fallbackOf,
  NOW,
  OLD,
  snapshotOf,
  templateOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { rolledBackContext, verificationContext } from './context.ts';

const AT = NOW - 90_000;
const snapshot = snapshotOf({ updateRevisionCreatedAt: AT });
const FROM = { images: { web: OLD }, baseline: [] };

test.each<[string, ActiveStatus, number | undefined]>([
  ['of a new revision', activeStatusOf(), AT],
  ['of a retry', activeStatusOf({}, { trigger: 'Retry' }), AT],
  ['of images that the workload had before', activeStatusOf({}, { adopted: true }), undefined],
  ['of the revision before', activeStatusOf({ from: { ...FROM, revision: 'new' } }), undefined],
  ['of a fallback', activeStatusOf({ phase: 'FallingBack', fallback: fallbackOf() }), undefined],
])('the age of the revision counts where its pods cannot be older: those %s', (_what, status, at) => {
  expect(verificationContext(snapshot, status).revisionCreatedAt).toBe(at);
  expect(rolledBackContext(snapshot, status).revisionCreatedAt).toBeUndefined();
});

test('mounts are those of the present template, which the pods of an earlier revision may not have', () => {
  const containers = templateOf(OLD).flatMap((web) => [
    { ...web, mounts: ['/data'] },
    { ...web, name: 'log' },
  ]);
  const mounted = { ...snapshot, workload: workloadOf({ containers }) };
  expect(verificationContext(mounted, activeStatusOf()).templateMounts).toEqual({ web: ['/data'] });
  expect(rolledBackContext(mounted, activeStatusOf()).templateMounts).toBeUndefined();
});
