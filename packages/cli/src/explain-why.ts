/** Explains why an Upgrade is in its state. Pure. */
import { kubectl } from '../../../src/api/kubectl.ts';
import { isReason, notOfTheVersion } from '../../../src/api/reasons.ts';
import type { Condition, PodReport, Upgrade } from '../../../src/api/types.ts';
import { completeStatus } from '../../../src/core/complete-status.ts';
import { imagesText } from '../../../src/core/report/image-text.ts';
import { leftText } from '../../../src/core/report/left-text.ts';
import { isUnderWay } from '../../../src/core/status.ts';
import { fromIso, spanText } from '../../../src/core/time.ts';
import { plural } from './looks.ts';
import { moment, plain } from './text.ts';
import { conditionOf, isOfEarlierSpec, objection, phaseOf, unseen } from './upgrade-state.ts';

/** Whether the pods decided the end; some ends are caused by other clients. */
export const isOfPods = (upgrade: Upgrade): boolean =>
  !isOfEarlierSpec(upgrade) && notOfTheVersion(upgrade.status?.attempt?.end?.reason) === undefined;

/** Why it is so, what is wrong now first. */
export function why(upgrade: Upgrade, worst: readonly PodReport[], now: number): string[] {
  const waiting = unseen(upgrade);
  const lines = [
    ...(waiting ? [waiting] : []),
    ...objections(upgrade),
    ...causes(upgrade, now),
    ...unverifiedAgain(upgrade),
    ...(isOfPods(upgrade) || isOfEarlierSpec(upgrade) ? [] : failedBefore(upgrade)),
    ...tries(upgrade, worst[0], now),
    ...lastEnds(upgrade, worst[0]),
    ...whyUnready(upgrade, worst[0]),
  ];
  return [...new Set(lines)];
}

/** The places of pods that failed within the budget, a soak, or else the cause. */
function causes(upgrade: Upgrade, now: number): string[] {
  const special = [...leftLines(upgrade), ...soak(upgrade, now)];
  if (special.length > 0) {
    return special;
  }
  const isBoth = phaseOf(upgrade) === 'FallbackFailed';
  const cause = isBoth ? (upgrade.status?.attempt?.end?.cause ?? '') : causeOf(upgrade);
  return isBoth || cause ? [plain(cause)] : [];
}

/** In a fallback that is rolled: why the previous version is not verified either, so far. Before that the pods may still be those of the other one. */
function unverifiedAgain({ status }: Upgrade): string[] {
  const isChecked = isUnderWay(status) && status?.fallback?.state === 'Checking';
  const pod = isChecked ? status?.pods?.find(isOpen) : undefined;
  const text = pod?.message ?? pod?.reason;
  return pod && text ? [plain(`pod ${pod.name} of the previous version: ${text}`)] : [];
}

const isOpen = ({ state }: PodReport): boolean => state !== 'Passed' && state !== 'Skipped';

/** Returns the cause: of an end that another client caused, otherwise of the fallback. */
function causeOf(upgrade: Upgrade): string {
  const { attempt, fallback, message } = upgrade.status ?? {};
  if (isOfEarlierSpec(upgrade)) {
    return unseen(upgrade) ? '' : (message ?? '');
  }
  return (isOfPods(upgrade) ? fallback?.cause : undefined) ?? attempt?.end?.cause ?? message ?? '';
}

const OBJECTING = { Stalled: 'Stalled', Drifted: 'Ready' } as const;

/** The condition that speaks against the phase. */
export function objectingCondition(upgrade: Upgrade): Condition | undefined {
  const objected = objection(upgrade);
  return objected && conditionOf(upgrade, OBJECTING[objected]);
}

/** What is wrong now; the whole message if the condition has only its headline. */
function objections(upgrade: Upgrade): string[] {
  const { message = '', headline: short } = upgrade.status ?? {};
  const text = objectingCondition(upgrade)?.message ?? '';
  return text === '' ? [] : [plain(text === short ? message : text)];
}

/** How many of the places where pods failed are listed. */
const MAX_PLACES = 3;

/** A line for each place where pods failed within the budget. */
function leftLines(upgrade: Upgrade): string[] {
  const { status, metadata } = upgrade;
  if (phaseOf(upgrade) !== 'Partial' || isOfEarlierSpec(upgrade)) {
    return [];
  }
  const { left } = completeStatus(status);
  const more = left.length - MAX_PLACES;
  return [
    ...left.slice(0, MAX_PLACES).map((entry) => plain(leftText({ left: [entry] }))),
    ...(more > 0
      ? [`and ${more} more: ${kubectl(metadata.namespace, 'postcheck', 'tree', metadata.name)}`]
      : []),
  ];
}

/** During an attempt the status counts tries once a minute: more may have been made since. */
function tries({ status }: Upgrade, pod: PodReport | undefined, now: number): string[] {
  const check = pod?.checks[0];
  const asOf = isUnderWay(status) ? `, as of ${moment(check?.lastAt, now)}` : '';
  return check && check.attempts > 1
    ? [
        `pod ${pod.name}: ${check.check} was probed ${check.attempts} times in ${spanText(fromIso(check.lastAt) - fromIso(check.firstAt))}${asOf}`,
      ]
    : [];
}

/** The message of the status has the end of a soak as the API stores it; this is local time, as in all other lines. */
function soak(upgrade: Upgrade, now: number): string[] {
  const { status } = upgrade;
  const stage = status?.stages?.find(({ state }) => state === 'Soaking');
  return stage && isUnderWay(status) && objection(upgrade) === undefined
    ? [
        `stage ${stage.name}: ${stage.verified} of ${plural(stage.desired, 'pod')} verified, still probed until ${moment(stage.soakUntil, now)}`,
      ]
    : [];
}

/** A fallback that another client interrupted had its own cause. */
function failedBefore({ status, spec }: Upgrade): string[] {
  const { fallback, to } = status ?? {};
  return fallback?.cause && !isReason(fallback.reason, 'Aborted')
    ? [plain(`${imagesText(to?.images ?? {}, spec)} had failed before: ${fallback.cause}`)]
    : [];
}

/** Where to read why the worst pod is not ready, if the status has only that it is not. */
function whyUnready({ status, metadata }: Upgrade, pod: PodReport | undefined): string[] {
  if (!pod || pod.lastEnds?.length) {
    return [];
  }
  const read = (...words: string[]): string => kubectl(metadata.namespace, ...words);
  if (isReason(pod.reason, 'NotReady')) {
    return [`pod ${pod.name}: its events say why: ${read('events', '--for', `pod/${pod.name}`)}`];
  }
  const exists = status?.fallback === undefined;
  return isReason(pod.reason, 'Initializing') && exists
    ? [`pod ${pod.name}: what its init containers print: ${read('logs', pod.name, '--all-containers')}`]
    : [];
}

/** How the containers of the worst pod ended, and how to read their logs while the pod exists. */
function lastEnds({ status, metadata }: Upgrade, pod: PodReport | undefined): string[] {
  const exists = status?.fallback === undefined;
  return (pod?.lastEnds ?? []).map(({ container, reason, exitCode }) => {
    const log = exists
      ? `; its log: ${kubectl(metadata.namespace, 'logs', pod?.name ?? 'POD', '-c', container, '--previous')}`
      : '';
    return `pod ${pod?.name}: container ${container} last ended as ${reason} (exit code ${exitCode})${log}`;
  });
}
