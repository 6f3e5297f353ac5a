import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { headline } from './headline.ts';

describe('the headline of a sentence', () => {
  test.each([
    ['short enough', 'Deployment web is paused', 'Deployment web is paused'],
    [
      'without registries',
      'Deployment web runs web=registry.example/team/web:2.0, log=registry.example/log:7, verified on 3 of 3 pods in 5s',
      'Deployment web runs web=web:2.0, log=log:7, verified on 3 of 3 pods in 5s',
    ],
    [
      'with short digests',
      `Checking web=registry.example/web@sha256:${'0123456789abcdef'.repeat(4)}: 1 of 3 pods passed`,
      'Checking web=web@sha256:0123456789ab: 1 of 3 pods passed',
    ],
    [
      'ended at a clause',
      'Fell back from web=r.example/web:2.0 to web=r.example/web:1.9, verified on 3 pods: pod web-746dd5cf99-jxxz5 on node-3: readiness-probe in container web exited 17',
      'Fell back from web=web:2.0 to web=web:1.9, verified on 3 pods: pod web-746dd5cf99-jxxz5 on node-3',
    ],
    [
      'ended at a word, when no clause ends in time',
      `The workload ${'very '.repeat(20)}long`,
      `${`The workload ${'very '.repeat(17)}`.trimEnd()}…`,
    ],
    ['cut, when there is not even a word', 'x'.repeat(200), `${'x'.repeat(99)}…`],
  ])('%s', (_, sentence, expected) => {
    expect(headline(sentence)).toBe(expected);
  });

  test('is never too long, and never half a character', () => {
    const words = fc.array(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('💥', '; ', ': ', ' ', 'a/b=c/d')),
      {
        maxLength: 300,
      },
    );
    fc.assert(
      fc.property(words, (parts) => {
        const short = headline(parts.join('').toWellFormed());
        expect(short.length).toBeLessThanOrEqual(100);
        expect(short.isWellFormed()).toBe(true);
      }),
    );
  });
});
