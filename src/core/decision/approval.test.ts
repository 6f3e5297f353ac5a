/** The verbs for an attempt in stages. */
import { describe, expect, test } from '@jest/globals';
import { activeStatusOf, ago, fallbackOf, snapshotOf, upgradeOf } from '../../../test/support/snapshots.ts';
import { APPROVE_ANNOTATION, PROMOTE_ANNOTATION } from '../../api/names.ts';
import type { StageStatus, UpgradeStatus } from '../../api/types.ts';
import { approve, promote } from './approval.ts';

const stageOf = (name: string, change: Partial<StageStatus> = {}): StageStatus => ({
  name,
  state: 'Rolling',
  desired: 1,
  verified: 0,
  ...change,
});
const STAGES = [stageOf('canary', { state: 'Done' }), stageOf('half'), stageOf('rest', { state: 'Waiting' })];
const spec = {
  strategy: { stages: [{ name: 'canary', pods: 1 }, { name: 'half', pods: '50%' }, { name: 'rest' }] },
};

function outcome(
  verb: typeof approve,
  token: string | undefined,
  change: Partial<UpgradeStatus> = {},
  isStaged = true,
) {
  const status = activeStatusOf({ stages: isStaged ? STAGES : [], ...change });
  const name = verb === approve ? APPROVE_ANNOTATION : PROMOTE_ANNOTATION;
  const annotations = token === undefined ? {} : { [name]: token };
  const upgrade = upgradeOf({ annotations, status, spec: isStaged ? spec : {} });
  return verb(snapshotOf({ upgrade }), status);
}

const FALLING_BACK = { phase: 'FallingBack', fallback: fallbackOf() } as const;

describe('an approval', () => {
  test.each([
    ['of the present stage', '1/half', 'half'],
    ['of a later stage', '1/rest', 'rest'],
  ])('%s is recorded on that stage alone', (_, token, name) => {
    const { status, result } = outcome(approve, token);
    expect(result).toBe('Approved');
    const approved = STAGES.map((stage) => (stage.name === name ? { ...stage, approvedAt: ago(0) } : stage));
    expect(status?.stages).toEqual(approved);
  });

  test.each<[string, string | undefined, Partial<UpgradeStatus> | undefined, string]>([
    ['without an attempt', '1/half', { phase: 'Succeeded' }, 'NothingToApprove'],
    ['of a fallback', '1/half', FALLING_BACK, 'NothingToApprove'],
    ['of a stage that is done', '1/canary', undefined, 'NothingToApprove'],
    [
      'of a stage that is approved',
      '1/half',
      { stages: [stageOf('half', { approvedAt: ago(9) })] },
      'NothingToApprove',
    ],
    ['of another attempt', '2/half', undefined, 'OtherAttempt'],
    ['without a token', undefined, undefined, 'OtherAttempt'],
    ['of an unknown stage', '1/other', undefined, 'NoSuchStage'],
    ['without a stage', '1', undefined, 'NoSuchStage'],
    ['with more than a stage', '1/half/x', undefined, 'NoSuchStage'],
  ])('%s has no effect, and says why', (_, token, change, result) => {
    expect(outcome(approve, token, change)).toEqual({ result });
  });
});

describe('a promotion', () => {
  test('is recorded on the attempt', () => {
    const { status, result } = outcome(promote, '1');
    expect(result).toBe('Promoted');
    expect(status?.attempt).toMatchObject({ number: 1, promotedAt: ago(0) });
  });

  test.each<[string, string, Partial<UpgradeStatus> | undefined, boolean, string]>([
    ['without an attempt', '1', { phase: 'Succeeded' }, true, 'NothingToPromote'],
    ['of a fallback', '1', FALLING_BACK, true, 'NothingToPromote'],
    ['without stages', '1', undefined, false, 'NothingToPromote'],
    [
      'after the last stage',
      '1',
      { stages: STAGES.map((stage) => ({ ...stage, state: 'Done' as const })) },
      true,
      'NothingToPromote',
    ],
    ['of another attempt', '2', undefined, true, 'OtherAttempt'],
  ])('%s has no effect, and says why', (_, token, change, isStaged, result) => {
    expect(outcome(promote, token, change, isStaged)).toEqual({ result });
  });
});
