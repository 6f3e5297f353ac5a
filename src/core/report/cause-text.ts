/** The text for a cause: one printable line, whatever images, field managers and messages are in it. */

import { cut } from '../../api/cut.ts';
import type { Trigger, Unrunnable } from '../../api/enums.ts';
import { printableLine } from '../../api/printable.ts';
import { isReason, TERMINAL_REASONS } from '../../api/reasons.ts';
import type { Cause } from '../cause.ts';
import { IMAGE_MAX } from '../images.ts';
import { spanText } from '../time.ts';
import type { PodResult } from '../verification/pod-result.ts';
import type { TryRecord } from '../verification/probe-cycle.ts';
import { clientWord } from './client-word.ts';
import { imageStart, shortImage, shownImage } from './image-text.ts';
import { verdictText } from './verdict-text.ts';

const UNRUNNABLE: Readonly<Record<Unrunnable, string>> = {
  NotExecutable: 'it is not executable for the user of the container (chmod +x, or a mount without exec)',
  NoInterpreter: 'the interpreter in its first line is missing (or the line has a DOS line end)',
  WrongFormat: 'it is built for another CPU, or lacks the #! line',
  NoWorkingDirectory: "the container's working directory is missing",
};

/** `(ProbeFailed)`, or with a meaning `(ProbeHookCrashed: the readiness hook crashed)`. */
function inBrackets(cause: Cause): string {
  const meaning = verdictText({ ...cause, message: cause.detail });
  return meaning ? `(${cause.reason}: ${meaning})` : `(${cause.reason})`;
}

/** How the kubelet ends a message about the user of a container; the sentence has named both already. */
const POD_AND_CONTAINER = / \(pod: "[^"]*", container: [^)]*\)$/;

/** The kubelet's message about an image is a chain of wrapped errors that all name the image. The last two say what is wrong. */
const lastErrors = (detail: string): string =>
  cut(detail.replace(POD_AND_CONTAINER, '').split(': ').slice(-2).join(': '), 200);

/** What to do about a command that no image has. One with arguments in the name of its program is most likely no program. */
export const missingAdvice = (command: string | undefined, advice: string): string =>
  /\S\s+\S/.test(command ?? '')
    ? 'write each argument as an entry of its own in exec.command, which no shell runs'
    : advice;

function checkText(cause: Cause): string {
  const { check, container, exitCode } = cause;
  const command = cause.command ?? 'the command of the check';
  if (isReason(cause.reason, 'CommandMissing')) {
    return `image ${shortImage(cause.image)} has no ${command} (CommandMissing): ${missingAdvice(cause.command, 'add it, name another check in spec.postCheck.checks, or set whenMissing: Skip')}`;
  }
  if (isReason(cause.reason, 'CommandNotRunnable')) {
    return `${command} in image ${shortImage(cause.image)} cannot be run (CommandNotRunnable): ${UNRUNNABLE[cause.unrunnable ?? 'NotExecutable']}`;
  }
  if (isReason(cause.reason, 'NoEvidence', 'InconclusiveAtDeadline')) {
    return `${check} in container ${container} returned no result ${inBrackets(cause)}`;
  }
  const what = exitCode === undefined ? 'failed' : `exited ${exitCode}`;
  return `${check} in container ${container} ${what} ${inBrackets(cause)}`;
}

function restartsText({ container, restarts = 0, limit, ended, exitCode }: Cause): string {
  const code = exitCode === undefined ? '' : ` (exit code ${exitCode})`;
  const last = ended ? `, last ended as ${ended}${code}` : code && `, last with exit code ${exitCode}`;
  return `container ${container} restarted ${restarts} times${last}; allowed: ${limit}`;
}

function containerText({ reason, container, exitCode, ended, detail }: Cause): string {
  if (isReason(reason, 'NotReady')) {
    return `container ${container} is running but not ready`;
  }
  const is = isReason(reason, 'NotStarted') ? 'not started' : reason;
  const code = exitCode === undefined ? undefined : `last exit code ${exitCode}`;
  const details = [ended, code, detail].filter(Boolean);
  return `container ${container} is ${is}${details.length > 0 ? ` (${details.join(', ')})` : ''}`;
}

/** The scheduler's message without how many nodes do not fit, which is all of them, and without what it says of preemption, which is that none helps. */
const whyNoNodeFits = (detail: string): string =>
  detail.replace(/^\d+\/\d+ nodes are available: /, '').replace(/\.? preemption: .*$/, '');

