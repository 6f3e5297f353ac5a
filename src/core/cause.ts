/** Why a pod, an attempt or a fallback is as it is, as data to the end: the words are written in report/cause-text.ts. */
import { cut } from '../api/cut.ts';
import type { Cause as StoredCause } from '../api/types.ts';

export interface Cause extends StoredCause {
  /** The sentence as an earlier process recorded it on the pod; nothing else is known of it. */
  readonly said?: string;
}

const DETAIL_MAX = 512;

/** As it is stored: what is not in the API becomes its detail. */
export function storedCause({ said, ...cause }: Cause): StoredCause {
  const detail = cause.detail ?? said;
  return detail === undefined ? cause : { ...cause, detail: cut(detail, DETAIL_MAX) };
}
