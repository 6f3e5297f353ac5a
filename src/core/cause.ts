/** Why a pod, an attempt or a fallback is in its state, as data; report/cause-text.ts has the text. */
import { cut } from '../api/cut.ts';
import type { Cause as StoredCause } from '../api/types.ts';

export interface Cause extends StoredCause {
  /** The recorded text of an earlier process, if that is all that is known. */
  readonly text?: string;
}

const DETAIL_MAX = 512;

/** The cause as it is stored. Its text, which the API has no field for, becomes the detail. */
export function storedCause({ text, ...cause }: Cause): StoredCause {
  const detail = cause.detail ?? text;
  return detail === undefined ? cause : { ...cause, detail: cut(detail, DETAIL_MAX) };
}
