/** The text for an attempt in stages. */
import { cut } from '../../api/cut.ts';
import type { StageStatus } from '../../api/types.ts';
import type { Status } from '../complete-status.ts';
import type { CompleteUpgrade } from '../snapshot.ts';
import { annotateText, windowText } from './wait-text.ts';

/** The length that the labels of a stage are cut to. */
const LABELS_MAX = 200;

interface StagedFacts {
  readonly upgrade: CompleteUpgrade;
  readonly status: Status;
}

/** A stage whose pods are verified, and what it waits for; `undefined` while its pods are being replaced. */
export function waitingStageText({ upgrade, status }: StagedFacts, version: string): string | undefined {
  const stage = status.stages.find(({ state }) => state !== 'Done');
  if (
    !stage ||
    status.attempt?.end ||
    !(stage.state === 'Checking' || status.waiting || isUnchecked(status, stage))
  ) {
    return undefined;
  }
  const { name, state, verified, desired, soakUntil } = stage;
  const of = `Stage ${name} (${status.stage?.split(' ')[0]?.replace('/', ' of ')}) of ${version}`;
  if (status.waiting?.reason === 'WindowClosed') {
    return `${of} starts when its window opens, ${windowText(upgrade, status, status.attempt?.number ?? 1)}`;
  }
  const where = `${of}: ${verified} of ${desired} verified`;
  const check = rolloutCheckClause(status);
  if (state === 'Checking') {
    return `${where}${check}`;
  }
  if (state === 'Soaking') {
    return `${where}, ${status.waiting ? 'still probed until' : 'soaked until'} ${soakUntil}${check}`;
  }
  if (state !== 'AwaitingApproval') {
    return undefined;
  }
  // A pause, or a check, keeps it from being completed.
  if (stage.approvedAt ?? status.attempt?.promotedAt) {
    return `${where} and approved${check}`;
  }
  const token = `postcheck.dev/approve=${status.attempt?.number}/${name}`;
  return `${where}${check}${check ? ';' : ','} waits for approval: ${annotateText(upgrade.metadata, token)}`;
}

/** Nothing but a rollout check without a result keeps the stage from being completed. */
const isUnchecked = (status: Status, { state, verified, desired }: StageStatus): boolean =>
  (state === 'Soaking' || state === 'AwaitingApproval') &&
  desired > 0 &&
  verified >= desired &&
  rolloutCheckClause(status) !== '';

/** A stage that cannot complete because it has no pods; empty if it has pods, or has not started. */
export function emptyStageClause({ upgrade, status }: StagedFacts): string {
  const stage = status.attempt?.end ? undefined : status.stages.find(({ state }) => state !== 'Done');
  const spec = upgrade.spec.stages.find(({ name }) => name === stage?.name);
  if (!stage || stage.state === 'Waiting' || stage.desired > 0 || !spec?.nodes) {
    return '';
  }
  const labels = Object.entries(spec.nodes.matchLabels).map(([label, value]) => `${label}=${value}`);
  return `; stage ${stage.name} has no pods: no reachable node with a pod is known to have ${cut(labels.join(','), LABELS_MAX)}; label a node, or correct spec.strategy.stages`;
}

/** The result of the first check of the rollout that does not pass; empty if all pass. */
export function rolloutCheckClause({ rolloutChecks }: Status): string {
  const open = rolloutChecks.find((check) => check.class !== 'Pass');
  return open ? `; rollout check ${open.name}: ${open.message}` : '';
}

/** `, stage canary (1 of 2)`, or nothing. */
export function stageClause({ stage }: Status): string {
  if (!stage) {
    return '';
  }
  const [place = '', name = ''] = stage.split(' ');
  return `, stage ${name} (${place.replace('/', ' of ')})`;
}

/** The events for a change of stages. */
export function stageEvents(before: Status, after: Status): StageEvent[] {
  const note = after.message;
  return after.stages.flatMap(({ name, state, verified, desired }): StageEvent[] => {
    const earlier = before.stages.find((stage) => stage.name === name)?.state ?? 'Waiting';
    if (state === earlier) {
      return [];
    }
    if (state === 'Rolling') {
      return [{ reason: 'StageStarted', note: `Stage ${name} started` }];
    }
    const waits: StageEvent[] = state === 'AwaitingApproval' ? [{ reason: 'AwaitingApproval', note }] : [];
    return earlier === 'Rolling'
      ? [
          { reason: 'StageVerified', note: `Stage ${name}: ${verified} of ${desired} pods verified` },
          ...waits,
        ]
      : waits;
  });
}

interface StageEvent {
  readonly reason: 'StageStarted' | 'StageVerified' | 'AwaitingApproval';
  readonly note: string;
}
