/** Why a pod does not pass. */
import { describe, expect, test } from '@jest/globals';
import {
  conditionOf,
  containerOf,
  exit,
  NEW,
  NOW,
  notReady,
  podOf,
  recordOf,
  specOf,
  verificationContext,
} from '../../../test/support/snapshots.ts';
import { effectiveChecks } from '../../api/checks.ts';
import type { PodView } from '../../api/views.ts';
import { evaluateTry, type TryOutcome } from './exit-codes.ts';
import { failureCause, tryCause, worstTriesFirst } from './failure-cause.ts';
import type { PodRecord, TryRecord } from './probe-cycle.ts';

const CHECKS = effectiveChecks(specOf());
const tried = (outcome: TryOutcome, container = 'web'): TryRecord => ({
  check: 'readiness-probe',
  container,
  containerId: 'a',
  verdict: evaluateTry(CHECKS[0] as never, outcome, { inFallback: false, podReady: true }),
  attempts: 1,
  timeouts: 0,
  firstAt: NOW,
  lastAt: NOW,
});
const SILENT: TryOutcome = { kind: 'unreachable', message: 'connection lost' };

describe('the cause of a try', () => {
  test.each<[string, TryOutcome, object]>([
    ['a code', exit(17), { reason: 'ProbeFailed', exitCode: 17 }],
    ['a time-out', { kind: 'timeout', output: '' }, { reason: 'ProbeTimedOut', seconds: 10 }],
    ['no response', SILENT, { reason: 'NoEvidence', detail: 'connection lost' }],
    [
      'a missing command, with its image',
      { kind: 'missing' },
      { reason: 'CommandMissing', image: NEW, command: '/usr/bin/readiness_probe.sh' },
    ],
    [
      'a command that cannot be run',
      { kind: 'unrunnable', why: 'WrongFormat' },
      {
        reason: 'CommandNotRunnable',
        image: NEW,
        command: '/usr/bin/readiness_probe.sh',
        unrunnable: 'WrongFormat',
      },
    ],
  ])('%s', (_, outcome, expected) => {
    const cause = JSON.parse(JSON.stringify(tryCause(tried(outcome), podOf(), CHECKS)));
    expect(cause).toEqual({ check: 'readiness-probe', container: 'web', ...expected });
  });

  test('names no image of a container that is gone, and cuts long commands', () => {
    const { image, command } = tryCause(tried({ kind: 'missing' }, 'gone'), podOf(), []);
    expect([image, command]).toEqual([undefined, undefined]);
    const long = specOf({
      postCheck: { checks: [{ name: 'readiness-probe', exec: { command: ['x'.repeat(300)] } }] },
    });
    expect(tryCause(tried({ kind: 'missing' }), podOf(), effectiveChecks(long)).command).toHaveLength(256);
  });

  test('of several is the worst', () => {
    const all = [exit(0), SILENT, exit(17), { kind: 'missing' } as const].map((outcome) => tried(outcome));
    expect(worstTriesFirst(all).map(({ verdict }) => verdict.class)).toEqual([
      'Fail',
      'Retry',
      'Error',
      'Pass',
    ]);
  });
});

describe('a pod does not pass because', () => {
  const required = (isRequired: boolean, more: object = {}) =>
    verificationContext({ postCheck: { readiness: { required: isRequired }, ...more } });
  const cause = (pod: PodView, record: Partial<PodRecord> | undefined, context = required(true)) =>
    failureCause(pod, record && recordOf(record), context, NOW);
  const waiting = notReady({ containers: [containerOf({ id: '', state: 'waiting', ready: false })] });
  const mount = { reason: 'FailedMount', message: 'no secret', at: NOW };

  test.each<[string, ReturnType<typeof cause>, object]>([
    ['a check failed, whether it is ready or not', cause(notReady(), { tries: [tried(exit(17))] }), { exitCode: 17 }],
    ['it is not ready', cause(notReady(), { tries: [tried(exit(0))] }), { reason: 'NotReady', container: 'web' }],
    ['it is not ready, before any probe', cause(notReady(), undefined), { reason: 'NotReady' }],
    ['it is not started, with what an event says', cause(waiting, undefined, { ...required(true), warningOf: () => mount }), { reason: 'NotStarted', detail: 'FailedMount: no secret' }],
    ['it is not started, though it need not be ready', cause(waiting, undefined, required(false)), { reason: 'NotStarted' }],
    ['it is not probed yet, if it need not be ready', cause(notReady(), undefined, required(false)), { reason: 'NotProbedYet' }],
    ['it was not ready', cause(podOf(), { class: 'Retry', tries: [tried(exit(0))] }), { reason: 'NotReady' }],
    ['a probe had no response', cause(podOf(), { class: 'Error', passes: 0, tries: [tried(SILENT)] }), { reason: 'NoEvidence' }],
    ['it has not passed often enough', cause(podOf(), { passes: 2, tries: [tried(exit(0))] }, required(true, { successThreshold: 3 })), { reason: 'Passed', repeated: 2, limit: 3 }],
    ['it is not probed yet', cause(podOf(), undefined), { reason: 'NotProbedYet' }],
    ['a condition does not hold', cause(podOf({ gates: ['example.com/lb'], conditions: { ContainersReady: conditionOf('True') } }), undefined), { reason: 'NotReady', condition: 'example.com/lb' }],
  ])('%s', (_, found, expected) => {
    expect(found).toMatchObject(expected);
  }); // biome-ignore format: a table

  test('an earlier cycle says less than the present one', () => {
    expect(cause(podOf(), { class: 'Retry', tries: [] })).toEqual({ reason: 'NotReady' });
    const silent = cause(podOf(), { class: 'Error', passes: 0, tries: [tried(SILENT)] });
    expect(silent.repeated).toBeUndefined();
  });
});
