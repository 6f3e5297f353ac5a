/** The exec probe. */
import { errorText } from './connection.ts';
import { Deadline, inSeconds } from './deadline.ts';
import {
  failure,
  firstBytes,
  OUTPUT_LIMIT_BYTES,
  type ProbeLimits,
  type ProbeOutcome,
  success,
  unknown,
} from './result.ts';

/** The result of a command in the container. `output` is stdout and stderr together. */
export type CommandEnd =
  | { readonly kind: 'exit'; readonly code: number; readonly output: string }
  /** It started, and ran longer than the limit. */
  | { readonly kind: 'timeout'; readonly message: string }
  /** It could not be run, or its result is unknown. */
  | { readonly kind: 'error'; readonly message: string };

/** Runs a command in the probed container, without a shell. */
export type RunInContainer = (command: readonly string[], limits: ProbeLimits) => Promise<CommandEnd>;

/**
 * Runs an exec probe: exit code 0 is success, any other is failure. A timeout is a failure that says so (before 1.20 kubelet did not enforce it). A
 * command that cannot be run is unknown, with an error. A runner that throws or exceeds the limit is handled. 10 KiB of the output are kept.
 */
export async function probeExec(
  command: readonly string[],
  run: RunInContainer,
  limits: ProbeLimits,
): Promise<ProbeOutcome> {
  const deadline = new Deadline(limits.timeoutMs, limits.signal);
  try {
    const end = await Promise.race([
      contained(command, run, { timeoutMs: limits.timeoutMs, signal: deadline.signal }),
      overrun(command, limits, deadline),
    ]);
    if (deadline.aborted) {
      return unknown('aborted');
    }
    // A runner that was stopped by our signal may report that as an error.
    return judge(end.kind === 'error' && deadline.signal.aborted ? overrunOf(command, limits) : end);
  } finally {
    deadline.dispose();
  }
}

async function contained(
  command: readonly string[],
  run: RunInContainer,
  limits: ProbeLimits,
): Promise<CommandEnd> {
  try {
    return await run(command, limits);
  } catch (error) {
    return { kind: 'error', message: error instanceof Error ? errorText(error) : String(error) };
  }
}

function overrun(command: readonly string[], limits: ProbeLimits, deadline: Deadline): Promise<CommandEnd> {
  return new Promise((resolve) => {
    // A runner that ends on the signal may return a more precise result.
    deadline.onEnd(() => setImmediate(() => resolve(overrunOf(command, limits))));
  });
}

function overrunOf(command: readonly string[], limits: ProbeLimits): CommandEnd {
  return {
    kind: 'timeout',
    message: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${inSeconds(limits.timeoutMs)}`,
  };
}

function judge(end: CommandEnd): ProbeOutcome {
  switch (end.kind) {
    case 'exit': {
      const output = firstBytes(end.output, OUTPUT_LIMIT_BYTES);
      return end.code === 0 ? success(output) : failure(output, true);
    }
    case 'timeout':
      return failure(end.message, true);
    case 'error':
      return unknown(end.message);
  }
}