function notReadyText(cause: Cause): string {
  const { reason, container, since, detail } = cause;
  if (isReason(reason, 'Initializing')) {
    return `init container ${container} has not ended${since ? `, running since ${since}` : ''}`;
  }
  if (isReason(reason, 'Unschedulable')) {
    return detail ? `no node fits: ${whyNoNodeFits(detail)}` : 'no node fits';
  }
  if (container) {
    return containerText(cause);
  }
  return detail ?? (cause.condition ? `condition ${cause.condition} is not True` : reason);
}

function cannotStartText({ reason, container, image, detail }: Cause): string {
  const why = detail ? `${reason}: ${lastErrors(detail)}` : reason;
  return isReason(reason) || !/Pull|ImageName/.test(reason)
    ? `container ${container} cannot start (${why})`
    : `image ${shortImage(image)} cannot be pulled (${why})`;
}

/** Used if managedFields do not say who set an image. */
export const UNKNOWN_MANAGER = 'an unknown field manager';

/** A field manager, which any client may call as it likes. */
export const managerText = (manager: string | undefined): string =>
  manager === undefined || manager === UNKNOWN_MANAGER ? UNKNOWN_MANAGER : clientWord(manager);

const TRIGGERS: Readonly<Record<Trigger, string>> = {
  Created: 'the status was lost',
  TargetReplaced: 'the workload was replaced by another one with the same name',
  Retry: 'postcheck.dev/retry started it again',
  ContainersChanged: 'spec.containers changed to',
};

const takenOver = ({ trigger = 'Created', detail }: Cause): string =>
  detail ? `${TRIGGERS[trigger]} ${detail}` : TRIGGERS[trigger];

function abortedText({ deleted, by }: Cause): string {
  if (by !== undefined) {
    return `aborted by ${managerText(by)}, which set the previous image again`;
  }
  return deleted ? 'aborted because the Upgrade was deleted' : 'aborted by postcheck.dev/abort';
}

/** The text for a cause that is about an attempt; `undefined` if it is about a pod. */
function attemptText(cause: Cause): string | undefined {
  const { reason, container, image } = cause;
  switch (reason) {
    case 'PostCheckPassed':
    case 'ReadinessOnly':
    case 'NoPods':
      return cause.desired === undefined ? undefined : `${cause.passed} of ${cause.desired} pods passed`;
    case 'Aborted':
      return abortedText(cause);
    case 'PodsRefused':
      return `none of its pods can be created: ${cause.detail}`;
    case 'RolloutCheckFailed':
      return `rollout check ${cause.check} returned ${cause.detail}`;
    case 'Superseded':
    case 'TargetReplaced':
      return takenOver(cause);
    case 'TargetNotFound':
      return `${cause.workload} was deleted during the attempt`;
    case 'ImageConflict':
      return image === undefined
        ? `container ${container} was removed from its workload during the fallback; postcheck has nothing left to restore`
        : `container ${container} was set to ${shownImage(image)} by ${managerText(cause.by)} during the attempt; postcheck does not overwrite it`;
    case 'ImageRewritten':
      return rewrittenText(cause);
    default:
      return undefined;
  }
}

function rewrittenText({ container, image = '', wanted, limit }: Cause): string {
  const what =
    limit === undefined
      ? `stored image ${image}, which ran before,`
      : `stored ${limit === IMAGE_MAX ? 'an image' : 'images'} of more than ${limit} characters, ${imageStart(image)},`;
  return `the API server ${what} instead of ${wanted} for container ${container}: check for an admission policy that sets it`;
}

/** The advice is to delete the pod: a controller replaces pods, but does not repair them. */
function imageChangedText({ container, image, wanted }: Cause): string {
  const what = wanted
    ? `container ${container} has image ${shortImage(image)} in place of ${shortImage(wanted)}`
    : `container ${container} may have had another image for a while`;
  return `${what}, which its workload did not set: ${DELETE_POD}`;
}

const DELETE_POD = 'delete the pod, and its controller creates a new one';

function foreignPodText({ container, detail }: Cause): string {
  const what = container
    ? `a volume is mounted at ${detail} in container ${container}, over the check's command, but not in its workload`
    : 'older than the revision in its labels, so its controller did not create it';
  return `${what}: ${DELETE_POD}`;
}

/** How long the pod has to be ready; at its deadline it was ready again and again, but never for that long. */
function minReadyText({ seconds, detail, reason, deadlineSeconds }: Cause): string {
  if (seconds === undefined) {
    return `not ready: ${detail ?? reason}`;
  }
  return deadlineSeconds === undefined
    ? `ready, but for less than ${seconds}s so far`
    : `never ready for ${seconds}s in a row`;
}

