/** What a sentence says of an attempt that is to start and waits. */
import type { CompleteUpgrade } from '../snapshot.ts';
import { nextNumber, type Status } from '../status.ts';
import { waitsToStart } from '../wait.ts';
import { versionsText } from './image-text.ts';

interface WaitingFacts {
  readonly upgrade: CompleteUpgrade;
  readonly status: Status;
}

/** `undefined` where an attempt is under way, or nothing holds it up. */
export function waitingToStartText({ upgrade, status }: WaitingFacts): string | undefined {
  const { waiting } = status;
  if (!waiting || !waitsToStart(status)) {
    return undefined;
  }
  const { targetRef, containers } = upgrade.spec;
  const wanted = Object.fromEntries(containers.map(({ name, image }) => [name, image]));
  const { to } = versionsText(undefined, wanted, upgrade.spec);
  const what = `${targetRef.kind} ${targetRef.name} will be rolled to ${to}`;
  return waiting.reason === 'WindowClosed'
    ? `${what} when its window opens, ${windowText(upgrade, status, nextNumber(status))}`
    : `${what} when its dependencies have succeeded; it waits for ${waiting.detail}`;
}

/** When a window opens, and how to go on at once. */
export const windowText = (
  { metadata }: Pick<CompleteUpgrade, 'metadata'>,
  { waiting }: Status,
  attempt: number,
): string =>
  `${waiting?.detail}; to start immediately: kubectl annotate upgrade ${metadata.name} -n ${metadata.namespace} postcheck.dev/promote=${attempt} --overwrite`;
