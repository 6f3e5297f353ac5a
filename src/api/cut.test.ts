import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cut, cutBytes, cutMiddle } from './cut.ts';

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom(`a${'😀'.repeat(255)}`, '\uD83D', 'é'.repeat(300)),
);
/** As an API server stores it: half a character becomes U+FFFD. */
const stored = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

test('text that is cut reads back from UTF-8 as it was written, and cutting it again changes nothing', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 300 }), (text, max) => {
      const short = cut(text, max);
      expect(short.length).toBeLessThanOrEqual(max);
      expect(stored(short)).toBe(short);
      expect(cut(short, max)).toBe(short);
      expect(text.toWellFormed().startsWith(short)).toBe(true);
    }),
  );
});

test('text that is cut in the middle keeps its beginning and its end, whole characters only', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 5, max: 300 }), (text, max) => {
      const short = cutMiddle(text, max);
      expect(short.length).toBeLessThanOrEqual(max);
      expect(stored(short)).toBe(short);
      expect(cutMiddle(short, max)).toBe(short);
    }),
  );
  expect(cutMiddle(`first ${'x'.repeat(300)} last`, 13)).toBe('first …x last');
});

test('text is cut to bytes at a character', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 4, max: 300 }), (text, max) => {
      const short = cutBytes(text, max);
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(max);
      expect(stored(short)).toBe(short);
      expect(text.toWellFormed().startsWith(short.replace(/…$/, ''))).toBe(true);
    }),
  );
});

test('nothing is missing from text that fits', () => {
  expect([cut('😀', 2), cutBytes('😀', 4), cut('a😀', 2)]).toEqual(['😀', '😀', 'a']);
});
