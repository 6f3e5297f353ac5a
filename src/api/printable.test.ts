import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { printable, printableLine } from './printable.ts';

describe('text is made fit to show', () => {
  test.each([
    ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
    ['the title of a window', '\u001b]0;owned\u0007x\u001b]8;;http://evil.example\u001b\\y', 'xy'],
    ['half of a sequence', 'a\u001b[', 'a['],
    ['a sequence in one character', 'a\u009b31mb', 'a31mb'],
    ['control characters, but not tabs and line feeds', 'a\u0000\u0007\tb\r\nc\u007f', 'a\tb\nc'],
    ['what nobody sees around a tab', 'a\u200b\t\u200b\u200d\nb', 'a\t\nb'],
    ['direction marks', 'a\u202eb\u2066c\u200fd\u061ce', 'abcde'],
    ['characters that hide in a word', 'pa\u200bs\u2060s\ufeffe\u00add\u3164\u180e\ufff9', 'passed'],
    ['a text in characters that nobody sees', 'ok\u{e0020}\u{e0072}\u{e006d}\ufe0f\u{e0100}', 'ok'],
    ['joiners where nothing is joined', 'a\u200db\u200c\ufe0f é\u200d\u200d \u200d', 'ab é\u200d '],
    ['half of a character', 'a\ud83d b', 'a? b'],
    ['what could not be decoded', 'a\uFFFDb', 'a?b'],
  ])('without %s', (_, input, expected) => {
    expect(printable(input)).toBe(expected);
  });

  test('other scripts stay as they are', () => {
    const text = 'größe 世界 👍🏽 👩‍🚀 ❤️‍🔥 ☎︎ שלום می\u200cخواهم';
    expect(printable(text)).toBe(text);
  });

  test('as one line', () => {
    expect(printableLine(' a\r\nb\u2028c\td\n')).toBe('a b c d');
  });
});

test('whatever is said, what is kept is well-formed, no longer, and stays as it is when it is read again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const kept = printable(text);
      expect(kept.isWellFormed()).toBe(true);
      expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(Buffer.byteLength(text));
      expect(JSON.parse(Buffer.from(JSON.stringify(kept)).toString())).toBe(kept);
      expect(kept).not.toMatch(/(?![\t\n])[\p{Cc}\p{Bidi_Control}]/u);
      expect(printable(kept)).toBe(kept);
      expect(printableLine(text)).not.toMatch(/\n/);
    }),
  );
});
