/** What README shows of the tool is what it prints. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { SCENES } from '../../../test/docs/scenes.ts';
import { Stage } from '../../../test/support/stage.ts';
import { explain } from '../src/explain.ts';
import { lines } from '../src/verbs/why.ts';
import { fakeIo } from './io.ts';

test('why, of a version that fell back', () => {
  const now = Date.parse('2026-01-01T03:30:00Z');
  const upgrade = { ...new Stage().upgrade, status: SCENES['FellBack']?.().status ?? {} };
  const printed = lines(fakeIo({ now }), explain(upgrade, now)).map((line) => line.trimEnd());
  // Times of the day are those of the reader's own zone.
  const timeless = (text: string): string =>
    text
      .replace(/(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d/g, 'TIME')
      .replace(/probed (\d+) times in \w+/g, 'probed $1 times');
  expect(timeless(readFileSync('README.md', 'utf8'))).toContain(timeless(printed.join('\n')));
});
