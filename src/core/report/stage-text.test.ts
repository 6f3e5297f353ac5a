import { describe, expect, test } from '@jest/globals';
import { ago, completeUpgradeOf, statusOf } from '../../../test/support/snapshots.ts';
import type { StageState } from '../../api/enums.ts';
import type { StageStatus, UpgradeStatus } from '../../api/types.ts';
import { completeStatus } from '../complete-status.ts';
import {
  emptyStageClause,
  rolloutCheckClause,
  stageClause,
  stageEvents,
  waitingStageText,
} from './stage-text.ts';

const stageOf = (name: string, state: StageState, change: Partial<StageStatus> = {}): StageStatus => ({
  name,
  state,
  desired: 2,
  verified: 1,
  ...change,
});
const DONE = stageOf('first', 'Done');
const canary = (state: StageState, change: Partial<StageStatus> = {}) => stageOf('canary', state, change);
const waiting = (reason: 'Soaking' | 'AwaitingApproval' | 'WindowClosed') => ({
  reason,
  since: ago(9),
  detail: 'Sat 2026-11-28 22:00 UTC',
});
const facts = (status: Partial<UpgradeStatus>, attempt = {}, spec = {}) => ({
  upgrade: completeUpgradeOf({ spec }),
  status: completeStatus(statusOf({ stage: '2/3 canary', ...status }, attempt)),
});
const NO_DATA = [{ name: 'errors', class: 'Error', message: 'no data' }] as const;
const end = { outcome: 'Partial', reason: 'ProbeFailed', cause: '', at: ago(1) } as const;

describe('a stage that waits', () => {
  const of = 'Stage canary (2 of 3) of web:2.0';
  test.each<[string, Partial<UpgradeStatus>, string | undefined]>([
    ['nothing without stages', { stages: [], waiting: waiting('Soaking') }, undefined],
    ['nothing once all are done', { stages: [DONE], waiting: waiting('Soaking') }, undefined],
    ['nothing while its pods are replaced', { stages: [DONE, canary('Rolling')] }, undefined],
    [
      'nothing for a wait that is not its own',
      { stages: [DONE, canary('Rolling')], waiting: waiting('Soaking') },
      undefined,
    ],
    [
      'the window',
      { stages: [DONE, canary('Waiting')], waiting: waiting('WindowClosed') },
      `${of} starts when its window opens, Sat 2026-11-28 22:00 UTC; to start immediately: kubectl annotate upgrade web postcheck.dev/promote=1 --overwrite -n shop`,
    ],
    [
      'the checks of the rollout',
      {
        stages: [DONE, canary('Checking')],
        rolloutChecks: NO_DATA,
      },
      `${of}: 1 of 2 verified; rollout check errors: no data`,
    ],
    [
      'the soak',
      {
        stages: [DONE, canary('Soaking', { soakUntil: '2026-01-01T00:11:00.000Z' })],
        waiting: waiting('Soaking'),
      },
      `${of}: 1 of 2 verified, still probed until 2026-01-01T00:11:00.000Z`,
    ],
    ['nothing of a soak before it waits', { stages: [DONE, canary('Soaking')] }, undefined],
    [
      'the check that a soak is held up by once it is over',
      { stages: [DONE, canary('Soaking', { verified: 2, soakUntil: ago(9) })], rolloutChecks: NO_DATA },
      `${of}: 2 of 2 verified, soaked until ${ago(9)}; rollout check errors: no data`,
    ],
    [
      'the check that an approved stage is held up by',
      {
        stages: [DONE, canary('AwaitingApproval', { verified: 2, approvedAt: ago(9) })],
        rolloutChecks: NO_DATA,
      },
      `${of}: 2 of 2 verified and approved; rollout check errors: no data`,
    ],
    [
      'no check while pods are missing',
      { stages: [DONE, canary('Soaking', { verified: 1 })], rolloutChecks: NO_DATA },
      undefined,
    ],
    [
      'the check that has no result, to who is to approve',
      {
        stages: [DONE, canary('AwaitingApproval')],
        waiting: waiting('AwaitingApproval'),
        rolloutChecks: NO_DATA,
      },
      `${of}: 1 of 2 verified; rollout check errors: no data; waits for approval: kubectl annotate upgrade web postcheck.dev/approve=1/canary --overwrite -n shop`,
    ],
    [
      'the approval, and how to give it',
      { stages: [DONE, canary('AwaitingApproval')], waiting: waiting('AwaitingApproval') },
      `${of}: 1 of 2 verified, waits for approval: kubectl annotate upgrade web postcheck.dev/approve=1/canary --overwrite -n shop`,
    ],
  ])('tells %s', (_, status, text) => {
    const { upgrade, status: complete } = facts(status);
    expect(waitingStageText({ upgrade, status: complete }, 'web:2.0')).toBe(text);
  });

  test('tells nothing after the end', () => {
    const status = { stages: [DONE, canary('Checking')] };
    expect(waitingStageText(facts(status, { end }), 'web:2.0')).toBeUndefined();
  });
});

