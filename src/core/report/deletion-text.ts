/** The words for a pod that postcheck deleted. */
import type { PodView } from '../../api/views.ts';
import type { DeletePods } from '../plan.ts';

/** With OnDelete it is how such a workload rolls, and no event tells it. */
export type ToldDeletion = Exclude<DeletePods['reason'], 'Replaced'>;

const NOTES: Readonly<Record<ToldDeletion, string>> = {
  GateMissed: 'it was created without the gate',
  StuckPodDeleted: 'it blocked the StatefulSet (kubernetes#67250)',
};

export const deletionText = ({ name }: PodView, reason: ToldDeletion): string =>
  `Deleted pod ${name}: ${NOTES[reason]}`;
