import { expect, test } from '@jest/globals';
import { EventLoopLag } from './event-loop-lag.ts';

const turn = () => new Promise((resolve) => setTimeout(resolve, 60));
const block = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test('the longest time that the event loop was blocked is reported', async () => {
  const lag = new EventLoopLag();
  await turn();
  block(700);
  await turn();
  expect(lag.longest()).toBeGreaterThan(0.6);
  expect(lag.longest()).toBeLessThan(60);
});

test('a stall is not lost when a window ends meanwhile and its timer runs first', async () => {
  for (let rounds = 0; rounds < 5; ) {
    const lag = new EventLoopLag(200);
    await turn();
    setTimeout(() => {}, 1);
    block(400);
    const ended = performance.now();
    await turn();
    // Another program may have kept this one waiting for so long that the stall is no longer in the last two windows.
    if (performance.now() - ended < 150) {
      expect(lag.longest()).toBeGreaterThan(0.3);
      rounds += 1;
    }
  }
});
