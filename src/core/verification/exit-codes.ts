/**
 * What one try says. The whole exit-code contract is here: what is evidence, what it means, and whether it needs a second look.
 * Evidence is an exit code, a command that is missing or cannot be run, and one that ran past its limit. Everything else is Error: no evidence.
 */
import { cut } from '../../api/cut.ts';
import type { Class, Unrunnable } from '../../api/enums.ts';
import { printableLine } from '../../api/printable.ts';
import { type AnyReason, type PodReason, userReason } from '../../api/reasons.ts';
import type { Check, ExitCodeRule } from '../../api/types.ts';

/** Outcome of one try as the shells report it; `unreachable` is a broken channel of any kind. */
export type TryOutcome =
  | { readonly kind: 'exit'; readonly code: number; readonly output: string }
  /** The container has no such command. */
  | { readonly kind: 'missing' }
  /** It has the command, which cannot be run. */
  | { readonly kind: 'unrunnable'; readonly why: Unrunnable }
  | { readonly kind: 'timeout'; readonly output: string }
  | { readonly kind: 'unreachable'; readonly message: string }
  /** A check over the network was answered, well or not. */
  | { readonly kind: 'answered'; readonly good: boolean; readonly output: string }
  /** A check over the network found nobody to answer, from where the operator is. */
  | { readonly kind: 'unconnected'; readonly message: string };

/** Did the version that ran before have the command? Asked in its pods before the first write; `Unknown` when nobody answered. */
export type Baseline = 'Had' | 'Missing' | 'Unknown';

/** What else bears on a try. */
export interface TryContext {
  /** The try was made on a reverted pod. */
  readonly inFallback: boolean;
  /** ContainersReady, as the kubelet on the pod's own node sees it. */
  readonly podReady: boolean;
  /** Absent: not known. */
  readonly baseline?: Baseline;
}

/** Whether an answer counts only after a second look at the pod, and when that look is worth it. */
export type Confirm = 'no' | 'now' | 'afterGrace';

export interface TryVerdict {
  readonly class: Class;
  /** CamelCase, shown in the status and in conditions. */
  readonly reason: AnyReason;
  /** Words of the exit-code rule, the readiness script, or whoever did not answer. Never what the check printed. */
  readonly said?: string;
  /** The time-out that it ran past. */
  readonly seconds?: number;
  readonly exitCode?: number;
  readonly unrunnable?: Unrunnable;
  readonly output: string;
  readonly confirm: Confirm;
}

type Meaning = Omit<TryVerdict, 'confirm' | 'output'> & { readonly output?: string };

/** The readiness script's own codes. They mean this only where its result line stands at the end: other programs have codes of their own. */
const SCRIPT_CODES: Readonly<Record<number, PodReason>> = {
  1: 'ProbeHookCrashed',
  2: 'StartServiceNotDone',
  120: 'ProbeHookBrokeContract',
  124: 'ProbeHookTimedOut',
  125: 'ProbeInternalError',
  126: 'ProbeHookNotRunnable',
  127: 'ProbeHookNotRunnable',
};

/** The last line that the readiness script prints on stdout; its sentences on stderr may come after it. */
const RESULT_LINE = /^postcheck: stage=\w+ code=(\d+)\b[^\n]*$/gm;
/** The script's sentence about its decision; warnings come before it. The kept output may have lost its head, not its end. */
const SENTENCE = /^readiness_probe: (.+)$/gm;
const ONLY_SENTENCES = /^(?:\s*|readiness_probe: .*)$/;
const SENTENCE_MAX = 200;

/** Differs with every try, and a sentence that does would be a write of the status each time. */
const PROCESS = / \(pid \d+, uptime [^)]*\)/;

/** True when the readiness script itself decided on `code`: its result line ends the output. A hook's output comes before it. */
function isScripts(code: number, output: string): boolean {
  const last = [...output.matchAll(RESULT_LINE)].at(-1);
  if (!last || Number(last[1]) !== code) {
    return false;
  }
  return output
    .slice(last.index + last[0].length)
    .split('\n')
    .every((line) => ONLY_SENTENCES.test(line));
}

/** What the script itself says, such as "start ended with exit status 3": it knows more than a table. */
function scriptsSentence(output: string): string | undefined {
  const said = [...output.matchAll(SENTENCE)].at(-1)?.[1]?.replace(PROCESS, '');
  return said === undefined ? undefined : cut(said, SENTENCE_MAX);
}

