import { expect, test } from '@jest/globals';
import { verdictText } from './verdict-text.ts';

test.each([
  ['ProbeHookCrashed', 1, 'the readiness hook crashed'],
  ['StartServiceNotDone', 2, 'the start service has not ended with status 0'],
  ['ProbeHookBrokeContract', 120, 'the readiness hook returned a reserved code'],
  ['ProbeHookTimedOut', 124, 'the readiness hook exceeded its time limit'],
  ['ProbeInternalError', 125, 'the readiness script itself failed'],
  ['ProbeHookNotRunnable', 126, 'the readiness hook is not executable'],
  ['ProbeHookNotRunnable', 127, 'the readiness hook or its interpreter is missing'],
  ['ProbeFailed', 126, 'something that it calls cannot be run'],
  ['ProbeFailed', 127, 'something that it calls is missing'],
  ['ProbeFailed', 17, ''],
  ['ProbeFailed', undefined, ''],
  ['ProbeKilled', 129, 'killed by SIGHUP'],
  ['ProbeKilled', 130, 'killed by SIGINT'],
  ['ProbeKilled', 131, 'killed by SIGQUIT'],
  ['ProbeKilled', 132, 'killed by SIGILL'],
  ['ProbeKilled', 134, 'killed by SIGABRT'],
  ['ProbeKilled', 135, 'killed by SIGBUS'],
  ['ProbeKilled', 136, 'killed by SIGFPE'],
  ['ProbeKilled', 137, 'killed by SIGKILL'],
  ['ProbeKilled', 139, 'killed by SIGSEGV'],
  ['ProbeKilled', 141, 'killed by SIGPIPE'],
  ['ProbeKilled', 142, 'killed by SIGALRM'],
  ['ProbeKilled', 143, 'killed by SIGTERM'],
  ['ProbeKilled', 162, 'killed by signal 34'],
  ['ProbeTimedOut', undefined, ''],
  ['Passed', 0, ''],
] as const)('%s with exit code %s means "%s"', (reason, exitCode, text) => {
  expect(verdictText({ reason, exitCode })).toBe(text);
});

test('a time limit names its seconds', () => {
  expect(verdictText({ reason: 'ProbeTimedOut', seconds: 10 })).toBe('still running after 10s');
});

test('a message takes precedence, also an empty one', () => {
  expect(verdictText({ reason: 'ProbeHookCrashed', message: 'no licence' })).toBe('no licence');
  expect(verdictText({ reason: 'ProbeHookCrashed', message: '' })).toBe('');
});
