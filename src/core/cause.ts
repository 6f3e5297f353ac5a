/** Why a pod, an attempt or a fallback is in its state, as data; report/cause-text.ts has the text. */
import { cut } from '../api/cut.ts';
import type { Cause as StoredCause } from '../api/types.ts';
import { IMAGE_MAX } from './images.ts';

export interface Cause extends StoredCause {
  /** The recorded text of an earlier process, if that is all that is known. */
  readonly text?: string;
}

const DETAIL_MAX = 512;

/** The cause as it is stored: others may have set images of any length. Its text, which the API has no field for, becomes the detail. */
export function storedCause({ text, ...cause }: Cause): StoredCause {
  const { image, wanted } = cause;
  const detail = cause.detail ?? text;
  return {
    ...cause,
    ...(image === undefined ? {} : { image: cut(image, IMAGE_MAX) }),
    ...(wanted === undefined ? {} : { wanted: cut(wanted, IMAGE_MAX) }),
    ...(detail === undefined ? {} : { detail: cut(detail, DETAIL_MAX) }),
  };
}
