/** Parsers of what others send, fed with some hundred hostile inputs each. `node test/fuzz/soak.ts` does the same a million times, each night. */
import { expect, test } from '@jest/globals';
import { fuzz, playCase } from './fuzz.ts';
import { PARSERS, type Parser } from './parsers.ts';
import { Random } from './random.ts';

const CASES = 700;

test.each(PARSERS.map((parser) => [parser.name, parser] as const))(
  '%s: whatever comes, it is read or refused, in time and in bounds',
  (_name, parser) => {
    expect(fuzz(parser, 1, CASES).failures).toEqual([]);
  },
  120_000,
);

test('nothing that was read has changed what all objects have', () => {
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('the same seed is the same case, and the inputs differ', () => {
  for (const { input } of PARSERS) {
    const made = (seed: number) => JSON.stringify(input(new Random(seed)));
    expect(made(7)).toBe(made(7));
    expect(new Set(Array.from({ length: 50 }, (_, seed) => made(seed))).size).toBeGreaterThan(10);
  }
});

test('a parser that throws, keeps too much, or works too long is told, with the command that plays it again', () => {
  const parser = (read: (input: string) => number): Parser => ({
    name: 'made up',
    input: () => 'x'.repeat(500),
    read: read as Parser['read'],
    keeps: (bytes) => bytes,
  });
  const quadratic = (text: string): number => {
    let all = 0;
    for (let i = 0; i < text.length; i++) {
      for (let j = 0; j < text.length; j++) {
        all += JSON.stringify(text.charCodeAt(i) * text.charCodeAt(j)).length;
      }
    }
    return Math.min(all, 1);
  };
  expect(
    playCase(
      parser(() => 1),
      1,
    ),
  ).toBeUndefined();
  expect(
    playCase(
      parser(() => 10_000),
      1,
    ),
  ).toBe('keeps 10000 bytes of 502');
  expect(playCase(parser(quadratic), 1)).toMatch(/^costs more than/);
  const broken = fuzz(
    parser(() => {
      throw new Error('boom');
    }),
    5,
    100,
  );
  expect(broken.failures[0]).toBe(
    "made up, case 5: boom\n  node test/fuzz/soak.ts --only 'made up' --seed 5 --cases 1",
  );
});
