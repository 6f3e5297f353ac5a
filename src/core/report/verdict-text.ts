/** The text for the result of a try. */
import { own } from '../../api/own.ts';
import type { AnyReason, PodReason } from '../../api/reasons.ts';

/** The result of a try, or a cause that comes from one. */
export interface VerdictFacts {
  readonly reason: AnyReason;
  readonly exitCode?: number;
  readonly seconds?: number;
  /** The text of an exit-code rule, the readiness script or an error, which takes precedence over the table. */
  readonly message?: string;
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 4: 'SIGILL', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE', 9: 'SIGKILL', 11: 'SIGSEGV', 13: 'SIGPIPE', 14: 'SIGALRM', 15: 'SIGTERM',
}; // biome-ignore format: a table

function killedBy({ exitCode = 128 }: VerdictFacts): string {
  const signal = exitCode - 128;
  return `killed by ${SIGNALS[signal] ?? `signal ${signal}`}`;
}

/** Exit codes of a shell for a command that it cannot run. */
const SHELL_CODES: Readonly<Record<number, string>> = {
  126: 'something that it calls cannot be run',
  127: 'something that it calls is missing',
};

const MEANINGS: Partial<Record<PodReason, (verdict: VerdictFacts) => string>> = {
  ProbeHookCrashed: () => 'the readiness hook crashed',
  StartServiceNotDone: () => 'the start service has not ended with status 0',
  ProbeHookBrokeContract: () => 'the readiness hook returned a reserved code',
  ProbeHookTimedOut: () => 'the readiness hook exceeded its time limit',
  ProbeInternalError: () => 'the readiness script itself failed',
  ProbeHookNotRunnable: ({ exitCode }) =>
    exitCode === 126
      ? 'the readiness hook is not executable'
      : 'the readiness hook or its interpreter is missing',
  ProbeKilled: killedBy,
  ProbeFailed: ({ exitCode = 0 }) => SHELL_CODES[exitCode] ?? '',
  ProbeTimedOut: ({ seconds }) => (seconds === undefined ? '' : `still running after ${seconds}s`),
};

/** The meaning of a result, as a clause; empty if the reason says everything. */
export const verdictText = (verdict: VerdictFacts): string =>
  verdict.message ?? own<(verdict: VerdictFacts) => string>(MEANINGS, verdict.reason)?.(verdict) ?? '';
