/** The text for an attempt that waits to start. */

import { kubectl } from '../../api/kubectl.ts';
import type { Status } from '../complete-status.ts';
import { wantedImages } from '../images.ts';
import type { CompleteUpgrade } from '../snapshot.ts';
import { nextNumber } from '../status.ts';
import { waitsToStart } from '../wait.ts';
import { versionsText } from './image-text.ts';

interface WaitingFacts {
  readonly upgrade: CompleteUpgrade;
  readonly status: Status;
}

/** `undefined` if an attempt is under way, or nothing is waited for. */
export function waitingToStartText({ upgrade, status }: WaitingFacts): string | undefined {
  const { waiting } = status;
  if (!waiting || !waitsToStart(status)) {
    return undefined;
  }
  const { targetRef } = upgrade.spec;
  const { to } = versionsText(undefined, wantedImages(upgrade.spec), upgrade.spec);
  const what = `${targetRef.kind} ${targetRef.name} will be rolled to ${to}`;
  switch (waiting.reason) {
    case 'WindowClosed':
      return `${what} when its window opens, ${windowText(upgrade, status, nextNumber(status))}`;
    case 'Queued':
      return `${what} when its turn comes: many Upgrades are to start at once, and those under way are finished first`;
    default:
      return `${what} when its dependencies have succeeded; it waits for ${waiting.detail}`;
  }
}

/** When the window opens, and how to start immediately, which skips what else the attempt would wait for. */
export function windowText(
  { metadata, spec }: Pick<CompleteUpgrade, 'metadata' | 'spec'>,
  { waiting }: Status,
  attempt: number,
): string {
  const skipped = [
    ...(spec.stages.some(({ soakSeconds }) => soakSeconds > 0) ? ['soak'] : []),
    ...(spec.stages.some(({ needsApproval }) => needsApproval) ? ['approval'] : []),
  ];
  const without = skipped.length > 0 ? ` without ${skipped.join(' or ')}` : '';
  return `${waiting?.detail}; to start immediately${without}: ${annotateText(metadata, `postcheck.dev/promote=${attempt}`)}`;
}

/** The command that sets an annotation of the Upgrade. */
export const annotateText = ({ namespace, name }: CompleteUpgrade['metadata'], annotation: string): string =>
  kubectl(namespace, 'annotate', 'upgrade', name, annotation, '--overwrite');
