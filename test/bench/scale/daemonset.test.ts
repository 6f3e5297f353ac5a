/** What is reckoned from the figures of two sizes. */
import { expect, test } from '@jest/globals';
import type { Figure } from '../measure.ts';
import { flatness, type Shape } from './daemonset.ts';

const shape = (pods: number): Shape => ({ pods, update: 'RollingUpdate', check: 'exec' });
const cpu = (pods: number, ...values: number[]): Figure => ({
  name: `(a) ${pods} pods, RollingUpdate, a command in each: operator CPU a pod`,
  unit: 'ms',
  values,
  missing: [],
});

test('what a pod costs is compared between two sizes of one run', () => {
  const [figure] = flatness([cpu(100, 8), cpu(1000, 6)], shape(100), shape(1000));
  expect(figure).toMatchObject({ values: [0.75], unit: '×', aim: '≤ 1.3' });
  expect(figure?.name).toContain('1000 pods');
});

test('and nothing is said when one of them was not measured', () => {
  expect(flatness([cpu(100, 8), cpu(1000)], shape(100), shape(1000))).toEqual([]);
  expect(flatness([cpu(100, 8)], shape(100), shape(1000))).toEqual([]);
});
