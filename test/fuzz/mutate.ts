/** Makes hostile input out of valid one: bytes that are bent, texts that grow, and JSON in which anything stands for anything. */
import type { Random } from './random.ts';

/** What has broken parsers before. */
const TOKENS = [
  '', '\0', '\n', '\r\n', '\r\n\r\n', '\u2028', '\ufeff', '\ud800', '\u202e', '\x1b[31m', '\x1b]0;x\x07', '{', '}', '[', ']', '"', '\\', '\\u0000',
  '__proto__', 'constructor', 'toString', 'hasOwnProperty', '-0', '1e308', '1e999', '9007199254740993', '-1', 'NaN', 'null', 'true', '0x10',
  '😀', '%', '%00', '%ff', '../', '//', '$(sleep 1)', '`id`', ';', '&&', '*', '.*', '(a+)+$', ' ', '\t',
  'postcheck: stage=start code=0', 'readiness_probe: ', 'Retry-After: 1', 'HTTP/1.1 200 OK',
]; // biome-ignore format: a list

/** The same token many times: where work grows faster than input, this shows it. */
const LONG = 4096;

export function mutateText(random: Random, text: string): string {
  let result = text;
  for (let times = 1 + random.below(4); times > 0; times--) {
    result = mutateOnce(random, result);
  }
  return result;
}

function mutateOnce(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const end = at + random.below(Math.min(text.length - at, 40) + 1);
  const token = random.pick(TOKENS);
  switch (random.below(8)) {
    case 0:
      return text.slice(0, at) + token + text.slice(end);
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, at);
    case 3:
      return text.slice(0, end) + text.slice(at);
    case 4:
      return text.slice(0, at) + String.fromCharCode(random.below(0x10000)) + text.slice(at + 1);
    case 5:
      return text.slice(0, at) + token.repeat(random.below(LONG / (token.length + 1))) + text.slice(at);
    case 6:
      return text.slice(0, at) + text.slice(at, end).repeat(random.below(20)) + text.slice(end);
    default:
      return text.replace(/\d+/, random.pick(TOKENS));
  }
}

export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  if (random.chance(0.5)) {
    return Buffer.from(mutateText(random, bytes.toString('latin1')), 'latin1');
  }
  const copy = Buffer.from(bytes);
  for (let times = 1 + random.below(8); times > 0 && copy.length > 0; times--) {
    copy[random.below(copy.length)] = random.below(256);
  }
  return copy.subarray(0, random.chance(0.3) ? random.below(copy.length + 1) : copy.length);
}

const VALUES: readonly unknown[] = [
  null, true, false, 0, -0, -1, 1.5, 2 ** 53, 1e308, '', ' ', 'x'.repeat(10_000), '😀'.repeat(500), '\ud800', '__proto__', '2026-13-45T99:99:99Z',
  '2026-01-01T00:00:00Z', [], {}, [[[[]]]], [null], { __proto__: null }, Object.fromEntries([['__proto__', { polluted: true }]]), { constructor: 1, length: -1 },
]; // biome-ignore format: a list

/** Another tree of JSON, with some nodes replaced, doubled, taken away or renamed. Never the tree itself. */
export function mutateJson(random: Random, value: unknown): unknown {
  const rate = random.pick([0.02, 0.1, 0.3]);
  return JSON.parse(JSON.stringify(bend(random, value, rate)) ?? 'null');
}

function bend(random: Random, value: unknown, rate: number): unknown {
  if (random.chance(rate)) {
    return typeof value === 'string' && random.chance(0.5) ? mutateText(random, value) : random.pick(VALUES);
  }
  if (Array.isArray(value)) {
    const items = value.flatMap((item) => (random.chance(rate) ? [] : [bend(random, item, rate)]));
    return random.chance(rate) ? [...items, ...items] : items;
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]) => {
        const name = random.chance(rate / 3) ? mutateText(random, key) : key;
        return random.chance(rate / 2) ? [] : [[name, bend(random, inner, rate)]];
      }),
    );
  }
  return value;
}