/** Whether `rule` applies to `code`. Codes that are no range never match; the CRD rejects them. */
export function covers(rule: ExitCodeRule, code: number): boolean {
  const [low, high = low] = String(rule.codes).split('-').map(Number);
  return low !== undefined && high !== undefined && low <= code && code <= high;
}

/** By `whenMissing`. An image from before the command existed must be able to take a fallback: there, readiness decides. */
function missing(check: Check, { inFallback, baseline }: TryContext): Meaning {
  if (inFallback || check.whenMissing === 'Skip') {
    return { class: 'Skip', reason: 'CommandMissing' };
  }
  // What is not known is not assumed: only a version before that lacked the command too makes its absence unremarkable.
  return check.whenMissing === 'Auto' && baseline === 'Missing'
    ? { class: 'Skip', reason: 'NoCheckRan' }
    : { class: 'Fail', reason: 'CommandMissing' };
}

/** There, and cannot be run: never a case of `whenMissing`. */
const unrunnable = (why: Unrunnable, { inFallback }: TryContext): Meaning => ({
  class: inFallback ? 'Skip' : 'Fail',
  reason: 'CommandNotRunnable',
  unrunnable: why,
});

/** What a code means that no rule speaks of. */
function meaning(check: Check, code: number, output: string): Pick<Meaning, 'reason' | 'said'> {
  const reason = isScripts(code, output) ? SCRIPT_CODES[code] : undefined;
  if (reason) {
    // Who keeps no output does not want it quoted either.
    return { reason, said: check.maxOutputBytes > 0 ? scriptsSentence(output) : undefined };
  }
  return { reason: code > 128 ? 'ProbeKilled' : 'ProbeFailed' };
}

function exited(check: Check, code: number, output: string): Meaning {
  const rule = check.exitCodes.find((candidate) => covers(candidate, code));
  if (rule) {
    const reason = userReason(rule.reason);
    return { class: rule.class, reason, said: printableLine(rule.message), exitCode: code, output };
  }
  return code === 0
    ? { class: 'Pass', reason: 'Passed', exitCode: 0, output }
    : { class: 'Retry', ...meaning(check, code, output), exitCode: code, output };
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
      return { class: 'Error', reason: 'NoEvidence', said: outcome.message };
    case 'answered':
      return answered(outcome);
    case 'unconnected':
      // A connection that cannot be made from the operator is no evidence, unless the pod's own readiness says the same.
      return {
        class: context.podReady ? 'Error' : 'Retry',
        reason: context.podReady ? 'NoEvidence' : 'ProbeUnconnected',
        said: cut(outcome.message.replace(ASKED_URL, ''), 256),
      };
  }
}

/** The status code of an HTTP answer and the word of a gRPC one are closed sets; whatever else the peer said stays in the output. */
const ANSWER = /\b(?:statuscode: \d{3}|responded with "[A-Z_]{1,20}"|timeout\b|gRPC status \d{1,2})/;

/** The address may be one that the peer redirected to. */
const ASKED_URL = /^Get "[^"]*": /;

const answered = ({ good, output }: { good: boolean; output: string }): Meaning =>
  good
    ? { class: 'Pass', reason: 'Passed', output }
    : { class: 'Retry', reason: 'ProbeFailed', said: ANSWER.exec(output)?.[0], output };

/**
 * Execs go by the pod's name and probes by its IP, and both pass on to another pod when this one goes: what counts against a pod must have been
 * said by the very container. A good answer needs no second look: its result is recorded on this pod by its UID, or not at all.
 * A killed command and a container that died under it both answer 128+n; the kubelet needs a moment to tell which.
 */
function confirmOf({ class: of, exitCode = 0 }: Meaning): Confirm {
  if (of !== 'Retry' && of !== 'Fail') {
    return 'no';
  }
  return exitCode > 128 ? 'afterGrace' : 'now';
}

/** Evaluates one try of `check`. Source of the code table: the readiness script's contract, docs/guides/writing-a-post-check.md. */
export function evaluateTry(check: Check, outcome: TryOutcome, context: TryContext): TryVerdict {
  const { output = '', ...meaning } = meaningOf(check, outcome, context);
  return { ...meaning, output: kept(output, check.maxOutputBytes), confirm: confirmOf(meaning) };
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
