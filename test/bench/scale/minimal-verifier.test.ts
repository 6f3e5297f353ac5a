/** What is reckoned from the figures of both programs. */
import { expect, test } from '@jest/globals';
import type { Figure } from '../measure.ts';
import { ofMinimal } from './minimal-verifier.ts';

const OURS = '(a) 200 pods: verified';
const took = (name: string, ...values: number[]): Figure => ({ name, unit: 's', values, missing: [] });
const minimal = (...values: number[]): Figure =>
  took('(a) 200 pods, RollingUpdate, a command in each, by a minimal client-go program: verified', ...values);

test('the time of the operator is compared with that of the minimal program in the same run', () => {
  const [figure] = ofMinimal([took(OURS, 12), minimal(10)], { pods: 200 }, OURS);
  expect(figure).toMatchObject({ values: [1.2], unit: '×' });
});

test('and nothing is said when one of them was not measured', () => {
  expect(ofMinimal([took(OURS, 12), minimal()], { pods: 200 }, OURS)).toEqual([]);
  expect(ofMinimal([took(OURS, 12)], { pods: 200 }, OURS)).toEqual([]);
});
