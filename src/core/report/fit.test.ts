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

  /** So many KiB, in so many parts. */
  const text = (kib: number): string => 'x'.repeat(kib * 1024);
  const entries = (count: number, kib: number) =>
    Array.from({ length: count }, () => ({ ...entry, images: {}, cause: text(kib) }));
  const podsOf = (count: number, kib: number) =>
    Array.from({ length: count }, () => ({ ...pod, message: text(kib), checks: [] }));
  const lengths = ({ history, pods, fallback, left, exitCodes }: UpgradeStatus) => [
    history?.length,
    pods?.length,
    fallback?.evidence?.length,
    left?.[0]?.message?.length,
    exitCodes?.length,
  ];
  const row = {
    check: 'c',
    container: 'web',
    code: 1,
    class: 'Retry',
    reason: 'ProbeFailed',
    pods: 1,
  } as const;
  const place = { name: 'a', state: 'Failed', reason: 'ProbeFailed', message: 'because' } as const;
  const all: Partial<UpgradeStatus> = {
    history: entries(6, 0),
    pods: podsOf(4, 0),
    fallback: fallbackOf({ evidence: podsOf(4, 0) }),
    exitCodes: [row],
    left: [place],
  };

  test.each<[string, Partial<UpgradeStatus>, readonly (number | undefined)[]]>([
    ['keeps all of it while it fits', {}, [6, 4, 4, 7, 1]],
    ['keeps five entries of its history', { history: entries(6, 19) }, [5, 4, 4, 7, 1]],
    ['keeps one entry of its history', { history: entries(6, 30) }, [1, 4, 4, 7, 1]],
    ['keeps three pods', { pods: podsOf(4, 26) }, [1, 3, 3, 7, 1]],
    ['loses its history', { history: entries(6, 101) }, [0, 3, 3, 7, 1]],
    ['loses its pods', { pods: podsOf(4, 101) }, [0, 0, 0, 7, 1]],
    ['loses its exit codes', { exitCodes: [{ ...row, check: text(101) }] }, [0, 0, 0, 7, undefined]],
    [
      'loses the words of its places',
      { left: [{ ...place, message: text(101) }] },
      [0, 0, 0, undefined, undefined],
    ],
  ])('that is too large %s', (_, change, kept) => {
    expect(lengths(fitStatus(statusOf({ ...all, ...change })))).toEqual(kept);
  });

  test('loses the rest in this order', () => {
    const images = { web: text(101) };
    const rest: UpgradeStatus = statusOf(
      {
        lastVerified: { images: {}, verifiedAt: entry.startedAt, pods: 1 },
        quarantined: { images: {}, attempt: 1 },
        to: { images: {}, requested: { web: 'a' } },
        from: { images: {}, baseline: [{ check: 'c', container: 'web', exitCode: 0, pods: 1, total: 1 }] },
        fallback: fallbackOf({ requested: { web: 'a' }, why: { reason: 'ProbeFailed' }, cause: text(1) }),
        message: text(1),
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Pending',
            message: text(1),
            lastTransitionTime: entry.startedAt,
            observedGeneration: 1,
          },
        ],
      },
      {
        warnings: ['w'],
        excludedNodes: Array.from({ length: 30 }, (_, index) => `node-${index}`),
        end: {
          outcome: 'Failed',
          reason: 'ProbeFailed',
          cause: text(1),
          at: entry.startedAt,
          why: { reason: 'ProbeFailed' },
        },
      },
    );
    const left = (change: Partial<UpgradeStatus>) => {
      const { attempt, lastVerified, quarantined, to, fallback, from, message, conditions } = fitStatus({
        ...rest,
        ...change,
      });
      return [
        attempt?.warnings !== undefined,
        attempt?.excludedNodes?.length,
        lastVerified !== undefined,
        quarantined !== undefined,
        [to?.requested !== undefined, fallback?.requested !== undefined],
        [
          message?.length,
          conditions?.[0]?.message.length,
          attempt?.end?.cause.length,
          fallback?.cause.length,
        ],
        [attempt?.end?.why !== undefined, fallback?.why !== undefined],
        from?.baseline?.length,
      ];
    };
    const whole = [1024, 1024, 1024, 1024];
    const end = rest.attempt;
    const withWarnings = { attempt: end && { ...end, warnings: [text(101)] } };
    expect(left({})).toEqual([true, 30, true, true, [true, true], whole, [true, true], 1]);
    expect(left(withWarnings)).toEqual([false, 20, true, true, [true, true], whole, [true, true], 1]);
    expect(left({ lastVerified: { images, verifiedAt: entry.startedAt, pods: 1 } })).toEqual([
      false,
      20,
      false,
      true,
      [true, true],
      whole,
      [true, true],
      1,
    ]);
    expect(left({ quarantined: { images, attempt: 1 } })).toEqual([
      false,
      20,
      false,
      false,
      [true, true],
      whole,
      [true, true],
      1,
    ]);
    expect(left({ to: { images: {}, requested: images } })).toEqual([
      false,
      20,
      false,
      false,
      [false, false],
      whole,
      [true, true],
      1,
    ]);
    const cut = [500, 500, 500, 500];
    expect(left({ message: text(101) })).toEqual([
      false,
      20,
      false,
      false,
      [false, false],
      cut,
      [false, false],
      1,
    ]);
    const baseline = [{ check: text(101), container: 'web', exitCode: 0, pods: 1, total: 1 }];
    expect(left({ from: { images: {}, baseline } })).toEqual([
      false,
      20,
      false,
      false,
      [false, false],
      cut,
      [false, false],
      0,
    ]);
  });

  test('that has nothing else loses the end of its message', () => {
    expect(fitStatus({ message: 'x'.repeat(200_000) }).message).toBe('x'.repeat(500));
    expect(JSON.parse(JSON.stringify(leastStatus({}, 'too long')))).toEqual({
      message: 'The API server refuses the status, so the rest of it is left out: too long; ',
    });
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
