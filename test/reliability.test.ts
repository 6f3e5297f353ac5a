/** The page about faults says what was recorded, and nothing else. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { readMutated, totalOf } from '../scripts/mutation-results.ts';
import { FAULTS } from '../scripts/reliability-faults.ts';
import { readResults, withResults } from '../scripts/reliability-results.ts';

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
});
