/** The text for the result of a rollout check. */
import type { QueryRecord, RolloutCheck } from '../rollout/rollout-checks.ts';

const NO_VALUE = { NoData: 'no data', NoNumber: 'no data (NaN)' } as const;

/** The value, or why there is none. */
export function rolloutCheckText(
  record: Pick<QueryRecord, 'class' | 'value' | 'noValue'> | undefined,
  { passWhen }: Pick<RolloutCheck, 'passWhen'>,
): string {
  if (!record) {
    return 'not queried yet';
  }
  const { noValue, value } = record;
  if (noValue) {
    return typeof noValue === 'object' ? noValue.message : NO_VALUE[noValue];
  }
  return record.class === 'Fail' ? `${value}, but passes when ${passWhen}` : `${value}`;
}

/** Why a check is not queried yet. */
export const foreignSamplesText = (until: string): string =>
  `not queried before ${until}, because Prometheus may return samples of the pods that had these names before`;
