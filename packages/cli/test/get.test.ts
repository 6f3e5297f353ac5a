/** What the list shows where there is little room. */
import { expect, test } from '@jest/globals';
import { SCENES } from '../../../test/docs/scenes.ts';
import { Stage } from '../../../test/support/stage.ts';
import { needsAttention, waitsForPerson } from '../src/upgrade-state.ts';
import { table } from '../src/verbs/get.ts';
import { fakeIo } from './io.ts';

test('the list shows the cause on a terminal, and the whole message in a pipe', () => {
  const upgrade = { ...new Stage().upgrade, status: SCENES['FellBack']?.().status ?? {} };
  const shown = (terminal: boolean): string =>
    table(fakeIo({ terminal, columns: 160 }), [upgrade], {}).join('\n');
  expect(shown(true)).toContain('failed: readiness-probe exited 17 (ProbeFailed)');
  expect(shown(false)).toContain('web:2.0 failed: pod web-746d-a on node-1 (and 2 more): readiness-probe in');
});

test.each([40, 80, 100])('in %d columns the list shows the whole headline', (width) => {
  const status = SCENES['FellBack']?.().status ?? {};
  const lines = table(fakeIo({ terminal: true, columns: width }), [{ ...new Stage().upgrade, status }], {});
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  expect(lines.join(' ').replace(/\s+/g, ' ')).toContain(status.headline ?? '?');
});

test('a terminal too narrow for all columns shows the phase rather than the target', () => {
  const status = SCENES['FellBack']?.().status ?? {};
  const shown = (columns: number): string =>
    table(fakeIo({ terminal: true, columns }), [{ ...new Stage().upgrade, status }], { allNamespaces: true })
      .slice(0, 2)
      .join('\n');
  expect(shown(120)).toMatch(/TARGET.*PHASE/);
  expect(shown(40)).toMatch(/^NAMESPACE +NAME +PHASE/);
  expect(shown(40)).not.toContain('TARGET');
});

test.each(Object.keys(SCENES))('%s needs attention if anything waits for a person', (scene) => {
  const upgrade = { ...new Stage().upgrade, status: SCENES[scene]?.().status ?? {} };
  const { phase, waiting } = upgrade.status;
  const isLeft = phase === 'Partial' || waiting?.reason === 'PartitionSet';
  expect(needsAttention(upgrade) || (waitsForPerson(upgrade) === undefined && !isLeft)).toBe(true);
});

test('a stage that waits for approval needs attention, and one that soaks does not', () => {
  const stages = [{ name: 'canary', pods: 1, approval: 'Manual', soakSeconds: 60 }];
  const stage = new Stage({ strategy: { stages } });
  stage.settle();
  stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
  const seen = (): unknown => [stage.upgrade.status?.waiting?.reason, needsAttention(stage.upgrade)];
  expect(seen()).toEqual(['Soaking', false]);
  stage.seconds(61).hears({ kind: 'exit', code: 0, output: '' }).settle();
  expect(seen()).toEqual(['AwaitingApproval', true]);
});

test('a workload that waits for its partition to be lowered needs attention, and says so', () => {
  const { upgrade } = new Stage({}, { kind: 'StatefulSet', partition: 2 });
  const status = SCENES['PartitionSet']?.().status ?? {};
  expect(needsAttention({ ...upgrade, status })).toBe(true);
  expect(waitsForPerson({ ...upgrade, status })).toBe(
    'it waits until updateStrategy.rollingUpdate.partition 2 of StatefulSet web is lowered',
  );
});
