import { describe, expect, test } from '@jest/globals';
import { specOf } from '../../../test/support/snapshots.ts';
import { effectiveChecks } from '../../api/checks.ts';
import { UNRUNNABLE } from '../../api/enums.ts';
import type { Check } from '../../api/types.ts';
import { verdictText } from '../report/verdict-text.ts';
import { type Baseline, evaluateTry, type TryContext, type TryOutcome } from './exit-codes.ts';

const [probe] = effectiveChecks(specOf()) as [Check];
const onNewPod: TryContext = { inFallback: false, podReady: true };
function say(outcome: TryOutcome, check: Check = probe, context = onNewPod): string {
  const { class: own, reason } = evaluateTry(check, outcome, context);
  return `${own} ${reason}`;
}
const exits = (code: number, output = '', check: Check = probe): string =>
  say({ kind: 'exit', code, output }, check);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** What the readiness script prints last: with it, its own table of codes holds. */
const resultLine = (code: number): string => `postcheck: stage=hook code=${code} state=EXITED\n`;

describe('all 256 exit codes, as the readiness script means them', () => {
  const table: readonly (readonly [codes: number[], says: string, means: string])[] = [
    [[0], 'Pass Passed', ''],
    [[1], 'Retry ProbeHookCrashed', 'the readiness hook crashed'],
    [[2], 'Retry StartServiceNotDone', 'the start service has not ended with status 0'],
    [range(3, 119), 'Retry ProbeFailed', ''],
    [[120], 'Retry ProbeHookBrokeContract', 'the readiness hook returned a reserved code'],
    [range(121, 123), 'Retry ProbeFailed', ''],
    [[124], 'Retry ProbeHookTimedOut', 'the readiness hook exceeded its time limit'],
    [[125], 'Retry ProbeInternalError', 'the readiness script itself failed'],
    [[126], 'Retry ProbeHookNotRunnable', 'the readiness hook is not executable'],
    [[127], 'Retry ProbeHookNotRunnable', 'the readiness hook or its interpreter is missing'],
    [[128], 'Retry ProbeFailed', ''],
    [[129], 'Retry ProbeKilled', 'killed by SIGHUP'],
    [[130], 'Retry ProbeKilled', 'killed by SIGINT'],
    [[131], 'Retry ProbeKilled', 'killed by SIGQUIT'],
    [[137], 'Retry ProbeKilled', 'killed by SIGKILL'],
    [[139], 'Retry ProbeKilled', 'killed by SIGSEGV'],
    [[141], 'Retry ProbeKilled', 'killed by SIGPIPE'],
    [[143], 'Retry ProbeKilled', 'killed by SIGTERM'],
  ];

  test.each(table.flatMap(([codes, says, means]) => codes.map((code) => [code, says, means] as const)))(
    '%i is %s',
    (code, says, means) => {
      const output = resultLine(code);
      expect(exits(code, output)).toBe(says);
      const verdict = evaluateTry(probe, { kind: 'exit', code, output }, onNewPod);
      expect([verdictText(verdict), verdict.exitCode]).toEqual([means, code]);
    },
  );

  test('every other code up to 192 is a signal, by its number', () => {
    for (const code of range(129, 192)) {
      expect(exits(code)).toBe('Retry ProbeKilled');
      expect(verdictText(evaluateTry(probe, { kind: 'exit', code, output: '' }, onNewPod))).toMatch(
        /^killed by (SIG[A-Z]+|signal \d+)$/,
      );
    }
  });

  test('there is no signal for the codes above, such as that of `exit -1`, nor for those of Windows', () => {
    for (const code of [...range(193, 255), -1073741819]) {
      expect(exits(code)).toBe('Retry ProbeFailed');
      expect(verdictText(evaluateTry(probe, { kind: 'exit', code, output: '' }, onNewPod))).toBe('');
    }
  });

  test('no code but 0 passes, and none but a missing command ends the wait, unless a rule says so', () => {
    for (const code of range(1, 255)) {
      expect(exits(code, resultLine(code))).toMatch(/^Retry /);
    }
    expect(exits(0)).toBe('Pass Passed');
  });

  test('mean nothing of the kind in a program that is not the script', () => {
    for (const code of [...range(1, 125), 128]) {
      expect(exits(code, 'no response\n')).toBe('Retry ProbeFailed');
      expect(verdictText(evaluateTry(probe, { kind: 'exit', code, output: '' }, onNewPod))).toBe('');
    }
  });

  test('126 and 127 of a command that ran are its own exit codes, as of a shell: never a missing command', () => {
    const skips = { ...probe, whenMissing: 'Skip' } as const;
    expect(exits(126, 'sh: /x: Permission denied', skips)).toBe('Retry ProbeFailed');
    expect(exits(127, 'curl: not found', skips)).toBe('Retry ProbeFailed');
    expect(verdictText(evaluateTry(skips, { kind: 'exit', code: 127, output: 'secret' }, onNewPod))).toBe(
      'something that it calls is missing',
    );
  });
});

