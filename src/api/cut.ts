/**
 * Text that is shortened for the API server, which stores UTF-8: half of a character (a lone surrogate) would come back as another one, and
 * what was stored would never equal what was meant. Every cut of text is made here.
 */

/** At most `max` UTF-16 units, which are never fewer than the characters that a schema's `maxLength` counts; whole characters only. */
export function cut(text: string, max: number): string {
  const isHalf = text.length > max && /[\uD800-\uDBFF]/.test(text.charAt(max - 1));
  return text.slice(0, isHalf ? max - 1 : max).toWellFormed();
}

/** At most `max` bytes of UTF-8, the last character a `…` when something is missing. */
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