describe('a stage without pods', () => {
  const nodes = { matchLabels: { tier: 'edge', zone: 'a' } };
  const spec = { strategy: { stages: [{ name: 'canary', nodes }, { name: 'rest' }] } };
  const textOf = (stages: readonly StageStatus[], attempt = {}, given: object = spec) =>
    emptyStageClause(facts({ stages }, attempt, given));

  test('names the labels that no node has', () => {
    expect(textOf([canary('Rolling', { desired: 0 })])).toBe(
      '; stage canary has no pods: no reachable node with a pod is known to have tier=edge,zone=a; label a node, or correct spec.strategy.stages',
    );
  });

  test('cuts long labels', () => {
    const stages = [{ name: 'canary', nodes: { matchLabels: { tier: 'x'.repeat(300) } } }, { name: 'rest' }];
    expect(textOf([canary('Rolling', { desired: 0 })], {}, { strategy: { stages } })).toContain(
      ` have tier=${'x'.repeat(195)}; label`,
    );
  });

  test.each<[string, readonly StageStatus[], object?]>([
    ['it has pods', [canary('Rolling', { desired: 1 })]],
    ['it has not started', [canary('Waiting', { desired: 0 })]],
    ['it is done', [canary('Done', { desired: 0 })]],
    ['there is none', []],
    ['the attempt has ended', [canary('Rolling', { desired: 0 })], { end }],
    ['it selects no nodes', [stageOf('rest', 'Rolling', { desired: 0 })]],
    ['the spec has it no more', [stageOf('gone', 'Rolling', { desired: 0 })]],
  ])('is no problem if %s', (_, stages, attempt = {}) => {
    expect(textOf(stages, attempt)).toBe('');
  });
});

test('the first check of the rollout that does not pass is named', () => {
  const check = (name: string, result: 'Pass' | 'Fail') => ({ name, class: result, message: 'as measured' });
  const clause = (...rolloutChecks: ReturnType<typeof check>[]) =>
    rolloutCheckClause(completeStatus(statusOf({ rolloutChecks })));
  expect(clause()).toBe('');
  expect(clause(check('a', 'Pass'))).toBe('');
  expect(clause(check('a', 'Pass'), check('b', 'Fail'), check('c', 'Fail'))).toBe(
    '; rollout check b: as measured',
  );
});

test('the present stage is named with its place', () => {
  expect(stageClause(completeStatus({ stage: '2/3 canary' }))).toBe(', stage canary (2 of 3)');
  expect(stageClause(completeStatus(statusOf()))).toBe('');
});

describe('a change of stages is reported', () => {
  const events = (before: readonly StageStatus[], after: readonly StageStatus[]) =>
    stageEvents(
      completeStatus(statusOf({ stages: before })),
      completeStatus(statusOf({ stages: after, message: 'the message' })),
    );
  const verified = { reason: 'StageVerified', note: 'Stage canary: 1 of 2 pods verified' };
  const approval = { reason: 'AwaitingApproval', note: 'the message' };
  const started = { reason: 'StageStarted', note: 'Stage canary started' };
  test.each<[StageState | undefined, StageState, readonly object[]]>([
    [undefined, 'Waiting', []],
    [undefined, 'Rolling', [started]],
    ['Waiting', 'Rolling', [started]],
    ['Rolling', 'Rolling', []],
    ['Rolling', 'Checking', [verified]],
    ['Rolling', 'Soaking', [verified]],
    ['Rolling', 'AwaitingApproval', [verified, approval]],
    ['Rolling', 'Done', [verified]],
    ['Checking', 'Soaking', []],
    ['Soaking', 'AwaitingApproval', [approval]],
    ['Soaking', 'Done', []],
    ['AwaitingApproval', 'AwaitingApproval', []],
    ['AwaitingApproval', 'Done', []],
  ])('from %s to %s', (before, after, expected) => {
    expect(events([DONE, ...(before ? [canary(before)] : [])], [DONE, canary(after)])).toEqual(expected);
  });
});
