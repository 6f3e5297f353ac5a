/**
 * What one try says. The whole exit-code contract of the readiness script lives here:
 * evidence is an exit code, a missing command, or a command that ran past its limit. Everything else is Error, which is no evidence.
 */
import { cut } from '../../api/cut.ts';
import { type AnyReason, type PodReason, userReason } from '../../api/reasons.ts';
import type { Check, Class, ExitCodeRule } from '../../api/types.ts';

/** Outcome of one try as the shells report it; `unreachable` is a broken channel of any kind. */
export type TryOutcome =
  | { readonly kind: 'exit'; readonly code: number; readonly output: string }
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'timeout'; readonly output: string }
  | { readonly kind: 'unreachable'; readonly message: string }
  /** A check over the network was answered, well or not. */
  | { readonly kind: 'answered'; readonly good: boolean; readonly output: string }
  /** A check over the network found nobody to answer, from where the operator is. */
  | { readonly kind: 'unconnected'; readonly message: string };

/** What else bears on a try. */
export interface TryContext {
  /** The try was made on a reverted pod. */
  readonly inFallback: boolean;
  /** ContainersReady, as the kubelet on the pod's own node sees it. */
  readonly podReady: boolean;
}

export interface TryVerdict {
  readonly class: Class;
  /** CamelCase, shown in the status and in conditions. */
  readonly reason: AnyReason;
  /** What it means; empty when the reason says it all. */
  readonly message: string;
  readonly exitCode?: number;
  readonly output: string;
}

/** The last line that the readiness script prints by itself; without it 126 and 127 mean that the command is missing. */
const RESULT_LINE = /^postcheck: stage=\w+ code=(\d+)\b/gm;

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 4: 'SIGILL', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE', 9: 'SIGKILL', 11: 'SIGSEGV', 13: 'SIGPIPE', 14: 'SIGALRM', 15: 'SIGTERM',
}; // biome-ignore format: a table

const DEFAULTS: Readonly<Record<number, readonly [reason: PodReason, message: string]>> = {
  1: ['ProbeHookCrashed', 'the readiness hook crashed'],
  2: ['StartServiceNotDone', 'the start service has not ended with status 0'],
  120: ['ProbeHookBrokeContract', 'the readiness hook returned a reserved code'],
  124: ['ProbeHookTimedOut', 'the readiness hook ran past its limit'],
  125: ['ProbeInternalError', 'the readiness script failed by itself'],
  126: ['ProbeHookNotRunnable', 'the readiness hook is not executable'],
  127: ['ProbeHookNotRunnable', 'the readiness hook or its interpreter is missing'],
};

/** The script's sentence about its decision, on stderr; warnings come before it. The kept output may have lost its head, not its end. */
const SENTENCE = /^readiness_probe: (.+)$/gm;

/** Differs with every try, and a sentence that does would be a write of the status each time. */
const PROCESS = / \(pid \d+, uptime [^)]*\)/;

/** What the expression captures where it matches last: a hook's own output comes before the script's. */
const lastMatch = (expression: RegExp, output: string): string | undefined =>
  [...output.matchAll(expression)].at(-1)?.[1];

/**
 * What the readiness script itself says about `code`, such as "start ended with exit status 3": it knows more than a table.
 * `undefined` when the script did not decide on this code, or its words were not kept.
 */
function ownWords(code: number, output: string): string | undefined {
  if (Number(lastMatch(RESULT_LINE, output)) !== code) {
    return undefined;
  }
  const words = lastMatch(SENTENCE, output)?.replace(PROCESS, '');
  return words === undefined ? undefined : cut(words, 256);
}

/** Does `rule` speak of `code`? Codes that are no range never match; the CRD refuses them. */
function covers(rule: ExitCodeRule, code: number): boolean {
  const [low, high = low] = String(rule.codes).split('-').map(Number);
  return low !== undefined && high !== undefined && low <= code && code <= high;
}

function missing(check: Check, message: string, inFallback: boolean): TryVerdict {
  // An image from before the script existed must be able to take a fallback: there, readiness decides.
  const skip = inFallback || check.whenMissing === 'Skip';
  return {
    class: skip ? 'Skip' : 'Fail',
    reason: 'CommandMissing',
    message: message || 'the command is not in the image',
    output: '',
  };
}

function meaning(code: number, output: string): readonly [reason: PodReason, message: string] {
  const known = DEFAULTS[code];
  if (known) {
    return [known[0], ownWords(code, output) ?? known[1]];
  }
  return code > 128
    ? ['ProbeKilled', `killed by ${SIGNALS[code - 128] ?? `signal ${code - 128}`}`]
    : ['ProbeFailed', ''];
}

function exited(check: Check, code: number, output: string, inFallback: boolean): TryVerdict {
  const rule = check.exitCodes.find((candidate) => covers(candidate, code));
  if (rule) {
    return {
      class: rule.class,
      reason: userReason(rule.reason),
      message: rule.message,
      exitCode: code,
      output,
    };
  }
  if (code === 0) {
    return { class: 'Pass', reason: 'Passed', message: '', exitCode: 0, output };
  }
  if ((code === 126 || code === 127) && lastMatch(RESULT_LINE, output) === undefined) {
    return {
      ...missing(check, kept(output.trim(), Math.min(check.maxOutputBytes, 256)), inFallback),
      exitCode: code,
    };
  }
  // Who keeps no output does not want it quoted either.
  const [reason, message] = meaning(code, check.maxOutputBytes > 0 ? output : '');
  return { class: 'Retry', reason, message, exitCode: code, output };
}

/**
 * Judges one try of `check`. A connection that cannot be made from the operator is no evidence, unless the pod's own readiness says the same.
 * Source of the code table: the readiness script's own contract, see docs/guides/writing-a-post-check.md.
 */
export function evaluateTry(check: Check, outcome: TryOutcome, context: TryContext): TryVerdict {
  const verdict = judged(check, outcome, context);
  return { ...verdict, output: kept(verdict.output, check.maxOutputBytes) };
}

/** Head and tail, together of that many bytes. More was read, because the script's result line stands at the end. */
function kept(output: string, maxBytes: number): string {
  const bytes = Buffer.from(output);
  if (bytes.length <= maxBytes) {
    return output;
  }
  const tail = Math.floor(maxBytes / 2);
  return `${bytes.subarray(0, maxBytes - tail)}${tail > 0 ? bytes.subarray(-tail) : ''}`;
}

function judged(check: Check, outcome: TryOutcome, { inFallback, podReady }: TryContext): TryVerdict {
  switch (outcome.kind) {
    case 'exit':
      return exited(check, outcome.code, outcome.output, inFallback);
    case 'missing':
      return missing(check, outcome.message, inFallback);
    case 'timeout':
      return {
        class: 'Retry',
        reason: 'ProbeTimedOut',
        message: `still running after ${check.timeoutSeconds}s`,
        output: outcome.output,
      };
    case 'unreachable':
      return { class: 'Error', reason: 'NoEvidence', message: outcome.message, output: '' };
    case 'answered':
      return outcome.good
        ? { class: 'Pass', reason: 'Passed', message: '', output: outcome.output }
        : { class: 'Retry', reason: 'ProbeFailed', message: cut(outcome.output, 256), output: '' };
    case 'unconnected':
      return {
        class: podReady ? 'Error' : 'Retry',
        reason: podReady ? 'NoEvidence' : 'ProbeUnconnected',
        message: outcome.message,
        output: '',
      };
  }
}