describe('a success that contradicts what the readiness script wrote', () => {
  const output = `no route yet\n${resultLine(17)}readiness_probe: the hook returned 17\n`;

  test('is no evidence: the runtime has lost the exit code', () => {
    expect(evaluateTry(probe, { kind: 'exit', code: 0, output }, onNewPod)).toMatchObject({
      class: 'Error',
      message: 'the container runtime reported exit code 0, but the script ended with 17',
      confirm: 'no',
    });
  });

  test('is one if the script wrote 0, if more was written after it, or if a command of several words ran it', () => {
    const wrapped = { ...probe, exec: { command: ['/bin/sh', '-c', '/usr/bin/readiness_probe.sh; true'] } };
    expect(exits(0, resultLine(0))).toBe('Pass Passed');
    expect(exits(0, `${output}fine now\n`)).toBe('Pass Passed');
    expect(exits(0, output, wrapped)).toBe('Pass Passed');
  });
});

describe('a second look', () => {
  const rule = (codes: string, of: 'Pass' | 'Retry' | 'Fail' | 'Skip'): Check => ({
    ...probe,
    exitCodes: [{ codes, class: of, reason: 'Mine', message: '' }],
  });
  const confirms = (outcome: TryOutcome, check = probe) => evaluateTry(check, outcome, onNewPod).confirm;
  const code = (value: number): TryOutcome => ({ kind: 'exit', code: value, output: '' });

  test.each([
    ['no: it passed', code(0), probe, 'no'],
    ['no: a rule says that 17 passes', code(17), rule('17', 'Pass'), 'no'],
    ['no: a rule says that 17 is skipped', code(17), rule('17', 'Skip'), 'no'],
    ['no: there was no response', { kind: 'unreachable', message: '' }, probe, 'no'],
    ['now: it failed', code(17), probe, 'now'],
    ['now: a rule says that 0 is not yet good', code(0), rule('0', 'Retry'), 'now'],
    ['now: the command is missing', { kind: 'missing' }, probe, 'now'],
    ['now: it did not end', { kind: 'timeout', output: '' }, probe, 'now'],
    ['after a moment: it was killed, or its container died', code(137), probe, 'afterGrace'],
    ['after a moment: also where a rule applies', code(137), rule('137', 'Fail'), 'afterGrace'],
  ] as [string, TryOutcome, Check, string][])('%s', (_what, outcome, check, expected) => {
    expect(confirms(outcome, check)).toBe(expected);
  });
});

