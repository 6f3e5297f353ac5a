import { expect, test } from '@jest/globals';
import { activeStatusOf, ago, completeUpgradeOf, fallbackOf } from '../../test/support/snapshots.ts';
import { FALLBACK_FINALIZER } from '../api/names.ts';
import type { AnyReason } from '../api/reasons.ts';
import type { Attempt, UpgradeStatus } from '../api/types.ts';
import { completeStatus } from './complete-status.ts';
import { followFinalizer, mustRestore } from './finalizer.ts';
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

const endOf = (reason: AnyReason): Partial<Attempt> => ({
  end: { outcome: 'Failed', reason, cause: '', at: ago(1) } as NonNullable<Attempt['end']>,
});
const restores = (status: Partial<UpgradeStatus>, attempt: Partial<Attempt> = {}, action = 'Rollback') =>
  mustRestore(completeUpgradeOf({ spec: { fallback: { action } } }), activeStatusOf(status, attempt));
const FALLING_BACK = { phase: 'FallingBack', fallback: fallbackOf() } as const;
const TURNED_BACK = { turnedBack: { images: {}, startedAt: ago(9) } };
const HELD = { held: { partition: 0 } };

test.each<[string, boolean, boolean]>([
  ['an attempt that is under way', restores({}), true],
  ['one that may stay as it is', restores({}, {}, 'None'), false],
  ['a fallback, whatever else is set', restores(FALLING_BACK, {}, 'None'), true],
  ['one that changed nothing', restores({}, { adopted: true }), false],
  ['one that has ended', restores({ phase: 'Failed' }, endOf('NoFallbackTarget')), false],
  ['one that ended as Partial', restores({ phase: 'Partial' }, endOf('ProbeFailed')), false],
  ['one that ended while a template is reverted', restores({ phase: 'Partial', ...TURNED_BACK }, endOf('ProbeFailed')), true],
  ['one that ended with a partition to restore', restores({ phase: 'Failed' }, { ...endOf('ImageConflict'), ...HELD }), true],
  ['a failed version behind closed gates', restores({ phase: 'Failed' }, endOf('FallbackPaused')), true],
  ['one whose gates are open', restores({ phase: 'Failed' }, { ...endOf('FallbackPaused'), gating: false }), false],
  ['one that may stay there', restores({ phase: 'Failed' }, endOf('FallbackPaused'), 'None'), false],
  ['another failed version behind closed gates', restores({ phase: 'Failed' }, endOf('FallbackDisabled')), false],
  ['an end that was not stored with its phase', restores({}, endOf('ProbeFailed')), false],
  ['an Upgrade without an attempt', mustRestore(completeUpgradeOf(), completeStatus({ phase: 'Failed' })), false],
])('a deletion has to restore something of %s: %s', (_, found, expected) => {
  expect(found).toBe(expected);
}); // biome-ignore format: a table
