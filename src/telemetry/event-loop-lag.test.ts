import { expect, test } from '@jest/globals';
import { EventLoopLag } from './event-loop-lag.ts';

test('the longest time that the event loop was blocked is reported', async () => {
  const lag = new EventLoopLag();
  const turn = () => new Promise((resolve) => setTimeout(resolve, 60));
  await turn();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
  await turn();
  expect(lag.longest()).toBeGreaterThan(0.6);
  expect(lag.longest()).toBeLessThan(60);
});
