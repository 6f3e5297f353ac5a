/** Why a pod does not pass, from its record and its readiness. */
import { effectiveChecks } from '../../api/checks.ts';
import { cut } from '../../api/cut.ts';
import type { Class } from '../../api/enums.ts';
import { isReason } from '../../api/reasons.ts';
import type { Check } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { VerificationContext } from './context.ts';
import { withWarning } from './held-up.ts';
import { type PodRecord, type TryRecord, triesOf } from './probe-cycle.ts';
import { detailOf, readinessOf } from './readiness.ts';
import { expectedTries, possibleTries } from './tries.ts';

const CLASSES_WORST_FIRST: readonly Class[] = ['Fail', 'Retry', 'Error', 'Skip', 'Pass'];

export const worstTriesFirst = (tries: readonly TryRecord[]): TryRecord[] =>
  tries.toSorted(
    (a, b) => CLASSES_WORST_FIRST.indexOf(a.verdict.class) - CLASSES_WORST_FIRST.indexOf(b.verdict.class),
  );

const COMMAND_MAX = 256;

/** The cause that a try gives for its pod not to pass. */
export function tryCause(
  { check, container, verdict }: Pick<TryRecord, 'check' | 'container' | 'verdict'>,
  pod: PodView,
  checks: readonly Check[],
): Cause {
  const { reason, message, exitCode, seconds, unrunnable } = verdict;
  const cause: Cause = {
    reason,
    check,
    container,
    exitCode,
    seconds,
    detail: detailOf(message),
  };
  if (!isReason(reason, 'CommandMissing', 'CommandNotRunnable')) {
    return cause;
  }
  const command = checks.find(({ name }) => name === check)?.exec?.command[0];
  const image = pod.containers.find(({ name }) => name === container)?.image;
  return {
    ...cause,
    image,
    command: command && cut(command, COMMAND_MAX),
    unrunnable,
  };
}

/** Why the record does not pass: a failed check, else readiness, else the lack of a response. */
export function failureCause(
  pod: PodView,
  record: PodRecord | undefined,
  context: VerificationContext,
  now: number,
): Cause {
  const { readiness } = context.spec.postCheck;
  const checks = effectiveChecks(context.spec);
  const [worst] = worstTriesFirst(triesOf(record));
  const tried = worst && tryCause(worst, pod, checks);
  if (tried && (worst.verdict.class === 'Fail' || worst.verdict.class === 'Retry')) {
    return tried;
  }
  // A container that does not run cannot be probed, even if readiness is not required.
  const lacksTries = possibleTries(context, pod).length < expectedTries(context, pod).length;
  const unready =
    (readiness.required || lacksTries) && readinessOf(pod, readiness.minReadySeconds, now).cause;
  if (unready) {
    return withWarning(unready, pod, context);
  }
  // No check failed, so the last cycle did not pass because of readiness.
  if (record?.class === 'Retry') {
    return { reason: 'NotReady' };
  }
  return tried ? { ...tried, ...passesSoFar(record, context) } : { reason: 'NotProbedYet' };
}

/** How many of the required passes in a row the pod has. */
const passesSoFar = (
  record: PodRecord | undefined,
  { spec }: VerificationContext,
): Pick<Cause, 'repeated' | 'limit'> =>
  record && record.passes > 0 ? { repeated: record.passes, limit: spec.postCheck.successThreshold } : {};
