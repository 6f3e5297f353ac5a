import { expect, test } from '@jest/globals';
import { VirtualClock } from '../../test/sim/clock.ts';
import { GatePolicyCache } from './gate-policy.ts';
import type { GatePolicy } from './ports.ts';

function made(...answers: GatePolicy[]) {
  const clock = new VirtualClock(0, 1);
  let asked = 0;
  const gateProbe = { gatePolicy: () => Promise.resolve(answers[asked++] ?? 'Unknown') };
  const cache = new GatePolicyCache({ clock, gateProbe });
  return { clock, cache, asked: () => asked };
}

test('however many ask at once, the API server is asked once, and its answer holds for ten seconds', async () => {
  const { clock, cache, asked } = made('Available');
  expect(cache.policy).toBe('Unknown');
  const answers = await Promise.all(Array.from({ length: 300 }, () => cache.refresh()));
  expect(new Set(answers)).toEqual(new Set(['Available']));
  expect(asked()).toBe(1);
  await clock.runUntil(9_999, () => {});
  expect(cache.policy).toBe('Available');
  await clock.runUntil(10_000, () => {});
  expect(cache.policy).toBe('Unknown');
});

test('a question without an answer leaves nothing known, and is asked again', async () => {
  const { cache } = made('Unknown', 'Unavailable');
  expect(await cache.refresh()).toBe('Unknown');
  expect(await cache.refresh()).toBe('Unavailable');
  expect(cache.policy).toBe('Unavailable');
});
