/** Distinguished Encoding Rules (X.690), as far as a certificate needs them. */

/** Encodes one value with its tag and length. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body]);
}

/** Encodes a length: up to 127 in one byte, otherwise in as many as needed, after their number. */
function lengthOf(length: number): readonly number[] {
  if (length < 128) {
    return [length];
  }
  const digits = [...Buffer.from(length.toString(16).padStart(8, '0'), 'hex')];
  const significant = digits.slice(digits.findIndex((digit) => digit !== 0));
  return [0x80 | significant.length, ...significant];
}

export const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);
export const set = (...contents: readonly Uint8Array[]): Buffer => der(0x31, ...contents);
export const octets = (contents: Uint8Array): Buffer => der(0x04, contents);
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text, 'utf8'));
export const yes = (): Buffer => der(0x01, Buffer.from([0xff]));
/** Explicitly tagged: a value within a value. */
export const tagged = (number: number, contents: Uint8Array): Buffer => der(0xa0 | number, contents);
/** Implicitly tagged: the tag replaces the type. */
export const implicit = (number: number, contents: Uint8Array): Buffer => der(0x80 | number, contents);
/** A bit string; `unused` is the number of unused bits in the last byte. */
export const bits = (contents: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), contents);

/** Encodes a positive integer from its bytes, with a leading zero if the first bit would make it negative. */
export function integer(magnitude: Uint8Array): Buffer {
  const start = magnitude.findIndex((byte) => byte !== 0);
  const bytes = start < 0 ? Buffer.from([0]) : magnitude.subarray(start);
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0;
  return der(0x02, ...(isNegative ? [Buffer.from([0])] : []), bytes);
}

/** Encodes an object identifier such as `2.5.29.17`: the first two numbers in one byte, the others in base 128. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) {
    digits.unshift(0x80 | (left & 0x7f));
  }
  return digits;
}

/** Encodes a time to the second, with a two-digit year until 2049, as RFC 5280 requires. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, '');
  return digits < '2050' ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}
