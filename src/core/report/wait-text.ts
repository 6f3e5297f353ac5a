/** What a sentence says of an attempt that is to start and waits. */
import type { Upgrade, UpgradeStatus } from '../../api/types.ts';
import { waitsToStart } from '../wait.ts';
import { versionsText } from './image-text.ts';

interface WaitingFacts {
  readonly upgrade: Upgrade;
  readonly status: UpgradeStatus;
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
    ? `${what} when its window opens, ${windowText(upgrade, status, (status.attempt?.number ?? 0) + 1)}`
    : `${what} when its dependencies have succeeded; it waits for ${waiting.detail}`;
}

/** When a window opens, and how to go on at once. */
export const windowText = ({ metadata }: Upgrade, { waiting }: UpgradeStatus, attempt: number): string =>
  `${waiting?.detail}; to start immediately: kubectl annotate upgrade ${metadata.name} -n ${metadata.namespace} postcheck.dev/promote=${attempt} --overwrite`;
