/** The words for the result of a check of the rollout as a whole. */
import type { QueryRecord, RolloutCheck } from '../rollout/rollout-checks.ts';

const SILENCE = { NoData: 'no data', NoNumber: 'no number' } as const;

/** The value, or why there is none. */
export function rolloutCheckText(
  record: Pick<QueryRecord, 'class' | 'value' | 'silence'> | undefined,
  { passWhen }: Pick<RolloutCheck, 'passWhen'>,
): string {
  if (!record) {
    return 'not queried yet';
  }
  const { silence, value } = record;
  if (silence) {
    return typeof silence === 'object' ? silence.said : SILENCE[silence];
  }
  return record.class === 'Fail' ? `${value}, but passes when ${passWhen}` : `${value}`;
}
