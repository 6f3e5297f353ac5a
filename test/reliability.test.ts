/** The page about faults says what was recorded, and nothing else. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { confidence, readMutated, totalOf } from '../scripts/mutation-results.ts';
import { FAULTS } from '../scripts/reliability-faults.ts';
import { figureRows, withFigures } from '../scripts/reliability-figures.ts';
import { recoveryText, slowest, withRecoveries } from '../scripts/reliability-recovery.ts';
import { readResults, unknownTests, withResults } from '../scripts/reliability-results.ts';

const { faults: recorded, measured } = readResults();
const stamp = { date: '2026-01-01', commit: '0123abcd' };
const report = (file: string, results: Readonly<Record<string, string>>) => ({
  testResults: [
    {
      name: resolve(file),
      assertionResults: Object.entries(results).map(([fullName, status]) => ({ fullName, status })),
    },
  ],
});

test('every result is of a fault and a file that the table names', () => {
  const named = FAULTS.flatMap(({ id, where }) => where.map(([file]) => `${id} ${file}`));
  const results = Object.entries(recorded).flatMap(([id, files]) =>
    Object.keys(files).map((file) => `${id} ${file}`),
  );
  expect(results.length).toBeGreaterThan(10);
  expect(results.filter((result) => !named.includes(result))).toEqual([]);
});

test('no failure is published as if it were nothing', () => {
  const outcomes = Object.values(recorded).flatMap((files) => Object.values(files));
  expect(outcomes.filter(({ passed, failed }) => failed > 0 || passed === 0)).toEqual([]);
  expect(measured.counted?.weekWrong?.count ?? 0).toBe(0);
  expect(measured.planted?.caught).toBe(measured.planted?.of);
  expect([measured.soak?.lost ?? 0, measured.soak?.wrong ?? 0]).toEqual([0, 0]);
});

test('nine of ten small changes of the code that decides are noticed, and the others are listed', () => {
  const all = readMutated();
  const { mutants, noticed } = totalOf(all);
  expect(noticed / mutants).toBeGreaterThanOrEqual(0.9);
  expect(mutants).toBeLessThanOrEqual(all.core);
  for (const [file, one] of Object.entries(all.files)) {
    expect(existsSync(file)).toBe(true);
    expect(one.alive).toHaveLength(one.mutants - one.noticed);
  }
  const { sample } = all;
  expect(sample?.alive ?? []).toHaveLength((sample?.mutants ?? 0) - (sample?.noticed ?? 0));
});

test("the confidence in a part that was measured by a sample is Wilson's interval", () => {
  // 450 of 500, by the formula in Wilson's paper of 1927.
  const [from, to] = confidence({ mutants: 500, noticed: 450 });
  expect(from).toBeCloseTo(0.8706, 3);
  expect(to).toBeCloseTo(0.9234, 3);
});

test('figures of several tests are summed, and a figure that was not counted stays as it was', () => {
  const before = { walks: { count: 7, ...stamp }, crashPlans: { count: 1, ...stamp } };
  const lines = (
    ['crashPlans', 'apiCrashPoints', 'crashPlans', 'apiCrashExisting', 'crashExisting'] as const
  ).map((name, index) => ({ name, count: 1000 * (index + 1) }));
  const later = { date: '2026-02-02', commit: '4567cdef' };
  const after = withFigures(before, lines, later);
  expect(after).toEqual({
    crashPlans: { count: 4000, ...later },
    crashExisting: { count: 5000, ...later },
    walks: before.walks,
    apiCrashPoints: { count: 2000, ...later },
    apiCrashExisting: { count: 4000, ...later },
  });
  expect(figureRows(after)).toEqual([
    expect.stringMatching(/^\| crashes .* \| 4,000 of 5,000 \(2026-02-02, 4567cdef\) \|$/),
    expect.stringMatching(/^\| random walks .* \| 7 \(2026-01-01, 0123abcd\) \|$/),
    expect.stringMatching(/^\| writes .* \| 2,000 of 4,000 \(2026-02-02, 4567cdef\) \|$/),
  ]);
});

test('of a fault the slowest recovery of the last recorded runs is kept, apart for virtual and real time', () => {
  const before = {
    F1: { virtual: { seconds: 99, ...stamp }, real: { seconds: 7, ...stamp } },
    F4: { virtual: { seconds: 3, ...stamp } },
  };
  const lines = [1.25, 4.04, 2].map((seconds) => ({ fault: 'F1', time: 'virtual' as const, seconds }));
  const later = { date: '2026-02-02', commit: '4567cdef' };
  const after = withRecoveries(before, lines, later);
  expect(after).toEqual({ ...before, F1: { ...before.F1, virtual: { seconds: 4, ...later } } });
  expect(recoveryText(after, 'F1')).toBe('4 s virtual, 7 s real');
  expect(recoveryText(after, 'F9')).toBe('');
  expect(slowest(after, 'virtual')).toBe('4 s (F1, 2026-02-02, 4567cdef)');
  expect(slowest({}, 'real')).toBeUndefined();
});

test('recoveries are of faults that the table names, and each took some time', () => {
  const recoveries = Object.entries(measured.recoveries ?? {});
  expect(recoveries.length).toBeGreaterThan(5);
  expect(recoveries.filter(([fault]) => !FAULTS.some(({ id }) => id === fault))).toEqual([]);
  const seconds = recoveries.flatMap(([, by]) => Object.values(by).map((one) => one.seconds));
  expect(seconds.filter((value) => !(value >= 0))).toEqual([]);
  expect(Math.max(...seconds)).toBeGreaterThan(0);
});

test('a fault counts its own tests, those of a table too, and keeps what a report says nothing of', () => {
  const before = { F2: { 'test/sim/faults.test.ts': { passed: 1, failed: 0, ...stamp } } };
  const crash = report('test/sim/crash.test.ts', {
    'an operator that dies ends every plan of "good, Deployment" as the run without a crash, wherever it dies':
      'passed',
    'an operator that dies ends every plan of "bad, DaemonSet" as the run without a crash, wherever it dies':
      'failed',
    'something else': 'passed',
  });
  const after = withResults(before, [crash], { date: '2026-02-02', commit: '4567cdef' });
  expect(after['F1']).toEqual({
    'test/sim/crash.test.ts': { passed: 1, failed: 1, date: '2026-02-02', commit: '4567cdef' },
  });
  expect(after['F2']).toEqual(before.F2);
  expect(unknownTests([crash])).toEqual([]);
});

test('a test that its file does not have is told when the file is recorded', () => {
  const renamed = report('test/sim/restart.test.ts', { 'an operator that has a new name': 'passed' });
  expect(unknownTests([renamed])).toEqual(['F35: test/sim/restart.test.ts has no test named "at rest"']);
});
