/**
 * The result of one try. The whole exit-code contract is here: what is evidence, what it means, and whether the pod has to be read again.
 * An exit code is evidence, and so is a command that is missing, cannot be run, or exceeded its time limit. Everything else is Error: no evidence.
 */
import { cut } from '../../api/cut.ts';
import type { Class, Unrunnable } from '../../api/enums.ts';
import { printableLine } from '../../api/printable.ts';
import { type AnyReason, type PodReason, userReason } from '../../api/reasons.ts';
import type { Check, ExitCodeRule } from '../../api/types.ts';
import { lostCodeText } from '../report/exec-text.ts';

/** The outcome of one try as it was observed; `unreachable` stands for every broken channel. */
export type TryOutcome =
  | { readonly kind: 'exit'; readonly code: number; readonly output: string }
  /** The container has no such command. */
  | { readonly kind: 'missing' }
  /** The command exists but cannot be run. */
  | { readonly kind: 'unrunnable'; readonly why: Unrunnable }
  | { readonly kind: 'timeout'; readonly output: string }
  | { readonly kind: 'unreachable'; readonly message: string }
  /** A network check got a response. */
  | { readonly kind: 'answered'; readonly good: boolean; readonly output: string }
  /** A network check could not connect from the operator. */
  | { readonly kind: 'unconnected'; readonly message: string };

/** Whether the previous version had the command, as found in its pods before the first write; `Unknown` without a response. */
export type Baseline = 'Had' | 'Missing' | 'Unknown';

/** What else the result of a try depends on. */
export interface TryContext {
  /** The try was made on a reverted pod. */
  readonly inFallback: boolean;
  /** The pod's condition ContainersReady, set by the kubelet on its node; or only what others injected keeps it from being True. */
  readonly podReady: boolean;
  /** Absent if unknown. */
  readonly baseline?: Baseline;
}

/** Whether a result counts only after the pod was read again, and when to read it. */
export type Confirm = 'no' | 'now' | 'afterGrace';

export interface TryVerdict {
  readonly class: Class;
  /** CamelCase, shown in the status and in conditions. */
  readonly reason: AnyReason;
  /** Text of the exit-code rule, the readiness script, or the error. Never the output of the check. */
  readonly message?: string;
  /** The time limit that it exceeded. */
  readonly seconds?: number;
  readonly exitCode?: number;
  readonly unrunnable?: Unrunnable;
  readonly output: string;
  readonly confirm: Confirm;
}

type Meaning = Omit<TryVerdict, 'confirm' | 'output'> & { readonly output?: string };

/** The codes of the readiness script. They have these meanings only if its result line ends the output, because other programs use these codes differently. */
const SCRIPT_CODES: Readonly<Record<number, PodReason>> = {
  1: 'ProbeHookCrashed',
  2: 'StartServiceNotDone',
  120: 'ProbeHookBrokeContract',
  124: 'ProbeHookTimedOut',
  125: 'ProbeInternalError',
  126: 'ProbeHookNotRunnable',
  127: 'ProbeHookNotRunnable',
};

/** The last line that the readiness script prints to stdout; its messages on stderr may follow it. */
const RESULT_LINE = /^postcheck: stage=\w+ code=(\d+)\b[^\n]*/gm;
/** The script's message about its decision, after any warnings. The stored output may lack its beginning, not its end. */
const SENTENCE = /^readiness_probe: (.+)/gm;
const ONLY_SENTENCES = /^(?:\s*|readiness_probe: .*)$/;
const SENTENCE_MAX = 200;

/** Differs in every try; a message that contained it would cause a status write each time. */
const PROCESS = / \(pid \d+, uptime [^)]*\)/;

/** The code that the readiness script itself decided on: its result line ends the output, after that of the hook. */
function scriptsCode(output: string): number | undefined {
  const last = [...output.matchAll(RESULT_LINE)].at(-1);
  const rest = last ? output.slice(last.index + last[0].length) : '';
  return last && rest.split('\n').every((line) => ONLY_SENTENCES.test(line)) ? Number(last[1]) : undefined;
}

/** The script's own message, such as "start ended with exit status 3", which is more specific than a table. */
function scriptsSentence(output: string): string | undefined {
  const message = [...output.matchAll(SENTENCE)].at(-1)?.[1]?.replace(PROCESS, '');
  return message === undefined ? undefined : cut(message, SENTENCE_MAX);
}

/** Whether `rule` applies to `code`. Codes that are no range never match; the CRD rejects them. */
export function covers(rule: ExitCodeRule, code: number): boolean {
  const [low, high = low] = String(rule.codes).split('-').map(Number);
  return low !== undefined && high !== undefined && low <= code && code <= high;
}

/** Applies `whenMissing`. A fallback must be possible to an image that never had the command, so readiness decides there. */
function missing(check: Check, { inFallback, baseline }: TryContext): Meaning {
  if (inFallback || check.whenMissing === 'Skip') {
    return { class: 'Skip', reason: 'CommandMissing' };
  }
  // Nothing is assumed: the command may be missing only if the previous version is known to lack it too.
  return check.whenMissing === 'Auto' && baseline === 'Missing'
    ? { class: 'Skip', reason: 'NoCheckRan' }
    : { class: 'Fail', reason: 'CommandMissing' };
}

