import { describe, expect, test } from '@jest/globals';
import type { Check, ExitCodeRule } from '../../api/types.ts';
import { verdictText } from '../report/verdict-text.ts';
import { covers, evaluateTry, type TryContext, type TryOutcome } from './exit-codes.ts';

const check: Check = {
  name: 'readiness-probe',
  exec: { command: ['/usr/bin/readiness_probe.sh'] },
  timeoutSeconds: 10,
  whenMissing: 'Fail',
  exitCodes: [],
  maxOutputBytes: 1024,
};
const onNewPod: TryContext = { inFallback: false, podReady: true };
function tried(outcome: TryOutcome, of: Check = check) {
  const verdict = evaluateTry(of, outcome, onNewPod);
  return { ...verdict, message: verdictText(verdict) };
}
const exited = (code: number, output: string, of: Check = check) => tried({ kind: 'exit', code, output }, of);

/** What the readiness script prints when it decides: the sentence on stderr, the result line on stdout, in whichever order they arrive. */
const said = (code: number, sentence: string, before = ''): string =>
  `${before}readiness_probe: ${sentence}\npostcheck: stage=supervisor code=${code} state=EXITED exitstatus=3 source=xmlrpc hook=- ms=60\n`;

test('what a rule of the user says of a code is one line without control or direction characters', () => {
  const rule = { codes: 17, class: 'Retry', reason: 'Waits', message: 'no\u001b[31m\u202epe\nhere' } as const;
  expect(exited(17, '', { ...check, exitCodes: [rule] }).message).toBe('nope here');
});

describe("the readiness script's own words are the message of its codes", () => {
  test('which exit status start ended with', () => {
    expect(exited(2, said(2, 'start ended with exit status 3'))).toMatchObject({
      class: 'Retry',
      reason: 'StartServiceNotDone',
      message: 'start ended with exit status 3',
      exitCode: 2,
    });
  });

  test('whichever of the two lines comes first', () => {
    const [sentence, line] = said(2, 'start was killed by a signal').split('\n');
    expect(exited(2, `${line}\n${sentence}\n`).message).toBe('start was killed by a signal');
  });

  test('without what differs from try to try', () => {
    const running = (uptime: string) =>
      said(2, `start is RUNNING (pid 55, uptime ${uptime}), not yet EXITED with status 0`);
    expect(exited(2, running('0:00:19')).message).toBe('start is RUNNING, not yet EXITED with status 0');
    expect(exited(2, running('2 days, 1:00:00')).message).toBe(
      'start is RUNNING, not yet EXITED with status 0',
    );
  });

  test('the last of them, because warnings and what the hook prints come before', () => {
    const noise = 'readiness_probe: a warning\npostcheck: stage=ready code=0 state=NONE\n';
    expect(exited(124, said(124, 'hook was still running after 5 s', noise)).message).toBe(
      'hook was still running after 5 s',
    );
  });

  test('but the general meaning applies with the result line alone', () => {
    expect(exited(2, 'postcheck: stage=supervisor code=2 state=EXITED exitstatus=3\n')).toMatchObject({
      reason: 'StartServiceNotDone',
      message: 'the start service has not ended with status 0',
    });
  });

  test.each([
    ['without the result line', 'readiness_probe: start ended with exit status 3\n'],
    ['with the result line of another code', said(1, 'hook crashed')],
    ['with other output after the result line', `${said(2, 'start failed')}password=1\n`],
    [
      'with a result line that begins in the middle of a line',
      `x ${said(2, 'start failed').split('\n')[1]}\n`,
    ],
    ['with nothing', ''],
  ])('and the program is not the script %s', (_, output) => {
    expect(exited(2, output)).toMatchObject({ reason: 'ProbeFailed', message: '' });
  });

  test('in one line of bounded length', () => {
    const { message } = exited(2, said(2, `start ${'x'.repeat(5000)}💥`));
    expect(message.length).toBeLessThanOrEqual(200);
  });

  test('not for codes to which the Upgrade gives a meaning', () => {
    const rule = {
      codes: '2',
      class: 'Fail' as const,
      reason: 'NotPrepared',
      message: 'the node has to be prepared first',
    };
    expect(
      exited(2, said(2, 'start ended with exit status 3'), { ...check, exitCodes: [rule] }),
    ).toMatchObject({
      class: 'Fail',
      reason: 'NotPrepared',
      message: rule.message,
    });
  });

  test("not for the hook's own codes, which it could only repeat", () => {
    expect(exited(17, said(17, 'hook returned 17'))).toMatchObject({ reason: 'ProbeFailed', message: '' });
  });
});

