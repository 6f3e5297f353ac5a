/** Explains what happens next, and what a person can do. Pure. */

import { effectiveChecks } from '../../../src/api/checks.ts';
import { kubectl } from '../../../src/api/kubectl.ts';
import { isReason, type ObstacleReason } from '../../../src/api/reasons.ts';
import type { PodReport, Upgrade } from '../../../src/api/types.ts';
import { wantedImages } from '../../../src/core/images.ts';
import { imagesText } from '../../../src/core/report/image-text.ts';
import { fromIso, spanText } from '../../../src/core/time.ts';
import { firstDeadline, overdue, overduePods } from './overdue.ts';
import { clockTime, moment } from './text.ts';
import {
  awaitsFallback,
  conditionOf,
  isDeleting,
  isOfEarlierSpec,
  isStalled,
  isUnverified,
  objection,
  phaseOf,
  unseen,
  waitsForPerson,
  waitsForPods,
} from './upgrade-state.ts';

/** A client that set the previous images again during one attempt may do so in the next. */
function onceLeftAlone({ status }: Upgrade): string {
  const { reason, by } = status?.attempt?.end?.why ?? {};
  return isReason(reason, 'Aborted') && by !== undefined ? `, once ${by} leaves them as they are` : '';
}

export function next(upgrade: Upgrade, now: number): string[] {
  const { status, spec, metadata } = upgrade;
  const verb = (...words: string[]): string => verbText(upgrade, ...words);
  const [first] = spec.containers;
  const another = verb('set', 'image', metadata.name, `${first?.name ?? 'NAME'}=IMAGE`);
  const again = verb('retry', metadata.name);
  const held = whileHeld(upgrade);
  if (held) {
    return held;
  }
  if (objection(upgrade) === 'Drifted') {
    return afterDrift(upgrade, again);
  }
  if (isReason(status?.attempt?.end?.reason, 'ImageConflict')) {
    const { container = 'NAME', image } = status?.attempt?.end?.why ?? {};
    return [
      image === undefined
        ? 'to keep what runs now, and verify it, name the containers that the workload has in spec.containers'
        : `to keep what runs now, and verify it, set it: ${verb('set', 'image', metadata.name, `${container}=${image}`)}`,
      `to roll to ${imagesText(status?.to?.images ?? {}, spec)} again, once the other client no longer sets the image: ${again}`,
    ];
  }
  switch (phaseOf(upgrade)) {
    case 'Succeeded':
      return isUnverified(upgrade) ? [`to verify what runs: ${again}`] : [];
    case 'Partial':
      return [
        `to retry only the pods that failed: ${again}`,
        `to roll back the whole version: ${verb('abort', metadata.name)}`,
      ];
    case 'FellBack':
    case 'FallbackFailed':
    case 'Failed':
      return afterFailure(upgrade, { another, again, abort: verb('abort', metadata.name) });
    case 'Aborted':
      return [`nothing more happens. To retry: ${again}`];
    case 'Inconclusive':
      return afterNoResponse(upgrade, verb('abort', metadata.name));
    case 'FallingBack':
    case 'FallbackChecking':
      return duringFallback(upgrade, now);
    default:
      return (
        duringWait(upgrade, now) ??
        withoutPods(upgrade) ??
        duringAttempt(upgrade, now, verb('abort', metadata.name))
      );
  }
}

/** What a person can do about a version that failed. One that stays behind closed gates can still be rolled back. */
function afterFailure(
  upgrade: Upgrade,
  { another, again, abort }: Readonly<Record<'another' | 'again' | 'abort', string>>,
): string[] {
  const reason = upgrade.status?.attempt?.end?.reason;
  return [
    `these images are not retried automatically. To set another image: ${another}`,
    isReason(reason, 'BaselineFailed')
      ? `To upgrade all the same: ${again}`
      : `To retry the same images${onceLeftAlone(upgrade)}: ${again}`,
    ...(isReason(reason, 'FallbackPaused') ? [`To roll back: ${abort}`] : []),
  ];
}

const verbText = ({ metadata }: Upgrade, ...words: readonly string[]): string =>
  kubectl(metadata.namespace, 'postcheck', ...words);

/** What keeps an attempt from going on and may be a mistake in the Upgrade. */
const OF_THE_SPEC = [
  'TargetNotFound',
  'ContainerNotFound',
  'InvalidCheckContainer',
  'StagesUnsupported',
  'TimeZoneUnknown',
  'DependencyNotFound',
  'DependencyCycle',
  'ScopeUnsupported',
  'ImagesTooLong',
] as const satisfies readonly ObstacleReason[];

/** What ends the time in which nothing is decided about the current spec. */
function whileHeld(upgrade: Upgrade): string[] | undefined {
  const { status, spec, metadata } = upgrade;
  if (unseen(upgrade)) {
    return ['the operator observes it within seconds; if it does not, run kubectl postcheck check'];
  }
  if (isStalled(upgrade)) {
    const { name, namespace } = metadata;
    const edit = `; to change the Upgrade: ${kubectl(namespace, 'edit', 'upgrade', name)}`;
    const mayBeMistaken = isReason(conditionOf(upgrade, 'Stalled')?.reason, ...OF_THE_SPEC);
    return [`it continues automatically once that is fixed${mayBeMistaken ? edit : ''}`];
  }
  if (spec.paused && (!status?.attempt?.end || isOfEarlierSpec(upgrade))) {
    return [`it is paused, and no deadline runs. To resume: ${verbText(upgrade, 'resume', metadata.name)}`];
  }
  if (isDeleting(upgrade)) {
    return ['the previous images are restored and verified, then the Upgrade is removed'];
  }
  if (isOfEarlierSpec(upgrade)) {
    return ['it starts automatically once that is over'];
  }
  return undefined;
}

