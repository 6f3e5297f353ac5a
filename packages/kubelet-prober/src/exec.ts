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

/** What running a command in the container gave. `output` is stdout and stderr together. */
export type CommandEnd =
  | { readonly kind: 'exit'; readonly code: number; readonly output: string }
  /** Started, and ran past the limit. */
  | { readonly kind: 'timeout'; readonly message: string }
  /** Could not be run, or nothing is known of its end. */
  | { readonly kind: 'error'; readonly message: string };

/** Runs a command in the probed container, without a shell. */
export type RunInContainer = (command: readonly string[], limits: ProbeLimits) => Promise<CommandEnd>;

/**
 * An exec probe: exit code 0 is success, any other failure. A time-out is a failure that says so (before 1.20 kubelet
 * did not enforce it). A command that cannot be run is unknown, with an error. A runner that throws or does not keep to the limit is taken care of. Of the output 10 KiB are kept.
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
    // A runner that was stopped by our signal may call that an error.
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
    // A runner that itself ends on the signal may say more than we can.
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
