import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { page, type Results } from './matrix.ts';

const DOCS = join(import.meta.dirname, '../docs');
const result = (rows: Results[string]['rows']) => ({ release: 'v1.36.3', rows });
const stamp = { date: '2026-11-25', commit: '1a2b3c4d' };
const lineOf = (text: string, row: string) => text.split('\n').find((line) => line.startsWith(`| ${row}`));

test('the page says what passed, failed, was not run and is not available, the newest version first', () => {
  const text = page({
    '1.35': result({
      'Leader election': { passed: 3, failed: ['a lease is lost', 'a lease is kept'], ...stamp },
    }),
    '1.36': result({ 'Leader election': { passed: 5, failed: [], ...stamp } }),
  });
  expect(lineOf(text, ' ')).toBe('|  | Kubernetes 1.36 | Kubernetes 1.35 |');
  expect(lineOf(text, 'Leader')).toBe('| Leader election | 5 passed | **2 failed**, 3 passed |');
  expect(lineOf(text, 'The gate policy')).toBe('| The gate policy | not run | not available |');
  expect(lineOf(text, 'Run on')).toBe('| Run on | 2026-11-25, `1a2b3c4d` | 2026-11-25, `1a2b3c4d` |');
  expect(text).toContain('- 1.35: a lease is lost\n- 1.35: a lease is kept\n');
});

test('the published page is made of the published results', () => {
  const results = JSON.parse(readFileSync(join(DOCS, 'compatibility.json'), 'utf8')) as Results;
  expect(readFileSync(join(DOCS, 'compatibility.md'), 'utf8')).toBe(page(results));
});
