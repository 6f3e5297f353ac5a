/** Bounds what is kept of one object. */
import { MOST_CHARACTERS } from '../../api/views.ts';

/** What a value takes besides its text, such as a number or an element of a list. */
const EACH = 8;

/** Whether a view is short enough to be kept, with so much beside it. */
export const isKeepable = (view: unknown, reserved = 0): boolean =>
  rest(MOST_CHARACTERS - reserved, view) >= 0;

/** What is left of the limit after a value; negative as soon as it is exceeded. */
function rest(limit: number, value: unknown): number {
  let left = limit - EACH - (typeof value === 'string' ? value.length : 0);
  if (typeof value !== 'object' || value === null) {
    return left;
  }
  for (const [name, part] of Object.entries(value)) {
    left = rest(left - (Array.isArray(value) ? 0 : name.length), part);
    if (left < 0) {
      break;
    }
  }
  return left;
}
