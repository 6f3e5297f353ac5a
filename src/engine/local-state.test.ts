import { expect, test } from '@jest/globals';
import { containerOf, NOW, podOf } from '../../test/support/snapshots.ts';
import type { NodeView } from '../api/views.ts';
import type { PodRecord } from '../core/verification/probe-cycle.ts';
import { LocalState } from './local-state.ts';

const pod = podOf({ containers: [containerOf({ state: 'waiting', reason: 'ErrImagePull' })] });
const node = (name: string, ready: boolean): NodeView => ({ name, ready, resourceVersion: '1', labels: {} });
const record: PodRecord = {
  verification: '1-a',
  startedAt: NOW - 2000,
  finishedAt: NOW - 1000,
  cycles: 1,
  passes: 0,
  failures: 1,
  class: 'Retry',
  wasReady: true,
  tries: [],
};

function made() {
  const clock = { wall: NOW, passed: 0, now: () => clock.wall + clock.passed, steady: () => clock.passed };
  const local = new LocalState(clock);
  local.observePod(pod);
  local.beginVerification('apps/web', [pod], '1-abc');
  local.observeNode(node('node-1', false));
  local.observeNode(node('node-1', true));
  local.records.set(pod.uid, record);
  return { local, clock };
}

test.each([-3_600_000, 3_600_000, 1500])(
  'when the clock is set by %d ms, what is remembered stays as old as it was',
  (ms) => {
    const { local, clock } = made();
    clock.passed += 5000;
    clock.wall += ms;
    local.followClock();
    expect(clock.now() - (local.waitingSince.get(`${pod.uid}/web`)?.since ?? 0)).toBe(5000);
    expect(clock.now() - (local.nodeBackAt.get('node-1') ?? 0)).toBe(5000);
    expect(clock.now() - (local.records.get(pod.uid)?.finishedAt ?? 0)).toBe(6000);
    local.followClock();
    expect(clock.now() - (local.records.get(pod.uid)?.startedAt ?? 0)).toBe(7000);
  },
);

test('a slewed clock is followed eventually, and passing time is not a change of the clock', () => {
  const { local, clock } = made();
  clock.passed += 600_000;
  for (let i = 0; i < 4; i++) {
    clock.wall += 300;
    local.followClock();
  }
  expect(local.records.get(pod.uid)?.finishedAt).toBe(record.finishedAt + 1200);
});

test('deleted objects are forgotten', () => {
  const { local } = made();
  local.forgetPod(pod);
  local.forgetNode('node-1');
  expect([local.records.size, local.waitingSince.size, local.nodeBackAt.size]).toEqual([0, 0, 0]);
  local.observeNode(node('node-2', false));
  local.forgetNode('node-2');
  local.observeNode(node('node-2', true));
  expect(local.nodeBackAt.size).toBe(0);
});

test('the outputs of all pods together are limited, the oldest are dropped first, and the results stay', () => {
  const { local } = made();
  const verdict = { class: 'Retry', reason: 'ProbeFailed', confirm: 'now' } as const;
  const tried = (output: string): PodRecord => {
    const at = { attempts: 1, timeouts: 0, firstAt: NOW, lastAt: NOW };
    const one = { check: 'c', container: 'web', containerId: '', verdict: { ...verdict, output }, ...at };
    return { ...record, tries: [one] };
  };
  for (let pod = 0; pod < 2000; pod++) {
    local.setRecord(`pod-${pod}`, tried('x'.repeat(8192)));
  }
  const kept = [...local.records.values()].reduce(
    (sum, { tries }) => sum + (tries[0]?.verdict.output.length ?? 0),
    0,
  );
  expect(kept).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(local.records.get('pod-1999')?.tries[0]?.verdict.output).toHaveLength(8192);
  expect(local.records.get('pod-1')?.tries[0]?.verdict).toMatchObject({ reason: 'ProbeFailed', output: '' });
});
