import { expect, test } from '@jest/globals';
import { VirtualClock } from '../../test/sim/clock.ts';
import { remembered, rememberingTelemetry } from '../../test/sim/telemetry.ts';
import { podOf } from '../../test/support/snapshots.ts';
import type { PodView } from '../api/views.ts';
import type { PodCondition } from '../core/plan.ts';
import { ActionExecutor } from './action-executor.ts';
import type { Writer, Written } from './ports.ts';
import { Store } from './store.ts';

const results = (count: number): PodCondition[] =>
  Array.from({ length: count }, (_, i) => ({
    pod: podOf({ uid: `pod-${i}`, name: `web-${i}` }),
    condition: { status: 'True', reason: 'Passed', message: 'ok' },
  }));

function made(answer: (pod: PodView) => Written<PodView>) {
  const clock = new VirtualClock(0, 1);
  const written: string[] = [];
  let atOnce = 0;
  let most = 0;
  const patchVerified = async (pod: PodView) => {
    atOnce++;
    most = Math.max(most, atOnce);
    await Promise.resolve();
    atOnce--;
    written.push(pod.name);
    return answer(pod);
  };
  const executor = new ActionExecutor({
    clock,
    writer: { patchVerified } as unknown as Writer,
    telemetry: rememberingTelemetry(remembered()),
    store: new Store(),
  });
  return { executor, written, most: () => most };
}

test('results of thousands of pods are written few at a time, and the rest after another look', async () => {
  const { executor, written, most } = made((object) => ({ ok: true, object }));
  expect(await executor.execute({ kind: 'recordResults', conditions: results(5000) })).toBeUndefined();
  expect(written).toHaveLength(200);
  expect(most()).toBe(4);
});

test('one that is refused does not keep the others from being written', async () => {
  const failure = { kind: 'forbidden', message: 'no' } as const;
  const { executor, written } = made((object) =>
    object.name === 'web-3' ? { ok: false, failure } : { ok: true, object },
  );
  expect(await executor.execute({ kind: 'recordResults', conditions: results(9) })).toBe(failure);
  expect(written).toHaveLength(9);
});
