/** The text for a pod that postcheck deleted. */
import type { PodView } from '../../api/views.ts';
import type { DeletePods } from '../plan.ts';

/** With OnDelete, deleting pods is the normal way to roll out, so it is not reported. */
export type ReportedDeletion = Exclude<DeletePods['reason'], 'Replaced'>;

const NOTES: Readonly<Record<ReportedDeletion, string>> = {
  GateMissed: 'it was created without the gate',
  StuckPodDeleted: 'it blocked the StatefulSet (kubernetes#67250)',
};

export const deletionText = ({ name }: PodView, reason: ReportedDeletion): string =>
  `Deleted pod ${name}: ${NOTES[reason]}`;
