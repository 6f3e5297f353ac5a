import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { LOCAL_CLOCK } from './local-clock.ts';

test('a delay that is over already is none, and no reason for a warning', async () => {
  const warnings: Error[] = [];
  const keep = (warning: Error): void => void warnings.push(warning);
  process.on('warning', keep);
  const ran: string[] = [];
  LOCAL_CLOCK.after(-0.0001, () => ran.push('late'));
  LOCAL_CLOCK.after(0, () => ran.push('now'));
  const cancel = LOCAL_CLOCK.after(-5, () => ran.push('canceled'));
  cancel();
  await turn();
  await turn();
  process.off('warning', keep);
  expect(ran).toEqual(['late', 'now']);
  expect(warnings).toEqual([]);
});

test('a delay beyond the longest timer of Node waits, and may be canceled', async () => {
  const ran: string[] = [];
  const cancel = LOCAL_CLOCK.after(2 ** 40, () => ran.push('far'));
  await turn();
  cancel();
  const { promise, resolve } = Promise.withResolvers<void>();
  LOCAL_CLOCK.after(1, resolve);
  await promise;
  expect(ran).toEqual([]);
});
