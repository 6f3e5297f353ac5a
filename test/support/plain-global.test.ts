/** The environment that jest.config.js names. */
import { isContext } from 'node:vm';
import { expect, test } from '@jest/globals';

test('tests run with a global object of their own, which no proxy stands before', () => {
  expect(isContext(globalThis)).toBe(true);
});

test('the environment makes nobody else’s context', async () => {
  const { createContext, runInContext } = await import('node:vm');
  const sandbox = { ours: 1 };
  createContext(sandbox);
  runInContext('ours = 2', sandbox);
  expect(sandbox.ours).toBe(2);
});
