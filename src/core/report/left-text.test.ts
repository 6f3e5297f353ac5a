import { describe, expect, test } from '@jest/globals';
import { ago } from '../../../test/support/snapshots.ts';
import type { LeftState } from '../../api/enums.ts';
import type { LeftEntry } from '../../api/types.ts';
import { explainedClause, explainedText, leftCounts, leftText } from './left-text.ts';

const entry = (state: LeftState, change: Partial<LeftEntry> = {}): LeftEntry => ({
  name: 'node-7',
  state,
  reason: 'ProbeFailed',
  ...change,
});

describe('the places that are left', () => {
  test.each<[string, readonly LeftEntry[], string]>([
    ['nothing', [], ''],
    ['one, with the reason', [entry('Failed')], 'node-7: ProbeFailed'],
    ['one, with its message', [entry('Failed', { message: 'it exited 17' })], 'node-7: it exited 17'],
    [
      'the first of several, and its node',
      [entry('Failed', { name: 'web-0', node: 'node-1' }), entry('Back'), entry('Back')],
      'web-0 on node-1 (and 2 more): ProbeFailed',
    ],
    ['two', [entry('Failed'), entry('Back')], 'node-7 (and 1 more): ProbeFailed'],
  ])('are listed: %s', (_, left, text) => {
    expect(leftText({ left })).toBe(text);
  });

  const revert = { images: {}, startedAt: ago(9) };
  test.each<[readonly LeftState[], boolean, string]>([
    [[], false, ''],
    [['Failed'], false, '1 failed'],
    [['Failed'], true, '1 is being rolled back to bgp:1.9'],
    [['Failed', 'Failed'], true, '2 are being rolled back to bgp:1.9'],
    [['Back'], false, '1 runs bgp:1.9 again'],
    [['Back', 'Back'], true, '2 run bgp:1.9 again'],
    [['Back', 'Unverified'], false, '2 run bgp:1.9 again, 1 of them unverified'],
    [['Unreachable'], false, '1 unreachable'],
    [['Back', 'Failed', 'Unreachable'], false, '1 runs bgp:1.9 again, 1 failed, 1 unreachable'],
  ])('are counted: %j, while failed pods are rolled back: %s', (states, isReverting, text) => {
    const left = states.map((state) => entry(state));
    expect(leftCounts({ left, turnedBack: isReverting ? revert : undefined }, 'bgp:1.9')).toBe(text);
  });
});

describe('what the nodes of failed pods have in common', () => {
  const explained = (failed: number) => [
    { label: 'asic', value: 'td3', failed, verified: 38 },
    { label: 'kernel', value: '6.1', failed, verified: 38 },
  ];
  test.each([
    [0, ''],
    [1, 'the failed pod is on a node with asic=td3, kernel=6.1, but none of the 38 verified pods'],
    [3, 'all 3 failed pods are on nodes with asic=td3, kernel=6.1, but none of the 38 verified pods'],
  ])('counts %d pods', (failed, text) => {
    const status = { explained: failed > 0 ? explained(failed) : [] };
    expect(explainedText(status)).toBe(text);
    expect(explainedClause(status)).toBe(text && `; ${text}`);
  });
});
