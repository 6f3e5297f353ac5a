import { describe, expect, test } from '@jest/globals';
import { ago, snapshotOf, statusOf, upgradeOf } from '../../../test/support/snapshots.ts';
import { RETRY_ANNOTATION } from '../../api/names.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import { decide } from './decide.ts';

/** What a retry records after an attempt that ended so. */
function retried(phase: 'Partial' | 'Failed' | 'Succeeded', attempt: Partial<Attempt> = {}) {
  const end = { outcome: phase, reason: 'ProbeFailed', cause: '', at: ago(9) } as const;
  const stages: UpgradeStatus['stages'] = [
    { name: 'canary', state: 'Done', desired: 1, verified: 1 },
    { name: 'rest', state: 'Done', desired: 3, verified: 2 },
  ];
  const status = statusOf({ phase, stages }, { end, ...attempt });
  const strategy = { stages: [{ name: 'canary', pods: 1 }, { name: 'rest' }] };
  const upgrade = upgradeOf({ status, spec: { strategy }, annotations: { [RETRY_ANNOTATION]: 'again' } });
  return decide(snapshotOf({ upgrade, gateCarrier: 'Policy' })).status;
}

describe('a retry', () => {
  test('after Partial keeps what was verified, and enters of the stages only the last again', () => {
    const { attempt, stages } = retried('Partial');
    expect(attempt).toMatchObject({ number: 2, trigger: 'Retry', keeps: [statusOf().attempt?.id] });
    expect(stages?.map(({ name, state }) => [name, state])).toEqual([['canary', 'Done']]);
    expect(retried('Partial', { keeps: ['0-earlier'] }).attempt?.keeps).toEqual([
      '0-earlier',
      statusOf().attempt?.id,
    ]);
  });

  test('after any other end verifies every pod again, stage by stage', () => {
    expect(retried('Failed').attempt?.number).toBe(2);
    expect(retried('Failed').attempt?.keeps).toBeUndefined();
    expect(retried('Failed').stages).toBeUndefined();
  });
});