describe("a user's rule", () => {
  const withRules = (...exitCodes: Check['exitCodes']): Check => ({ ...probe, exitCodes });

  test.each(['Pass', 'Retry', 'Fail', 'Skip'] as const)(
    'can make its codes %s, and its words are shown',
    (own) => {
      const check = withRules({ codes: '17', class: own, reason: 'SchemaTooOld', message: 'migrate first' });
      expect(evaluateTry(check, { kind: 'exit', code: 17, output: 'x' }, onNewPod)).toMatchObject({
        class: own,
        reason: 'SchemaTooOld',
        message: 'migrate first',
        exitCode: 17,
        output: 'x',
      });
      expect(exits(18, '', check)).toBe('Retry ProbeFailed');
    },
  );

  test('of a range covers both its ends and nothing beyond', () => {
    const check = withRules({ codes: '3-119', class: 'Fail', reason: 'HookSaysNo', message: '' });
    expect([2, 3, 119, 120].map((code) => exits(code, resultLine(code), check))).toEqual([
      'Retry StartServiceNotDone',
      'Fail HookSaysNo',
      'Fail HookSaysNo',
      'Retry ProbeHookBrokeContract',
    ]);
  });

  test('wins over the default, also for 0 and for what a shell ends with', () => {
    expect(exits(0, '', withRules({ codes: '0', class: 'Retry', reason: 'NotYet', message: '' }))).toBe(
      'Retry NotYet',
    );
    expect(
      exits(127, '', withRules({ codes: '126-127', class: 'Retry', reason: 'NotYet', message: '' })),
    ).toBe('Retry NotYet');
  });

  test('whose codes are no number covers nothing', () => {
    for (const codes of ['', 'x', '-', '1-', '17x']) {
      expect(exits(17, '', withRules({ codes, class: 'Fail', reason: 'Never', message: '' }))).toBe(
        'Retry ProbeFailed',
      );
    }
  });
});

describe('without an exit code', () => {
  test.each([
    ['a missing command ends the wait', { kind: 'missing' }, 'Fail CommandMissing'],
    [
      'a command that ran past its limit is run again',
      { kind: 'timeout', output: '' },
      'Retry ProbeTimedOut',
    ],
    [
      'a broken channel is no evidence',
      { kind: 'unreachable', message: 'connection lost' },
      'Error NoEvidence',
    ],
    ['a good answer over the network passes', { kind: 'answered', good: true, output: 'ok' }, 'Pass Passed'],
    [
      'a bad response over the network is probed again',
      { kind: 'answered', good: false, output: 'HTTP 503' },
      'Retry ProbeFailed',
    ],
    [
      'a connection that the operator cannot make to a pod that is ready is no evidence',
      { kind: 'unconnected', message: 'refused' },
      'Error NoEvidence',
    ],
  ] as const)('%s', (_what, outcome, says) => {
    expect(say(outcome)).toBe(says);
    expect(evaluateTry(probe, outcome, onNewPod).exitCode).toBeUndefined();
  });

  test('a refused connection counts if the pod is not ready either', () => {
    expect(
      say({ kind: 'unconnected', message: 'refused' }, probe, { inFallback: false, podReady: false }),
    ).toBe('Retry ProbeUnconnected');
  });

  test('a missing command is skipped where the owner says so, and in a fallback, whose image may be older than the script', () => {
    const missing = { kind: 'missing' } as const;
    const inFallback = { inFallback: true, podReady: true };
    expect(say(missing, { ...probe, whenMissing: 'Skip' })).toBe('Skip CommandMissing');
    expect(say(missing, probe, inFallback)).toBe('Skip CommandMissing');
    expect(say({ kind: 'exit', code: 127, output: '' }, probe, inFallback)).toBe('Retry ProbeFailed');
  });

  test('what the version before had decides, by default, whether a missing command is remarkable', () => {
    const missing = { kind: 'missing' } as const;
    const auto = (baseline: Baseline | undefined) => say(missing, probe, { ...onNewPod, baseline });
    expect(probe.whenMissing).toBe('Auto');
    expect(auto('Missing')).toBe('Skip NoCheckRan');
    expect(auto('Had')).toBe('Fail CommandMissing');
    expect(auto('Unknown')).toBe('Fail CommandMissing');
    expect(auto(undefined)).toBe('Fail CommandMissing');
    const strict = { ...probe, whenMissing: 'Fail' } as const;
    expect(say(missing, strict, { ...onNewPod, baseline: 'Missing' })).toBe('Fail CommandMissing');
  });

  test.each(UNRUNNABLE)('a command that is there and cannot be run (%s) is never skipped for it', (why) => {
    const outcome = { kind: 'unrunnable', why } as const;
    for (const whenMissing of ['Auto', 'Fail', 'Skip'] as const) {
      expect(say(outcome, { ...probe, whenMissing }, { ...onNewPod, baseline: 'Missing' })).toBe(
        'Fail CommandNotRunnable',
      );
    }
    expect(evaluateTry(probe, outcome, onNewPod).unrunnable).toBe(why);
  });
});
