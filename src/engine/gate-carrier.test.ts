import { expect, test } from '@jest/globals';
import { VirtualClock } from '../../test/sim/clock.ts';
import { GateCarrierCache } from './gate-carrier.ts';
import type { GateAnswer } from './ports.ts';

function made(...answers: GateAnswer[]) {
  const clock = new VirtualClock(0, 1);
  let requests = 0;
  const gateProbe = {
    carrier: () => Promise.resolve(answers[requests++] ?? { carrier: 'Unknown' as const }),
  };
  const cache = new GateCarrierCache({ clock, gateProbe });
  return { clock, cache, requests: () => requests };
}

test('concurrent refreshes share one read, and the result is cached for ten seconds', async () => {
  const { clock, cache, requests } = made({ carrier: 'Policy' });
  expect(cache.carrierIn('shop')).toBe('Unknown');
  const answers = await Promise.all(Array.from({ length: 300 }, () => cache.refresh()));
  expect(new Set(answers.map(({ carrier }) => carrier))).toEqual(new Set(['Policy']));
  expect(requests()).toBe(1);
  await clock.runUntil(9_999, () => {});
  expect(cache.carrierIn('shop')).toBe('Policy');
  await clock.runUntil(10_000, () => {});
  expect(cache.carrierIn('shop')).toBe('Unknown');
});

test('a read without a response is not cached', async () => {
  const { cache } = made({ carrier: 'Unknown' }, { carrier: 'None' });
  expect((await cache.refresh()).carrier).toBe('Unknown');
  expect((await cache.refresh()).carrier).toBe('None');
  expect(cache.carrierIn('shop')).toBe('None');
});

test('nothing gates the namespaces that the webhook excludes', async () => {
  const { cache } = made({ carrier: 'Webhook', except: ['kube-system', 'postcheck-system'] });
  await cache.refresh();
  expect(cache.carrierIn('shop')).toBe('Webhook');
  expect(cache.carrierIn('kube-system')).toBe('None');
});
