/** The page on the status says of each phase and condition what the decisions come to in every situation that has a runbook. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { PHASES } from '../../src/api/enums.ts';
import { isReason } from '../../src/api/reasons.ts';
import type { UpgradeStatus } from '../../src/api/types.ts';
import { Stage } from '../support/stage.ts';
import { SCENES } from './scenes.ts';

const page = readFileSync('docs/guides/status.md', 'utf8');
const rows = [...page.matchAll(/^\| (\w+) \|.*\| (\w+) \| (\w+) \| (\w+) \|$/gm)].map(
  ([, phase = '', ...conditions]) => [phase, conditions] as const,
);
const KSTATUS = ['Ready', 'Reconciling', 'Stalled'];

const conditionsOf = ({ conditions = [] }: UpgradeStatus, types: readonly string[]): string[] =>
  types.map((type) => conditions.find((condition) => condition.type === type)?.status ?? '');

/** The phase alone decides, and nothing that the page names beside it. */
function isPlain({ phase, attempt, conditions = [] }: UpgradeStatus): boolean {
  const reason = conditions.find(({ type }) => type === 'Ready')?.reason;
  return reason === phase || reason === attempt?.end?.reason || isReason(reason, 'Inconclusive');
}

describe('the page on the status', () => {
  test('has every phase, in its order', () => {
    expect(rows.map(([phase]) => phase)).toEqual(PHASES);
  });

  test('says of each phase what its conditions are', () => {
    const running = new Stage();
    const seen = [...Object.values(SCENES).map((scene) => scene().status), running.settle().status].filter(
      isPlain,
    );
    expect(seen.length).toBeGreaterThan(20);
    for (const status of seen) {
      expect([status.phase, conditionsOf(status, KSTATUS)]).toEqual(
        rows.find(([phase]) => phase === status.phase),
      );
    }
  });

  test('has every condition', () => {
    const all = (SCENES['FellBack']?.().status.conditions ?? []).map(({ type }) => type);
    expect(all.filter((type) => !page.includes(`\`${type}\``))).toEqual([]);
  });
});
