import { expect, test } from '@jest/globals';
import { decide } from '../../src/core/decision/decide.ts';
import { brokenRules } from '../support/plan-rules.ts';
import { snapshotOf, statusOf, upgradeOf } from '../support/snapshots.ts';
import { fuzzDecisions } from './decisions.ts';

test('ten thousand cases of the schema, stored or wished, are decided without an error and by the rules', () => {
  fuzzDecisions(20_260_101, 10_000);
}, 600_000);

test('a plan that breaks a rule is told', () => {
  const snapshot = snapshotOf({ upgrade: upgradeOf({ status: statusOf() }) });
  const plan = decide(snapshot);
  expect(brokenRules(snapshot, plan)).toEqual([]);
  const late = { ...plan, wakeAt: snapshot.now, status: { ...plan.status, message: '\ud800' } };
  expect(brokenRules(snapshot, late)).toEqual([
    'no character is cut in two',
    'the next look is later than now',
  ]);
});
