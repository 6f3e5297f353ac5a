/** Explains what happens next, and what a person can do. Pure. */
import { effectiveChecks } from '../../../src/api/checks.ts';
import { isReason } from '../../../src/api/reasons.ts';
import type { PodReport, Upgrade } from '../../../src/api/types.ts';
import { imagesText } from '../../../src/core/report/image-text.ts';
import { fromIso, spanText } from '../../../src/core/time.ts';
import { clockTime, moment } from './text.ts';
import { conditionOf, isOfEarlierSpec, isStalled, phaseOf, unseen } from './upgrade-state.ts';

export function next(upgrade: Upgrade, now: number): string[] {
  const { status, spec, metadata } = upgrade;
  const verb = (text: string): string => `kubectl postcheck ${text} -n ${metadata.namespace}`;
  const [first] = spec.containers;
  const another = verb(`set image ${metadata.name} ${first?.name ?? 'NAME'}=IMAGE`);
  const again = verb(`retry ${metadata.name}`);
  if (unseen(upgrade)) {
    return ['the operator observes it within seconds; if it does not, run kubectl postcheck check'];
  }
  if (isStalled(upgrade)) {
    return ['it continues automatically once that is fixed'];
  }
  if (spec.paused && (!status?.attempt?.end || isOfEarlierSpec(upgrade))) {
    return [`it is paused, and no deadline runs. To resume: ${verb(`resume ${metadata.name}`)}`];
  }
  if (isOfEarlierSpec(upgrade)) {
    return ['it starts automatically once that is over'];
  }
  if (isReason(status?.attempt?.end?.reason, 'ImageConflict')) {
    const { container = 'NAME', image = 'IMAGE' } = status?.attempt?.end?.why ?? {};
    return [
      `to keep what runs now, and verify it, set it: ${verb(`set image ${metadata.name} ${container}=${image}`)}`,
      `to roll to ${imagesText(status?.to?.images ?? {}, spec)} again, once the other client is told to leave the image alone: ${again}`,
    ];
  }
  switch (phaseOf(upgrade)) {
    case 'Succeeded':
      return conditionOf(upgrade, 'Ready')?.reason === 'Drifted'
        ? ['set spec.containers to the intended images, or revert the change']
        : [];
    case 'Partial':
      return [
        `to retry only the pods that failed: ${again}`,
        `to roll back the whole version: ${verb(`abort ${metadata.name}`)}`,
      ];
    case 'FellBack':
    case 'FallbackFailed':
    case 'Failed':
      return [
        `these images are not retried automatically. To set another image: ${another}`,
        `To retry the same images: ${again}`,
      ];
    case 'Aborted':
      return [`nothing more happens. To retry: ${again}`];
    case 'Inconclusive':
      return afterNoResponse(upgrade, verb(`abort ${metadata.name}`));
    case 'FallingBack':
    case 'FallbackChecking':
      return ['the previous images are restored and verified'];
    default:
      if (status?.stages?.some(({ state }) => state === 'AwaitingApproval')) {
        return [`a stage waits for approval: ${verb(`approve ${metadata.name}`)}`];
      }
      return duringAttempt(upgrade, now, verb(`abort ${metadata.name}`));
  }
}

/** During an attempt: the next deadline of a pod, pods without a response at theirs, otherwise the deadline of the attempt. */
function duringAttempt(upgrade: Upgrade, now: number, abort: string): string[] {
  const { pods = [], attempt } = upgrade.status ?? {};
  const isWaiting = ({ state }: PodReport): boolean => state === 'Inconclusive';
  const upcoming = deadlines(
    pods.filter((pod) => !isWaiting(pod)),
    now,
    abort,
  );
  if (upcoming.length > 0 || pods.some(isWaiting)) {
    return [...upcoming, ...(pods.some(isWaiting) ? afterNoResponse(upgrade, abort) : [])];
  }
  return attempt?.deadlineAt
    ? [`without further progress it ends at ${moment(attempt.deadlineAt, now)}. To stop it: ${abort}`]
    : [];
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
    `it continues automatically once its pods can be probed. To roll back: ${abort}`,
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
  const times = pods.map(({ deadlineAt }) => deadlineAt).filter((at) => at !== undefined);
  const first = times.sort()[0];
  if (first === undefined) {
    return [];
  }
  const left = fromIso(first) - now;
  return left <= 0
    ? [`the first deadline was at ${moment(first, now)}; one last probe decides`]
    : [`the first deadline is at ${clockTime(fromIso(first))}, in ${spanText(left)}. To stop it: ${abort}`];
}
