import { expect, test } from '@jest/globals';
import { activeStatusOf, ago, completeUpgradeOf } from '../../test/support/snapshots.ts';
import { FALLBACK_FINALIZER } from '../api/names.ts';
import { followFinalizer } from './finalizer.ts';
import type { CompleteUpgrade } from './snapshot.ts';

const upgrade = ({ metadata, ...rest }: CompleteUpgrade, finalizers: readonly string[]): CompleteUpgrade => ({
  ...rest,
  metadata: { ...metadata, finalizers },
});
const OTHERS = 'example.com/other';
const end = { outcome: 'Succeeded', reason: 'PostCheckPassed', cause: '', at: ago(1) } as const;
const succeeded = activeStatusOf({ phase: 'Succeeded' }, { end, gating: false });

test('the finalizer comes with the need for it and goes with it, and those of others stay', () => {
  const open = upgrade(completeUpgradeOf(), [OTHERS]);
  const kept = upgrade(completeUpgradeOf(), [OTHERS, FALLBACK_FINALIZER]);
  expect(followFinalizer(open, activeStatusOf())).toMatchObject({ finalizers: [OTHERS, FALLBACK_FINALIZER] });
  expect(followFinalizer(kept, activeStatusOf()).kind).toBe('none');
  expect(followFinalizer(kept, succeeded)).toMatchObject({ finalizers: [OTHERS] });
  expect(followFinalizer(open, succeeded).kind).toBe('none');
});

test('none is put on an Upgrade that is being deleted: the API server would refuse it', () => {
  expect(followFinalizer(upgrade(completeUpgradeOf({ deleting: true }), []), activeStatusOf()).kind).toBe(
    'none',
  );
});
