/** The words for what a try of a check said. */
import { own } from '../../api/own.ts';
import type { AnyReason, PodReason } from '../../api/reasons.ts';

/** What is known of a try, or of a cause that comes of one. */
export interface Said {
  readonly reason: AnyReason;
  readonly exitCode?: number;
  readonly seconds?: number;
  /** Words of others: they know more than a table. */
  readonly said?: string;
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 4: 'SIGILL', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE', 9: 'SIGKILL', 11: 'SIGSEGV', 13: 'SIGPIPE', 14: 'SIGALRM', 15: 'SIGTERM',
}; // biome-ignore format: a table

function killedBy({ exitCode = 128 }: Said): string {
  const signal = exitCode - 128;
  return `killed by ${SIGNALS[signal] ?? `signal ${signal}`}`;
}

/** A shell ends so when what it calls is missing or cannot be run. */
const SHELL_CODES: Readonly<Record<number, string>> = {
  126: 'something that it calls cannot be run',
  127: 'something that it calls is missing',
};

const MEANINGS: Partial<Record<PodReason, (said: Said) => string>> = {
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

/** What it means, as a clause; empty when the reason says it all. */
export const verdictText = (said: Said): string =>
  said.said ?? own<(said: Said) => string>(MEANINGS, said.reason)?.(said) ?? '';
