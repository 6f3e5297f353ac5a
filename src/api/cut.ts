/**
 * Shortens text for the API server, which stores UTF-8: half of a character (a lone surrogate) would be stored as another character, so that the
 * stored text would always differ from the intended one. All text is shortened with these functions.
 */

/** At most `max` UTF-16 units, whole characters only. A schema's `maxLength` counts characters, which are never more than UTF-16 units. */
export function cut(text: string, max: number): string {
  const isHalf = text.length > max && /[\uD800-\uDBFF]/.test(text.charAt(max - 1));
  return text.slice(0, isHalf ? max - 1 : max).toWellFormed();
}

/** The same, but what is left out is in the middle: a chain of errors ends in its cause. */
export function cutMiddle(text: string, max: number): string {
  const half = Math.floor((max - 1) / 2);
  return text.length <= max
    ? text.toWellFormed()
    : `${cut(text, half)}…${text.slice(-half).replace(/^[\uDC00-\uDFFF]/, '')}`.toWellFormed();
}

/** At most `max` bytes of UTF-8; ends in `…` if something was cut off. */
export function cutBytes(text: string, max: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= max) {
    return text.toWellFormed();
  }
  let end = max - '…'.length * 3;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) {
    end--;
  }
  return `${bytes.subarray(0, end).toString('utf8')}…`;
}
