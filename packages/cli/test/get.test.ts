/** What the list shows where there is little room. */
import { expect, test } from '@jest/globals';
import { SCENES } from '../../../test/docs/scenes.ts';
import { Stage } from '../../../test/docs/stage.ts';
import { table } from '../src/verbs/get.ts';
import { fakeIo } from './io.ts';

test('on a terminal the list has the cause, and in a pipe the whole sentence', () => {
  const upgrade = { ...new Stage().upgrade, status: SCENES['FellBack']?.().status ?? {} };
  const shown = (terminal: boolean): string =>
    table(fakeIo({ terminal, columns: 160 }), [upgrade], {}).join('\n');
  expect(shown(true)).toContain('failed: readiness-probe exited 17 (ProbeFailed)');
  expect(shown(false)).toContain('web:2.0 failed: pod web-746d-a on node-1 (and 2 more): readiness-probe in');
});
