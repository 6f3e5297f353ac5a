/** Explains the state of an Upgrade: its headline, why it is so, and when what happened. Pure. */

import { PHASES } from '../../../src/api/enums.ts';
import { kubectl } from '../../../src/api/kubectl.ts';
import { RUNBOOKS_URL } from '../../../src/api/names.ts';
import { own } from '../../../src/api/own.ts';
import { printableRow } from '../../../src/api/printable.ts';
import { REASONS, TERMINAL_REASONS } from '../../../src/api/reasons.ts';
import type { HistoryEntry, PodReport, Upgrade, UpgradeSpec } from '../../../src/api/types.ts';
import { completeStatus } from '../../../src/core/complete-status.ts';
import { wantedImages } from '../../../src/core/images.ts';
import { imagesText } from '../../../src/core/report/image-text.ts';
import { fromIso, spanText } from '../../../src/core/time.ts';
import { misplacedLines, unreadLines } from './annotations.ts';
import { outputs, rules, spread } from './explain-evidence.ts';
import { next } from './explain-next.ts';
import { outcomeText } from './explain-outcome.ts';
import { isOfPods, objectingCondition, why } from './explain-why.ts';
import { plural } from './looks.ts';
import { moment, plain } from './text.ts';
import {
  conditionOf,
  isDeleting,
  isOfEarlierSpec,
  isStalled,
  isUnverified,
  objection,
  phaseOf,
  unseen,
  waitsForPerson,
} from './upgrade-state.ts';

/** One part of the explanation: a topic, and its lines. */
export interface Part {
  readonly topic:
    | 'Why'
    | 'Rule'
    | 'Output'
    | 'Spread'
    | 'Timeline'
    | 'Traffic'
    | 'Ignored'
    | 'Next'
    | 'Runbook';
  readonly lines: readonly string[];
}

export interface Explanation {
  readonly headline: string;
  readonly parts: readonly Part[];
}

