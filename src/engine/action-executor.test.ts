import { expect, test } from '@jest/globals';
import { VirtualClock } from '../../test/sim/clock.ts';
import { remembered, rememberingTelemetry } from '../../test/sim/telemetry.ts';
import { NEW, OLD, podOf, workloadOf } from '../../test/support/snapshots.ts';
import { VERIFIED } from '../api/names.ts';
import type { PodView } from '../api/views.ts';
import type { PodCondition } from '../core/plan.ts';
import { ActionExecutor } from './action-executor.ts';
import { LocalState } from './local-state.ts';
import type { Writer, Written } from './ports.ts';
import { Store } from './store.ts';

const results = (count: number): PodCondition[] =>
  Array.from({ length: count }, (_, i) => ({
    pod: podOf({ uid: `pod-${i}`, name: `web-${i}` }),
    condition: { status: 'True', reason: 'Passed', message: 'ok' },
  }));

const ok = { status: 'True', reason: 'Passed', message: 'ok' } as const;
const stored = (pod: PodView): Written<PodView> => ({
  ok: true,
  object: { ...pod, conditions: { ...pod.conditions, [VERIFIED]: { ...ok, since: 0 } } },
});

function made(answer: (pod: PodView) => Written<PodView>, also: Partial<Writer> = {}) {
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
    writer: { patchVerified, ...also } as unknown as Writer,
    telemetry: rememberingTelemetry(remembered()),
    store: new Store(),
    local: new LocalState(clock),
  });
  return { executor, written, most: () => most };
}

test('the results of many pods are written with limited concurrency', async () => {
  const { executor, written, most } = made(stored);
  expect(await executor.execute({ kind: 'recordResults', conditions: results(30) })).toEqual({});
  expect(written).toHaveLength(24);
  expect(most()).toBe(8);
});

test('a rejected write does not prevent the others', async () => {
  const failure = { kind: 'forbidden', message: 'no' } as const;
  const { executor, written } = made((object) =>
    object.name === 'web-3' ? { ok: false, failure } : stored(object),
  );
  expect(await executor.execute({ kind: 'recordResults', conditions: results(9) })).toEqual({ failure });
  expect(written).toHaveLength(9);
});

test.each([
  ['is not there when it is read back', (object: PodView): Written<PodView> => ({ ok: true, object }), 1],
  ['has to be written again', stored, 2],
])('a result that %s has come to nothing', async (_how, answer, times) => {
  const { executor } = made(answer);
  const executed = [];
  for (let n = 0; n < times; n++) {
    executed.push(await executor.execute({ kind: 'recordResults', conditions: results(1) }));
  }
  expect(executed.at(-1)?.noEffect).toEqual({
    reason: 'NoEffect',
    write: { of: 'Condition', pod: 'web-0' },
  });
});

const LONG = `registry.example/${'w'.repeat(1100)}:1`;

test.each([
  ['the image of before', OLD, OLD, 'ImageRewritten'],
  ['the one of before that is too long to run', LONG, LONG, 'ImageRewritten'],
  ['another image', OLD, 'registry.example/web:2.0@sha256:0', undefined],
])(
  'an image that comes back as %s is reported to have come to nothing, or not',
  async (_what, before, image, reason) => {
    const workload = workloadOf({
      containers: [{ name: 'web', image: before, role: 'regular', startupProbe: false }],
    });
    const object = workloadOf({ containers: [{ name: 'web', image, role: 'regular', startupProbe: false }] });
    const { executor } = made(stored, { patchImages: async () => ({ ok: true, object }) });
    const action = {
      kind: 'patchImages',
      workload,
      images: { web: NEW },
    } as const;
    expect((await executor.execute(action)).noEffect?.reason).toBe(reason);
  },
);
