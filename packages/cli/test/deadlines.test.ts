/** The deadlines that the status tells: constants of the attempt, so that they cause no write of their own. */
import { describe, expect, test } from '@jest/globals';
import { changeOf } from '../../../src/core/report/status-diff.ts';
import { Stage } from '../../../test/support/stage.ts';

const attempt = (stage: Stage) => stage.upgrade.status?.attempt;

describe('attempt.deadlineAt', () => {
  test('is set when the first pods exist, and changes only with progress', () => {
    const stage = new Stage();
    stage.settle();
    const { deadlineAt, progressAt = '' } = attempt(stage) ?? {};
    expect(Date.parse(deadlineAt ?? '') - Date.parse(progressAt)).toBeGreaterThanOrEqual(900_000);
    const before = stage.upgrade.status;
    stage.seconds(30).decide();
    expect(attempt(stage)?.deadlineAt).toBe(deadlineAt);
    expect(changeOf(before, stage.upgrade.status ?? {})).toBe('none');
    expect(stage.upgrade.status?.pods?.map((pod) => pod.deadlineAt)).toEqual(
      before?.pods?.map((pod) => pod.deadlineAt),
    );
  });

  test('is absent while the clocks are stopped, and after the attempt has ended', () => {
    const stage = new Stage();
    stage.settle();
    stage.upgrade = { ...stage.upgrade, spec: { ...stage.upgrade.spec, paused: true } };
    stage.settle();
    expect(attempt(stage)?.deadlineAt).toBeUndefined();
    expect(stage.upgrade.status?.pods?.[0]?.deadlineAt).toBeUndefined();
    stage.upgrade = { ...stage.upgrade, spec: { ...stage.upgrade.spec, paused: false } };
    stage.settle();
    expect(attempt(stage)).toHaveProperty('deadlineAt');
    stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
    expect(attempt(stage)?.end?.outcome).toBe('Succeeded');
    expect(attempt(stage)?.deadlineAt).toBeUndefined();
  });
});