function afterDrift({ status, spec }: Upgrade, again: string): string[] {
  const { kind, name } = spec.targetRef;
  const wanted = imagesText(status?.to?.images ?? {}, spec);
  return [
    'to keep what runs now, and verify it, set it in spec.containers; if the change is reverted, it is Ready again without a new attempt',
    // What fell back is not what anybody wants to roll to again.
    ...(status?.phase === 'FellBack'
      ? []
      : [`to roll to ${wanted} again, if the image was changed in ${kind} ${name} itself: ${again}`]),
  ];
}

/** While the attempt waits no deadline runs: who or what ends the wait. */
function duringWait(upgrade: Upgrade, now: number): string[] | undefined {
  const { waiting } = upgrade.status ?? {};
  const person = waitsForPerson(upgrade);
  if (!waiting || person !== undefined) {
    return person === undefined ? undefined : [person.replaceAll('`', '')];
  }
  // The message has a window in its own time zone and in UTC: a span is the same for every clock.
  const until = waiting.until
    ? ` at ${moment(waiting.until, now)}, in ${spanText(fromIso(waiting.until) - now)}`
    : ' once that is over';
  const isSkippable = isReason(waiting.reason, 'WindowClosed') || waiting.reason === 'Soaking';
  const skip = `. To continue immediately: ${verbText(upgrade, 'promote', upgrade.metadata.name)}`;
  return [`it continues automatically${until}${isSkippable ? skip : ''}`];
}

function withoutPods(upgrade: Upgrade): string[] | undefined {
  const pods = waitsForPods(upgrade);
  return pods === undefined ? undefined : [`it continues automatically once ${pods}`];
}

/** During an attempt: the next deadline of a pod, pods without a response at theirs, otherwise the deadline of the attempt. */
function duringAttempt(upgrade: Upgrade, now: number, abort: string): string[] {
  const { pods = [], attempt } = upgrade.status ?? {};
  const isWaiting = ({ state }: PodReport): boolean => state === 'Inconclusive';
  const upcoming = deadlines(pods, now, abort);
  if (upcoming.length > 0 || pods.some(isWaiting)) {
    return [...upcoming, ...(pods.some(isWaiting) ? afterNoResponse(upgrade, abort) : [])];
  }
  if (!attempt?.deadlineAt) {
    return [];
  }
  const at = moment(attempt.deadlineAt, now);
  const late = overdue(fromIso(attempt.deadlineAt), now);
  return late
    ? [`its deadline was at ${at}; ${late}`]
    : [`without further progress it ends at ${at}. To stop it: ${abort}`];
}

/** What happens in a fallback, and when it ends although its pods cannot be verified. */
function duringFallback(upgrade: Upgrade, now: number): string[] {
  const { status, spec } = upgrade;
  const { deadlineAt } = status?.attempt ?? {};
  const wanted = imagesText(wantedImages(spec), spec);
  const late = overduePods(status?.pods ?? [], now);
  return [
    `the previous images are restored and verified${awaitsFallback(upgrade) ? `; after that ${wanted} is rolled` : ''}`,
    ...(deadlineAt !== undefined && fromIso(deadlineAt) > now
      ? [`without further progress the fallback ends at ${moment(deadlineAt, now)}`]
      : []),
    ...(late === undefined ? [] : [late]),
  ];
}

/** What a person can do about pods that could not be probed. */
function afterNoResponse({ status, spec }: Upgrade, abort: string): string[] {
  const silent = new Set(
    (status?.pods ?? [])
      .flatMap(({ checks }) => checks)
      .filter(({ class: kind }) => kind === 'Error')
      .map(({ check }) => check),
  );
  const check = effectiveChecks(spec).find(({ name, exec }) => !exec && silent.has(name));
  const port = (check?.httpGet ?? check?.tcpSocket ?? check?.grpc)?.port;
  return [
    `it continues automatically once ${status?.pods?.length ? 'its pods can be probed' : 'that is fixed'}. To roll back: ${abort}`,
    ...(check
      ? [
          `is ${port} the right port of check ${check.name}, and does every NetworkPolicy admit the operator? A pod that is Ready by its own probes does not fail for it`,
        ]
      : []),
    ...(spec.postCheck.onInconclusive === 'Wait'
      ? ['to fall back at the deadline in such a case: spec.postCheck.onInconclusive: Fallback']
      : []),
  ];
}

function deadlines(pods: readonly PodReport[], now: number, abort: string): string[] {
  const first = firstDeadline(pods);
  if (first === undefined) {
    return [];
  }
  const at = fromIso(first);
  return at <= now
    ? [`the first deadline was at ${moment(first, now)}; ${overdue(at, now) ?? 'one last probe decides'}`]
    : [`the first deadline is at ${clockTime(at)}, in ${spanText(at - now)}. To stop it: ${abort}`];
}