function podText(cause: Cause): string | undefined {
  switch (cause.reason) {
    case 'MinReadySeconds':
      return minReadyText(cause);
    case 'TooManyRestarts':
      return restartsText(cause);
    case 'NodeUnreachable':
      return `node ${cause.node} is not Ready`;
    case 'ImageChanged':
      return imageChangedText(cause);
    case 'ForeignPod':
      return foreignPodText(cause);
    case 'PodEnded':
      return `its node ended it (PodEnded${cause.detail ? `: ${cause.detail.trim().replace(/\.$/, '')}` : ''})`;
    case 'PodTerminating':
      return 'still terminating (PodTerminating), and its controller creates no other one before it is gone: check its node and its finalizers';
    case 'NotProbedYet':
      return 'not probed yet';
    case 'AllSkipped':
      return 'every check was skipped';
    case 'NoCheckRan':
      return "neither this version nor the previous one has the check's command, so readiness decided";
    default:
      return cause.check ? checkText(cause) : undefined;
  }
}

/** The pod is ready now, but was not in its last probe cycle. */
const wasNotReady = ({ reason, container, condition, detail }: Cause): boolean =>
  isReason(reason, 'NotReady') && [container, condition, detail].every((value) => value === undefined);

function whatHappened(cause: Cause): string {
  const text = cause.text ?? attemptText(cause) ?? podText(cause);
  if (text !== undefined) {
    return text;
  }
  if (wasNotReady(cause)) {
    return 'not ready when it was last probed';
  }
  return Object.hasOwn(TERMINAL_REASONS, cause.reason)
    ? cannotStartText(cause)
    : `not ready: ${notReadyText(cause)}`;
}

/** What happened, as a clause: `readiness-probe in container web exited 17 (ProbeFailed) until the deadline of 10m`. */
export function whatText(cause: Cause): string {
  const { repeated, limit, deadlineSeconds, late } = cause;
  const field = isReason(cause.reason, 'Passed') ? 'successThreshold' : 'failureThreshold';
  const threshold = limit === undefined ? '' : ` (${field} ${limit})`;
  const often = repeated ? `, ${repeated} times in a row${late ? '' : threshold}` : '';
  const times = `${often}${late ? `${often ? '' : ','} after it had passed` : ''}`;
  const until =
    deadlineSeconds === undefined ? '' : ` until the deadline of ${spanText(deadlineSeconds * 1000)}`;
  // Messages of Kubernetes end in a full stop; a clause must not.
  return printableLine(`${whatHappened(cause).replace(/\.$/, '')}${times}${until}`);
}

/** The pod of a cause: `pod web-746d-a on node-1 (and 2 more)`. */
const whereText = ({ pod, node, others }: Cause): string =>
  `pod ${pod}${node ? ` on ${node}` : ''}${others ? ` (and ${others} more)` : ''}`;

/** The whole cause, as a clause: the time without progress, the pod, and what happened. */
export const causeText = (cause: Cause): string => printableLine(wholeText(cause));

function wholeText(cause: Cause): string {
  const idle = cause.idleSeconds === undefined ? '' : `no progress for ${spanText(cause.idleSeconds * 1000)}`;
  if (isReason(cause.reason, 'NoProgress')) {
    return cause.detail ? `${idle}: ${cause.detail}` : idle;
  }
  const what = cause.pod ? `${whereText(cause)}: ${whatText(cause)}` : whatText(cause);
  return idle ? `${idle}; ${what}` : what;
}

const PASSED_MAX = 400;

function passedText({ check, container, verdict }: TryRecord): string {
  const { exitCode } = verdict;
  const what = verdict.class === 'Skip' ? 'was skipped' : 'passed';
  return `${check} in container ${container} ${exitCode === undefined ? what : `exited ${exitCode}`}`;
}

/** The result of a pod, as a clause; for a pod that passed, the result of each check. */
export function resultText({ state, cause, record }: PodResult): string {
  if (state !== 'Passed' || cause.text !== undefined || isReason(cause.reason, 'NoCheckRan')) {
    return whatText(cause);
  }
  return record?.tries.length ? cut(record.tries.map(passedText).join(', '), PASSED_MAX) : 'ready';
}

/** The causes of a failed fallback: that of the attempt, and its own. */
export const fallbackFailedText = (first: string, cause: Cause, state: 'Failed' | 'Unverified'): string =>
  `${first}; the fallback ${state === 'Failed' ? 'failed too' : 'could not be verified'}: ${causeText(cause)}${isReason(cause.reason, 'NoProgress') && cause.detail ? CONTINUES : ''}`;

/** What to do about a controller that creates no pods of the restored version: they come without postcheck, which has restored the images. */
export const CONTINUES =
  ': resolve that, and its controller creates the pods, which get traffic once they are Ready';
