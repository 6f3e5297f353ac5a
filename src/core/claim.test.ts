import { describe, expect, test } from '@jest/globals';
import { ago, attemptOf, specOf, statusOf, upgradeOf } from '../../test/support/snapshots.ts';
import { FALLBACK_FINALIZER } from '../api/names.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import { claimOrder } from './claim.ts';

const SECOND = '2026-01-01T00:00:02Z';

interface Change {
  readonly createdAt?: string;
  readonly status?: UpgradeStatus;
  /** The finalizers of one that is being deleted. */
  readonly deletedWith?: readonly string[];
}

function named(name: string, { createdAt = SECOND, status, deletedWith }: Change = {}): Upgrade {
  const upgrade = upgradeOf({ ...(status && { status }), deleting: deletedWith !== undefined });
  const finalizers = deletedWith ?? [];
  return { ...upgrade, metadata: { ...upgrade.metadata, name, creationTimestamp: createdAt, finalizers } };
}

/** The name of the one that acts, whatever order they are listed in. */
function acting(...upgrades: readonly Upgrade[]): string | undefined {
  const orders = upgrades.map(claimOrder).filter((order) => order !== undefined);
  expect(new Set(orders).size).toBe(orders.length);
  return orders.sort()[0]?.split(' ').at(-1);
}

const end = { outcome: 'Failed', reason: 'ProbeFailed', cause: '', at: ago(1) } as const;
const ended = (phase: UpgradeStatus['phase'], attempt: object = {}): UpgradeStatus =>
  statusOf({ phase }, { gating: false, end, ...attempt });

describe('of Upgrades with the same target', () => {
  test('the oldest acts, then the first by name', () => {
    expect(acting(named('b', { createdAt: '2026-01-01T00:00:03Z' }), named('c'))).toBe('c');
    expect(acting(named('b'), named('a'), named('a-b'))).toBe('a');
  });

  test.each([
    ['that is under way', statusOf()],
    ['that is not written yet', statusOf({ phase: 'Pending' }, { gating: false, rolledAt: undefined })],
    ['without evidence', statusOf({ phase: 'Inconclusive' }, { gating: false })],
    ['that is adopted', statusOf({ phase: 'PostChecking' }, { gating: false, adopted: true })],
    ['that fell short of its last places', ended('Partial')],
    ['that failed behind closed gates', ended('Failed', { gating: true })],
    ['whose partition is still to be restored', ended('FellBack', { held: { partition: 0 } })],
  ])('one with an attempt %s acts before every older one without', (_what, status) => {
    expect(acting(named('a', { createdAt: '2025-01-01T00:00:00Z' }), named('z', { status }))).toBe('z');
  });

  test.each(['Succeeded', 'FellBack', 'Failed', 'FallbackFailed', 'Aborted'] as const)(
    'one that ended as %s has only its age',
    (phase) => {
      expect(acting(named('a'), named('z', { status: ended(phase) }))).toBe('a');
    },
  );

  test('of two attempts the one that began first acts, then the older one, then the first by name', () => {
    const since = (seconds: number, change: Change = {}): Change => ({
      ...change,
      status: statusOf({}, attemptOf(specOf(), { startedAt: ago(seconds) })),
    });
    expect(acting(named('a', since(119)), named('z', since(120)))).toBe('z');
    expect(acting(named('a', since(119.9)), named('z', since(120)))).toBe('z');
    expect(
      acting(named('a', since(120, { createdAt: '2026-01-01T00:00:03Z' })), named('z', since(120))),
    ).toBe('z');
    expect(acting(named('a', since(120)), named('z', since(120)))).toBe('a');
  });
});

describe('one that is being deleted', () => {
  test.each([
    [
      'has a claim while its finalizer stands and something is to be restored',
      [FALLBACK_FINALIZER],
      statusOf(),
      true,
    ],
    [
      'has none with a finalizer of others, whatever its status says',
      ['example.com/backup'],
      statusOf(),
      false,
    ],
    [
      'has none when nothing is to be restored',
      [FALLBACK_FINALIZER, 'example.com/backup'],
      ended('FellBack'),
      false,
    ],
    ['has none before its first attempt', [FALLBACK_FINALIZER], undefined, false],
  ] as const)('%s', (_what, deletedWith, status, expected) => {
    const upgrade = named('a', { deletedWith, ...(status && { status }) });
    expect(claimOrder(upgrade) !== undefined).toBe(expected);
  });
});
