import { expect, test } from '@jest/globals';
import { ago, statusOf, upgradeOf } from '../../test/support/snapshots.ts';
import { FALLBACK_FINALIZER } from '../api/names.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import { followFinalizer } from './finalizer.ts';

const upgrade = ({ metadata, ...rest }: Upgrade, finalizers: readonly string[]): Upgrade => ({
  ...rest,
  metadata: { ...metadata, finalizers },
});
const OTHERS = 'example.com/other';
const end = { outcome: 'Succeeded', reason: 'PostCheckPassed', cause: '', at: ago(1) } as const;
const succeeded: UpgradeStatus = statusOf({ phase: 'Succeeded' }, { end, gating: false });

test('the finalizer comes with the need for it and goes with it, and those of others stay', () => {
  const [open, kept] = [upgrade(upgradeOf(), [OTHERS]), upgrade(upgradeOf(), [OTHERS, FALLBACK_FINALIZER])];
  expect(followFinalizer(open, statusOf())).toMatchObject({ finalizers: [OTHERS, FALLBACK_FINALIZER] });
  expect(followFinalizer(kept, statusOf()).kind).toBe('none');
  expect(followFinalizer(kept, succeeded)).toMatchObject({ finalizers: [OTHERS] });
  expect(followFinalizer(open, succeeded).kind).toBe('none');
});

test('none is put on an Upgrade that is being deleted: the API server would refuse it', () => {
  expect(followFinalizer(upgrade(upgradeOf({ deleting: true }), []), statusOf()).kind).toBe('none');
});