/** The current state of the workload, if it could be read. */
export interface Present {
  readonly ready: number;
  readonly desired: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function explain(upgrade: Upgrade, now: number, present?: Present): Explanation {
  const worst = worstPods(upgrade);
  const parts: Part[] = [
    { topic: 'Why', lines: why(upgrade, worst, now) },
    { topic: 'Rule', lines: rules(upgrade.spec, worst, isDecided(upgrade)) },
    { topic: 'Output', lines: outputs(worst, now) },
    { topic: 'Spread', lines: isOfPods(upgrade) ? spread(upgrade) : [] },
    { topic: 'Timeline', lines: isOfEarlierSpec(upgrade) ? [] : timeline(upgrade, now) },
    { topic: 'Traffic', lines: traffic(upgrade) },
    { topic: 'Ignored', lines: ignored(upgrade, present) },
    { topic: 'Next', lines: next(upgrade, now) },
    { topic: 'Runbook', lines: runbook(upgrade) },
  ];
  return {
    // An image or a name in a line cannot start another one, which a reader would take for ours.
    headline: printableRow(
      `${headline(upgrade, now, isLapsed(upgrade, present))}${lapsedText(upgrade, present)}`,
    ),
    parts: parts
      .filter(({ lines }) => lines.length > 0)
      .map(({ topic, lines }) => ({ topic, lines: lines.map(printableRow) })),
  };
}

/** Whether it was decided about the version: its pods are not probed any more. */
const isDecided = ({ status }: Upgrade): boolean =>
  status?.fallback !== undefined || status?.attempt?.end !== undefined;

function ignored({ metadata, spec: { targetRef } }: Upgrade, present: Present | undefined): string[] {
  return [
    ...unreadLines(metadata.annotations),
    ...misplacedLines(`${targetRef.kind} ${targetRef.name}`, present?.annotations),
  ];
}

/** Explains an earlier attempt, from the history. */
export function explainEntry(entry: HistoryEntry, spec: UpgradeSpec, now: number): Explanation {
  const span = spanText(fromIso(entry.finishedAt) - fromIso(entry.startedAt));
  return {
    headline: `Attempt ${entry.attempt} of ${imagesText(entry.images, spec)}: ${entry.outcome}, ${moment(entry.finishedAt, now)}.`,
    parts: [
      { topic: 'Why', lines: [plain(entry.cause)] },
      {
        topic: 'Timeline',
        lines: [`${moment(entry.startedAt, now)} → ${moment(entry.finishedAt, now)} (${span})`],
      },
    ],
  };
}

/** Returns the evidence against the version: the pods that caused the fallback, as they were then, otherwise the worst pods now. */
function worstPods(upgrade: Upgrade): readonly PodReport[] {
  const { status } = upgrade;
  if (!isOfPods(upgrade)) {
    return [];
  }
  const evidence = status?.fallback?.evidence ?? [];
  return evidence.length > 0
    ? evidence
    : (status?.pods ?? []).filter(({ state }) => state !== 'Passed' && state !== 'Skipped');
}

/** How many pods served when the attempt ended: pods that failed within the budget and stayed were never Ready. */
function servedPods({ status }: Upgrade, desired: number): number {
  const { phase, counts, left } = completeStatus(status);
  return phase === 'Partial'
    ? Math.min(
        desired,
        counts.passed + counts.skipped + left.filter(({ state }) => state !== 'Failed').length,
      )
    : desired;
}

/** Whether the attempt ended with serving pods, and some do not serve any more: the message of the status is of that time. */
const isLapsed = (upgrade: Upgrade, present: Present | undefined): present is Present =>
  present !== undefined &&
  ['Succeeded', 'FellBack', 'Partial'].includes(phaseOf(upgrade)) &&
  (present.ready < servedPods(upgrade, present.desired) || present.desired === 0);

/** Whether the attempt ended with a version that is not verified: what is Ready tells how urgent that is. */
const isUnsafe = (upgrade: Upgrade): boolean =>
  ['FallbackFailed', 'Failed'].includes(phaseOf(upgrade)) &&
  objection(upgrade) === undefined &&
  !isOfEarlierSpec(upgrade);

function lapsedText(upgrade: Upgrade, present: Present | undefined): string {
  if (present !== undefined && isUnsafe(upgrade)) {
    return ` ${present.ready} of ${plural(present.desired, 'pod')} Ready now.`;
  }
  if (!isLapsed(upgrade, present)) {
    return '';
  }
  const { name, namespace } = upgrade.metadata;
  return present.desired === 0
    ? ' Since then it was scaled to 0 replicas.'
    : ` Since then pods have failed: ${present.ready} of ${plural(present.desired, 'pod')} Ready now. See ${kubectl(namespace, 'postcheck', 'tree', name)}`;
}

const OBJECTIONS = { Stalled: 'and stalled', Drifted: 'but another client has changed the images since' };

function headline(upgrade: Upgrade, now: number, lapsed: boolean): string {
  const { status } = upgrade;
  const phase = phaseOf(upgrade);
  const at = status?.attempt?.end?.at;
  if (isOfEarlierSpec(upgrade)) {
    return notStarted(upgrade, now);
  }
  const objected = objection(upgrade);
  if (objected !== undefined) {
    return `${phase}, ${OBJECTIONS[objected]}: action is required.`;
  }
  const started = `${phase}${at ? `, ${moment(at, now)}` : suspension(upgrade)}.`;
  const isStarted = status?.counts !== undefined || at !== undefined;
  return isStarted ? `${started} ${outcomeText(upgrade, lapsed)}` : started;
}

/** What suspends an attempt: its phase alone looks like progress. */
function suspension(upgrade: Upgrade): string {
  if (upgrade.spec.paused && unseen(upgrade) === undefined && !isDeleting(upgrade)) {
    return ', paused';
  }
  switch (upgrade.status?.waiting?.reason) {
    case 'AwaitingApproval':
      return waitsForPerson(upgrade) === undefined ? '' : ', waits for approval: action is required';
    case 'WindowClosed':
      return ', waits for its window';
    default:
      return '';
  }
}

/** The last attempt has ended and the one for the current spec has not started: that is the most important. */
function notStarted(upgrade: Upgrade, now: number): string {
  const { spec, status } = upgrade;
  const wanted = imagesText(wantedImages(spec), spec);
  const { number, end } = status?.attempt ?? {};
  const state = isStalled(upgrade)
    ? 'Stalled: action is required'
    : spec.paused
      ? 'Paused'
      : status?.waiting
        ? 'Waiting'
        : 'Pending';
  return `${state}. ${wanted} has not started; the attempt before it, ${number}, ended as ${phaseOf(upgrade)}, ${moment(end?.at, now)}.`;
}

function timeline({ status }: Upgrade, now: number): string[] {
  const { attempt, fallback } = status ?? {};
  if (!attempt) {
    return [];
  }
  const steps: [string, string | undefined][] = [
    ['started', attempt.startedAt],
    ['rolled', attempt.rolledAt],
    ['fallback decided', fallback?.startedAt],
    ['fallback rolled', fallback?.rolledAt],
    ['ended', attempt.end?.at],
  ];
  const reached = steps.filter((step): step is [string, string] => step[1] !== undefined);
  // The date is printed once.
  return [
    reached
      .map(
        ([what, at], index) =>
          `${what} ${index === 0 ? moment(at, now) : moment(at, fromIso(attempt.startedAt))}`,
      )
      .join(' → '),
  ];
}

function traffic(upgrade: Upgrade): string[] {
  const gated = conditionOf(upgrade, 'Gated');
  if (!gated || upgrade.status?.attempt?.end || upgrade.status?.fallback) {
    return [];
  }
  return [
    gated.status === 'True' ? 'new pods get no traffic before they are verified' : plain(gated.message),
  ];
}

/** What to do depends on the outcome more than on its cause: the page of FellBack says that nothing has to be done at once, this one the contrary. */
const OUTCOMES_WITH_PAGE: readonly string[] = ['Partial', 'FallbackFailed'];

/** In these, pods that cannot be probed are what keeps it from its end. */
const LACKS_EVIDENCE: readonly string[] = ['Inconclusive', 'FallingBack', 'FallbackChecking'];

/** Why the worst pod gave no evidence, if that has a page of its own. Until a fallback is rolled the pods may still be those that go. */
function whyNoEvidence({ status }: Upgrade): string | undefined {
  if (status?.fallback && status.fallback.state !== 'Checking') {
    return undefined;
  }
  const reason = status?.pods?.find(({ state }) => state === 'Inconclusive')?.reason;
  return [REASONS, TERMINAL_REASONS].some((table) => Object.hasOwn(table, reason ?? '')) ? reason : undefined;
}

/** The page of a reason. One that no table has is the author's own, of an exit code, or Kubernetes', of a container that does not run. */
function pageOf({ status }: Upgrade, word: string | undefined): string | undefined {
  if (word === undefined) {
    return undefined;
  }
  const listed =
    own<{ meaning: string; runbook?: string }>(REASONS, word) ??
    own<{ runbook: string }>(TERMINAL_REASONS, word);
  if (listed || isPhase(word)) {
    return listed?.runbook;
  }
  const pods = [...(status?.fallback?.evidence ?? []), ...(status?.pods ?? [])];
  return pods.some(({ checks }) => checks.some(({ reason }) => reason === word)) ? 'ProbeFailed' : 'NotReady';
}

const isPhase = (word: string): boolean => PHASES.some((phase) => phase === word);

/** Returns the link to the runbook of the most important reason. */
function runbook(upgrade: Upgrade): string[] {
  const phase = phaseOf(upgrade);
  const ready = conditionOf(upgrade, 'Ready')?.reason;
  // What a wait is for has its own page, or needs none: nothing is wrong with the pods.
  const words = upgrade.status?.waiting
    ? [ready]
    : [
        ...(LACKS_EVIDENCE.includes(phase) ? [whyNoEvidence(upgrade)] : []),
        ...(OUTCOMES_WITH_PAGE.includes(phase) ? [phase] : []),
        objectingCondition(upgrade)?.reason,
        ...(isOfPods(upgrade) ? [] : [upgrade.status?.attempt?.end?.reason]),
        // Before an attempt it only says that there is none.
        ...(upgrade.status?.attempt ? [conditionOf(upgrade, 'Verified')?.reason] : []),
        ready,
        phase,
        conditionOf(upgrade, 'Gated')?.reason,
      ];
  const pages = words.map((word) => pageOf(upgrade, word));
  const page = pages.find((name) => name !== undefined);
  const isWell = phase === 'Succeeded' && objection(upgrade) === undefined && !isUnverified(upgrade);
  return page === undefined || isWell ? [] : [`${RUNBOOKS_URL}/${page}.md`];
}
