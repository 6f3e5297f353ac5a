import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OutputCollector } from './exec-output.ts';

function collect(maxBytes: number, ...chunks: (string | Buffer)[]): string {
  const collector = new OutputCollector(maxBytes);
  for (const chunk of chunks) {
    collector.push(Buffer.from(chunk));
  }
  return collector.text();
}

test('a short output is kept whole', () => {
  expect(collect(100, 'one\n', '', 'two')).toBe('one\ntwo');
  expect(collect(10, '0123456789')).toBe('0123456789');
});

test('of a long one head and tail are kept, with a mark between', () => {
  expect(collect(40, 'a'.repeat(20), 'b'.repeat(500), 'the tail here')).toBe(
    `${'a'.repeat(20)}\n[...]\nthe tail here`,
  );
});

test('nothing is kept of it when nothing is wanted', () => {
  expect(collect(0, 'abc', 'def')).toBe('');
});

test('for any chunks the text begins with the head, ends with the tail and is never longer than allowed', () => {
  const chunk = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n'), maxLength: 200 });
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 30 }), fc.integer({ min: 0, max: 120 }), (chunks, max) => {
      const whole = chunks.join('');
      const kept = collect(max, ...chunks);
      if (whole.length <= max) {
        expect(kept).toBe(whole);
        return;
      }
      const [head = '', tail = ''] =
        max < 32
          ? [kept.slice(0, Math.ceil(max / 2)), kept.slice(Math.ceil(max / 2))]
          : kept.split('\n[...]\n');
      expect(kept.length).toBe(max);
      expect(whole.startsWith(head)).toBe(true);
      expect(whole.endsWith(tail)).toBe(true);
    }),
  );
});

test('any bytes give text of at most as many bytes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 })),
      fc.integer({ min: 0, max: 200 }),
      (chunks, max) => {
        const kept = collect(max, ...chunks.map((bytes) => Buffer.from(bytes)));
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(max);
      },
    ),
  );
});

test('text is made fit to show', () => {
  expect(collect(100, Buffer.from('\u001b[1;31mred\u001b[0m\u0000\u202e'), Buffer.from([0xff]))).toBe('red?');
});