/** The command exists but cannot be run; `whenMissing` does not apply. */
const unrunnable = (why: Unrunnable, { inFallback }: TryContext): Meaning => ({
  class: inFallback ? 'Skip' : 'Fail',
  reason: 'CommandNotRunnable',
  unrunnable: why,
});

/** The meaning of a code that no rule applies to. */
function meaningOfCode(check: Check, code: number, output: string): Pick<Meaning, 'reason' | 'message'> {
  const reason = scriptsCode(output) === code ? SCRIPT_CODES[code] : undefined;
  if (reason) {
    // If no output is to be stored, the message must not quote it either.
    return { reason, message: check.maxOutputBytes > 0 ? scriptsSentence(output) : undefined };
  }
  return { reason: code > 128 && code <= 128 + LAST_SIGNAL ? 'ProbeKilled' : 'ProbeFailed' };
}

/** Linux has 64 signals. 255 is what `exit -1` ends with. */
const LAST_SIGNAL = 64;

/**
 * Some runtimes report success whatever an exec ended with, or before it has ended. The readiness script writes its code, too. Only a command
 * without arguments is the script itself: what runs it may rightly ignore its code.
 */
function lostCode({ exec }: Check, code: number, output: string): number | undefined {
  return code === 0 && exec?.command.length === 1 ? scriptsCode(output) || undefined : undefined;
}

function exited(check: Check, code: number, output: string): Meaning {
  const lost = lostCode(check, code, output);
  if (lost !== undefined) {
    return { class: 'Error', reason: 'NoEvidence', message: lostCodeText(lost) };
  }
  const rule = check.exitCodes.find((candidate) => covers(candidate, code));
  if (rule) {
    const reason = userReason(rule.reason);
    return { class: rule.class, reason, message: printableLine(rule.message), exitCode: code, output };
  }
  return code === 0
    ? { class: 'Pass', reason: 'Passed', exitCode: 0, output }
    : { class: 'Retry', ...meaningOfCode(check, code, output), exitCode: code, output };
}

function meaningOf(check: Check, outcome: TryOutcome, context: TryContext): Meaning {
  switch (outcome.kind) {
    case 'exit':
      return exited(check, outcome.code, outcome.output);
    case 'missing':
      return missing(check, context);
    case 'unrunnable':
      return unrunnable(outcome.why, context);
    case 'timeout':
      return {
        class: 'Retry',
        reason: 'ProbeTimedOut',
        seconds: check.timeoutSeconds,
        output: outcome.output,
      };
    case 'unreachable':
      return { class: 'Error', reason: 'NoEvidence', message: outcome.message };
    case 'answered':
      return answered(outcome);
    case 'unconnected':
      // A failure to connect from the operator is evidence only if the pod's own containers are not ready either.
      return {
        class: context.podReady ? 'Error' : 'Retry',
        reason: context.podReady ? 'NoEvidence' : 'ProbeUnconnected',
        message: cut(outcome.message.replace(ASKED_URL, ''), 256),
      };
  }
}

/** The HTTP status code and the gRPC status are closed sets. Everything else that the peer sent stays in the output. */
const ANSWER = /\b(?:statuscode: \d{3}|responded with "[A-Z_]{1,20}"|timeout\b|gRPC status \d{1,2})/;

/** The URL may be one that the peer redirected to. */
const ASKED_URL = /^Get "[^"]*": /;

const answered = ({ good, output }: { good: boolean; output: string }): Meaning =>
  good
    ? { class: 'Pass', reason: 'Passed', output }
    : { class: 'Retry', reason: 'ProbeFailed', message: ANSWER.exec(output)?.[0], output };

/**
 * An exec addresses a pod by name and a network probe by IP, and another pod can reuse both. So a failure counts only once the pod is known to
 * be the same. A pass need not be confirmed, because its result is recorded on this pod by its UID, or not at all.
 * A killed command and a container that died during it both return 128+n; the kubelet needs a moment to report which.
 */
function confirmOf({ class: of, exitCode = 0 }: Meaning): Confirm {
  if (of !== 'Retry' && of !== 'Fail') {
    return 'no';
  }
  return exitCode > 128 ? 'afterGrace' : 'now';
}

/** Evaluates one try of `check`. The codes are documented in docs/guides/writing-a-post-check.md. */
export function evaluateTry(check: Check, outcome: TryOutcome, context: TryContext): TryVerdict {
  const { output = '', ...meaning } = meaningOf(check, outcome, context);
  return { ...meaning, output: headAndTail(output, check.maxOutputBytes), confirm: confirmOf(meaning) };
}

/** The head and the tail, together at most `maxBytes`. More was read, because the script's result line is at the end. */
function headAndTail(output: string, maxBytes: number): string {
  const bytes = Buffer.from(output);
  if (bytes.length <= maxBytes) {
    return output;
  }
  const tail = Math.floor(maxBytes / 2);
  return `${bytes.subarray(0, maxBytes - tail)}${tail > 0 ? bytes.subarray(-tail) : ''}`;
}