test('with its result line, 127 is what the script decided', () => {
  const output = said(127, 'hook /usr/bin/readiness_probe_hook or its interpreter was not found');
  expect(exited(127, output)).toMatchObject({
    class: 'Retry',
    reason: 'ProbeHookNotRunnable',
    message: 'hook /usr/bin/readiness_probe_hook or its interpreter was not found',
  });
});

test('a sentence of the script begins its line', () => {
  const output = `x readiness_probe: not this\n${said(2, 'start failed', '')}`;
  expect(exited(2, output).message).toBe('start failed');
  const [, line] = output.split('postcheck: ');
  expect(exited(2, `x readiness_probe: not this\npostcheck: ${line}`).message).toBe(
    'the start service has not ended with status 0',
  );
});

test('a command that a signal may have killed is looked after once more, after a while', () => {
  expect([17, 128, 129, 137].map((code) => exited(code, '').confirm)).toEqual([
    'now',
    'now',
    'afterGrace',
    'afterGrace',
  ]);
  expect(exited(0, '').confirm).toBe('no');
});

test('a rule covers one code, or a range with both of its ends', () => {
  const covered = (codes: string | number) =>
    [1, 2, 3, 4, 5].filter((code) => covers({ codes, class: 'Fail' } as ExitCodeRule, code));
  expect(covered(3)).toEqual([3]);
  expect(covered('3')).toEqual([3]);
  expect(covered('2-4')).toEqual([2, 3, 4]);
  expect(covered('x')).toEqual([]);
  expect(covered('2-x')).toEqual([]);
});

test.each([
  ['HTTP probe failed with statuscode: 503', 'statuscode: 503'],
  ['service unhealthy (responded with "NOT_SERVING")', 'responded with "NOT_SERVING"'],
  ['error: health rpc probe failed: x (gRPC status 14)', 'gRPC status 14'],
  ['timeout: health rpc did not complete within 1s', 'timeout'],
  ['the peer says statuscode: abc', ''],
  ['service unhealthy (responded with "a secret")', ''],
])('of %s the message says %j', (output, message) => {
  expect(tried({ kind: 'answered', good: false, output }).message).toBe(message);
});

test('what a check printed is in its output and nowhere else', () => {
  for (const code of [1, 2, 17, 120, 126, 127, 137]) {
    const { message, output } = exited(code, 'password=secret\n');
    expect(output).toContain('secret');
    expect(message).not.toContain('secret');
  }
  const grpc = { kind: 'answered', good: false, output: 'rpc failed: secret (gRPC status 5)' } as const;
  expect(tried(grpc).message).toBe('gRPC status 5');
  const redirected = { kind: 'unconnected', message: 'Get "http://10.0.0.1/secret": refused' } as const;
  expect(tried(redirected).message).toBe('refused');
});

describe('of the output', () => {
  const hook126 = `${'x'.repeat(2000)}\npostcheck: stage=hook code=126 ms=3\n`;

  test('the head and the tail are stored, as many bytes as the check allows', () => {
    expect(exited(17, 'abcdefghij', { ...check, maxOutputBytes: 4 }).output).toBe('abij');
    expect(exited(17, 'abcd', { ...check, maxOutputBytes: 4 }).output).toBe('abcd');
  });

  test('nothing is stored or quoted with 0 bytes, but the result line still counts', () => {
    const verdict = exited(126, hook126, { ...check, maxOutputBytes: 0 });
    expect(verdict).toMatchObject({ class: 'Retry', reason: 'ProbeHookNotRunnable', output: '' });
    const secretive = { ...check, maxOutputBytes: 0 };
    expect(exited(2, said(2, 'start ended with a secret'), secretive)).toMatchObject({
      reason: 'StartServiceNotDone',
      message: 'the start service has not ended with status 0',
      output: '',
    });
    expect(exited(2, said(2, 'start ended with a secret'), { ...check, maxOutputBytes: 1 }).message).toBe(
      'start ended with a secret',
    );
  });
});
