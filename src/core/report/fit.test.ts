import { describe, expect, test } from '@jest/globals';
import { fallbackOf, statusOf } from '../../../test/support/snapshots.ts';
import type { PodReport, UpgradeStatus } from '../../api/types.ts';
import { fitStatus, leastStatus } from './fit.ts';

const bytes = (status: UpgradeStatus): number => Buffer.byteLength(JSON.stringify(status));
const images = (length: number) =>
  Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`container-${i}`, 'é'.repeat(length / 2)]));
const entry = {
  attempt: 1,
  images: images(1000),
  outcome: 'FellBack' as const,
  cause: 'x',
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:00:00.000Z',
};
const pod: PodReport = {
  name: 'p'.repeat(253),
  state: 'Failed',
  reason: 'ProbeFailed',
  message: '"'.repeat(1024),
  checks: Array.from({ length: 8 }, () => ({
    check: 'c',
    container: 'web',
    class: 'Fail',
    reason: 'ProbeFailed',
    output: '"'.repeat(3000),
    attempts: 1,
    firstAt: '2026-01-01T00:00:00.000Z',
    lastAt: '2026-01-01T00:00:00.000Z',
  })),
};
const huge = statusOf({
  history: Array.from({ length: 50 }, () => entry),
  pods: Array.from({ length: 20 }, () => pod),
  fallback: fallbackOf({ evidence: [pod, pod, pod] }),
  lastVerified: { images: images(1000), verifiedAt: '2026-01-01T00:00:00.000Z', pods: 1 },
  quarantined: { images: images(1000), attempt: 1 },
} as Partial<UpgradeStatus>);

describe('a status', () => {
  test('that is small is left as it is', () => {
    const status = statusOf();
    expect(fitStatus(status)).toBe(status);
  });

  test('of many pods with long outputs loses the outputs first', () => {
    const status = { ...huge, history: [], lastVerified: undefined, quarantined: undefined } as UpgradeStatus;
    const { pods, fallback } = fitStatus(status);
    expect(pods).toHaveLength(20);
    expect(JSON.stringify([pods, fallback])).not.toContain('output');
  });

  test('of long images and a long history is 100 KiB at most, and keeps what is needed to go on', () => {
    const fitting = fitStatus(huge);
    expect(bytes(huge)).toBeGreaterThan(1024 * 1024);
    expect(bytes(fitting)).toBeLessThanOrEqual(100 * 1024);
    expect(fitting).toMatchObject({ attempt: huge.attempt, from: huge.from, to: huge.to });
    expect(fitting.fallback?.images).toEqual(huge.fallback?.images);
    expect(fitStatus(fitting)).toEqual(fitting);
  });

  test('of a fleet keeps every place that is left, at last without the words', () => {
    const left = Array.from({ length: 50 }, (_, i) => ({
      name: `${i}-${'n'.repeat(240)}`,
      node: 'n'.repeat(253),
      state: 'Back' as const,
      reason: 'ProbeFailed' as const,
      message: '"'.repeat(256),
    }));
    const sets = { from: { images: images(200) }, to: { images: images(200) } };
    const fitting = fitStatus({ ...huge, ...sets, left } as UpgradeStatus);
    expect(bytes(fitting)).toBeLessThanOrEqual(100 * 1024);
    expect(fitting.left?.map(({ name, state }) => [name, state])).toEqual(
      left.map(({ name, state }) => [name, state]),
    );
    expect(fitting.left?.some(({ message }) => message !== undefined)).toBe(false);
  });

  test('that the API server rejects is reduced to what is needed, and says why', () => {
    const least = leastStatus(huge, 'status.pods[3].reason: Too long');
    expect(bytes(least)).toBeLessThan(5000);
    expect(least.message).toMatch(
      /^The API server refuses the status, .*: status.pods\[3\].reason: Too long; /,
    );
    expect(least).toMatchObject({ attempt: huge.attempt, from: huge.from, to: huge.to });
  });
});
