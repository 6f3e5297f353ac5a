/** Nothing ends a process whose try has timed out: it stays in the memory and PID limits of the very application that is verified. */
import { describe, expect, test } from '@jest/globals';
import {
  conditionOf,
  containerOf,
  cycleOf,
  exit,
  NOW,
  podOf,
  verificationContext,
} from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import { report } from '../report/pods.ts';
import type { VerificationContext } from './context.ts';
import type { TryOutcome } from './exit-codes.ts';
import { evaluatePod } from './pod.ts';
import type { PodResult } from './pod-result.ts';
import { addCycle, type PodRecord } from './probe-cycle.ts';
import { withPins } from './recorded.ts';
import { podDeadline } from './schedule.ts';

const TIMEOUT: TryOutcome = { kind: 'timeout', output: '' };
const DAY_MS = 24 * 3600_000;

/** Probes the pod whenever it is due, for a day, or until nothing is to be probed any more. */
function playDay(pod: PodView, context: VerificationContext, outcomeOf: (nth: number) => TryOutcome) {
  let record: PodRecord | undefined;
  let result: PodResult;
  let left = 0;
  for (let now = NOW, nth = 1; ; nth++) {
    result = evaluatePod(pod, record, context, now);
    now = Math.max(now, result.cycleAt ?? Number.POSITIVE_INFINITY);
    if (now > NOW + DAY_MS) {
      break;
    }
    const outcome = outcomeOf(nth);
    left += outcome === TIMEOUT ? 1 : 0;
    const { spec, template, id: verification, inFallback } = context;
    record = addCycle(record, { spec, template, verification, inFallback }, pod, {
      ...cycleOf(outcome, pod, spec),
      startedAt: now,
      finishedAt: now + 1000,
    });
    now += 1000;
  }
  return { left, result, checks: report([result])[0]?.checks };
}

/** As eager as the API lets it be. */
const eager = { periodSeconds: 1, deadlineSeconds: 86_400 };
const context = verificationContext({ deadlineSeconds: 86_400, postCheck: eager });

describe('a command that never ends', () => {
  test('leaves at most nine processes in a container, however often and long it is probed', () => {
    const { left, result, checks } = playDay(
      podOf({ createdAt: NOW }),
      { ...context, startedAt: NOW },
      () => TIMEOUT,
    );
    expect(left).toBe(9);
    expect(checks).toMatchObject([{ attempts: 9, timeouts: 9, reason: 'ProbeTimedOut' }]);
    expect(result).toMatchObject({ state: 'Failed', cause: { reason: 'ProbeTimedOut' } });
  });

  test('is probed half as often with each one from the third on', () => {
    const at: number[] = [];
    let record: PodRecord | undefined;
    for (let now = NOW; at.length < 6; ) {
      at.push(now);
      const { spec, template, id: verification, inFallback } = context;
      const times = { startedAt: now, finishedAt: now + 1000 };
      const cycle = { ...cycleOf(TIMEOUT, podOf(), spec), ...times };
      record = addCycle(record, { spec, template, verification, inFallback }, podOf(), cycle);
      now = evaluatePod(podOf(), record, context, now + 1000).cycleAt ?? Number.POSITIVE_INFINITY;
    }
    // Within a fifth, which is the jitter.
    const spans = at
      .slice(1)
      .map((time, i) => Math.round((time - (at[i] ?? 0)) / 1000 / 2 ** Math.max(0, i - 1)));
    expect(spans).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('a command that now and then does not end', () => {
  const mostly = (nth: number) => (nth % 2 === 0 ? TIMEOUT : exit(0));

  test('leaves at most eight processes in a pod that is still probed after it has passed', () => {
    const pod = podOf();
    const message = withPins('passed', context, pod);
    const verified = { ...conditionOf('True', 5, 'PostCheckPassed'), message };
    const passed = { ...pod, conditions: { ...pod.conditions, [VERIFIED]: verified } };
    const { left, result, checks } = playDay(passed, { ...context, isSoaking: true }, mostly);
    expect(result.state).toBe('Passed');
    expect(left).toBe(8);
    expect(checks).toMatchObject([{ timeouts: 8 }]);
  });
});

describe('the deadline of a pod', () => {
  const limited = verificationContext({ startedAt: NOW, deadlineSeconds: 60 });
  const startedAfter = (seconds: number, change: Partial<ContainerView> = {}) =>
    podOf({
      createdAt: NOW,
      containers: [
        containerOf({ startedAt: NOW + seconds * 1000, ...change }),
        containerOf({ name: 'mesh-proxy', startedAt: NOW + DAY_MS }),
      ],
    });
  const secondsOf = (pod: PodView) => (podDeadline(pod, limited) - NOW) / 1000;

  test('includes the time until its containers are started', () => {
    expect(secondsOf(startedAfter(30))).toBe(60);
  });

  test('starts again if they are started only in its second half, or later, but not with a restart', () => {
    expect(secondsOf(startedAfter(31))).toBe(91);
    expect(secondsOf(startedAfter(300))).toBe(360);
    expect(secondsOf(startedAfter(300, { restarts: 1 }))).toBe(60);
    expect(secondsOf(startedAfter(300, { role: 'init' }))).toBe(60);
  });
});
