/** What PromQL checks say of a rollout, and what is queried. */
import { describe, expect, test } from '@jest/globals';
import {
  ago,
  NOW,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { StageStatus } from '../../api/types.ts';
import type { WorkloadKind } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';
import { rolloutCheckText } from '../report/rollout-check-text.ts';
import type { Snapshot } from '../snapshot.ts';
import { addAnswer, type PlannedQuery, type QueryAnswer } from './rollout-checks.ts';

const checkOf = (query = 'up', passWhen = '< 0.05') => ({ name: 'errors', query, passWhen });
const planned = (passWhen = '< 0.05'): PlannedQuery => ({
  id: 'a',
  check: checkOf('up', passWhen),
  expression: 'up',
});
const values = (...all: number[]): QueryAnswer => ({ kind: 'values', values: all });

describe('an answer', () => {
  test.each<[string, number, 'Pass' | 'Fail']>([
    ['< 0.05', 0.04, 'Pass'],
    ['< 0.05', 0.05, 'Fail'],
    ['<= 0.05', 0.05, 'Pass'],
    ['>10', 11, 'Pass'],
    ['>= 10', 9.9, 'Fail'],
    ['>= 10', 10, 'Pass'],
    ['> 10', 10, 'Fail'],
    ['== 0', 0, 'Pass'],
    ['!= 0', 0, 'Fail'],
    ['> -1.5', -1, 'Pass'],
    ['< 0.05', Number.POSITIVE_INFINITY, 'Fail'],
  ])('passes when %s: %d is %s', (passWhen, value, expected) => {
    expect(addAnswer(undefined, planned(passWhen), NOW, values(value)).class).toBe(expected);
  });

  test.each<[string, QueryAnswer, string]>([
    ['no data', values(), 'no data'],
    ['no number', values(0, Number.NaN), 'no data (NaN)'],
    ['no answer', { kind: 'failed', message: 'ECONNREFUSED' }, 'ECONNREFUSED'],
    ['no answer, in many words', { kind: 'failed', message: 'x'.repeat(300) }, 'x'.repeat(200)],
  ])('of %s says nothing, and neither begins nor ends a row', (_what, answer, message) => {
    const silent = addAnswer(undefined, planned(), NOW, answer);
    expect(silent).toMatchObject({ class: 'Error', failures: 0 });
    expect(rolloutCheckText(silent, planned().check)).toBe(message);
    const bad = addAnswer(undefined, planned(), NOW, values(1));
    expect(addAnswer(bad, planned(), NOW, answer)).toMatchObject({ class: 'Error', failures: 1 });
  });

  test.each(['0.05', 'x< 0.05', '=> 0.05', ''])('is none where the condition is "%s"', (passWhen) => {
    expect(addAnswer(undefined, planned(passWhen), NOW, values(0)).class).toBe('Error');
  });

  test('passes if all values pass, and reports the first one that does not', () => {
    const failed = addAnswer(undefined, planned(), NOW, values(0, 0.7, 0.9));
    expect(failed).toMatchObject({ class: 'Fail', value: 0.7 });
    expect(rolloutCheckText(failed, planned().check)).toBe('0.7, but passes when < 0.05');
  });

  test.each([
    [[Number.NaN, 0.9], 0.9],
    [[0.01, 0.7, Number.NaN], 0.7],
    [[Number.NaN, Number.POSITIVE_INFINITY], Number.POSITIVE_INFINITY],
  ])(
    'fails by a value that does not pass, also beside one that is no number: %j (argo-rollouts#459)',
    (all, value) => {
      expect(addAnswer(undefined, planned(), NOW, values(...all))).toMatchObject({ class: 'Fail', value });
      expect(addAnswer(undefined, planned('!= 0'), NOW, values(Number.NaN, 1)).class).toBe('Error');
    },
  );

  test('counts rows of the same question alone', () => {
    const bad = addAnswer(undefined, planned(), NOW, values(1));
    expect(addAnswer(bad, planned(), NOW, values(1)).failures).toBe(2);
    expect(addAnswer(bad, planned(), NOW, values(0)).failures).toBe(0);
    expect(addAnswer(bad, { ...planned(), id: 'b' }, NOW, values(1)).failures).toBe(1);
  });
});

describe('a question', () => {
  const stage: StageStatus = { name: 'all', state: 'Checking', desired: 1, verified: 1, verifiedAt: ago(5) };
  const queried = (query: string, change: Partial<Snapshot> = {}) =>
    decide(
      snapshotOf({
        upgrade: upgradeOf({
          spec: { postCheck: { rolloutChecks: [checkOf(query)] } },
          status: statusOf({ stages: [stage] }),
        }),
        ...change,
      }),
    ).queries.map(({ expression }) => expression);
  const named = (name: string, revision = 'new') => podOf({ name, uid: name, revision });

  test('has the names of the workload and of its pods, new and old', () => {
    const query = '{{kind}} {{namespace}}/{{ name }} pod=~"{{newPods}}" pod!~"{{oldPods}}"';
    const pods = [named('web-1.a'), named('web-2'), named('web-0', 'old')];
    expect(queried(query, { pods })).toEqual(['Deployment shop/web pod=~"web-1[.]a|web-2" pod!~"web-0"']);
  });

  test('has no name of a pod that is terminating', () => {
    const pods = [named('web-1'), { ...named('web-2'), deleting: true }];
    expect(queried('{{newPods}}', { pods })).toEqual(['web-1']);
  });

  test('has a name that no pod has where there are none', () => {
    expect(queried('up{pod=~"{{oldPods}}"}')).toEqual(['up{pod=~"_"}']);
  });

  test.each(['a"} or up{x="', "a'", 'a`', 'a\\', 'a|b', 'a{{namespace}}', '.*'])(
    'takes nothing from a name that no pod can have: %s',
    (name) => {
      const [expression = ''] = queried('up{pod=~"{{newPods}}"}', { pods: [named(name)] });
      expect(expression).toMatch(/^up\{pod=~"[a-z0-9_.[\]-]*"\}$/);
    },
  );

  test('keeps what is no variable', () => {
    expect(queried('{{constructor}} {{__proto__}} {{ $labels }}')).toEqual([
      '{{constructor}} {{__proto__}} {{ $labels }}',
    ]);
  });

  test('is queried again after its period, and not before', () => {
    const [query] = decide(
      snapshotOf({
        upgrade: upgradeOf({
          spec: { postCheck: { rolloutChecks: [checkOf()] } },
          status: statusOf({ stages: [stage] }),
        }),
      }),
    ).queries;
    const record = query && addAnswer(undefined, query, NOW - 4000, values(1));
    expect(queried('up', { queryRecord: () => record })).toEqual([]);
    expect(queried('up', { queryRecord: () => record, now: NOW + 6000 })).toEqual(['up']);
    expect(queried('up', { queryRecord: () => record && { ...record, startedAt: NOW - 5000 } })).toEqual([]);
    expect(queried('up', { queryRecord: () => record && { ...record, startedAt: NOW + 1 } })).toEqual(['up']);
    // An answer of before the pods were verified is about other pods.
    expect(queried('up', { queryRecord: () => record && { ...record, startedAt: NOW - 6000 } })).toEqual([
      'up',
    ]);
  });
});

describe('a question about pods that have the names of others before them', () => {
  const stage: StageStatus = { name: 'all', state: 'Checking', desired: 1, verified: 1, verifiedAt: ago(5) };
  const NEW_PODS = 'sum(x{pod=~"{{newPods}}"})';
  const decided = (
    query: string,
    createdAgo: number,
    kind: WorkloadKind = 'StatefulSet',
    startedAgo?: number,
  ) => {
    const upgrade = upgradeOf({
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind, name: 'web' },
        postCheck: { rolloutChecks: [checkOf(query)] },
      },
      status: statusOf({ stages: [stage] }, kind === 'StatefulSet' ? { held: { partition: 0 } } : {}),
    });
    const pods = [
      podOf({ name: 'web-2', createdAt: NOW - createdAgo * 1000 }),
      podOf({ name: 'web-1', uid: 'old', revision: 'old', createdAt: NOW }),
    ];
    const workload = workloadOf({ kind, updateRevision: 'new' });
    const [due] = decide(snapshotOf({ upgrade, pods, workload, now: NOW + 86_400_000 })).queries;
    const record =
      startedAgo === undefined || !due
        ? undefined
        : addAnswer(undefined, due, NOW - startedAgo * 1000, values(0));
    return decide(snapshotOf({ upgrade, pods, workload, queryRecord: () => record }));
  };
  const isQueried = (...args: Parameters<typeof decided>) => decided(...args).queries.length === 1;

  test.each<[string, number]>([
    [NEW_PODS, 300],
    ['sum(x{pod=~"{{ newPods }}"})', 300],
    ['rate(x{pod=~"{{newPods}}"}[2m])', 300],
    ['rate(x{pod=~"{{newPods}}"}[10m])', 600],
    ['rate(x{pod=~"{{newPods}}"}[1h30m])', 5400],
    ['rate(x{pod=~"{{newPods}}"}[900])', 900],
    ['max_over_time(rate(x{pod=~"{{newPods}}"}[10m])[5m:1m])', 900],
    ['x{pod=~"{{newPods}}",path=~"/[0-9]+[5]"}', 300],
  ])('%s is first sent when the newest is %d s old', (query, seconds) => {
    expect(isQueried(query, seconds - 1)).toBe(false);
    expect(isQueried(query, seconds)).toBe(true);
  });

  test('is sent at once for pods with new names, and for all pods', () => {
    expect(isQueried(NEW_PODS, 1, 'Deployment')).toBe(true);
    expect(isQueried(NEW_PODS, 1, 'DaemonSet')).toBe(true);
    expect(isQueried('sum(x)', 1)).toBe(true);
  });

  test('has no answer from before, and the status says from when it has one', () => {
    const { status, wakeAt } = decided(NEW_PODS, 299, 'StatefulSet', 2);
    expect(status.stages?.[0]?.state).toBe('Checking');
    expect(status.rolloutChecks).toEqual([
      {
        name: 'errors',
        class: 'Error',
        message: `not queried before ${ago(-1)}, because Prometheus may return samples of the pods that had these names before`,
      },
    ]);
    expect(wakeAt).toBe(NOW + 1000);
  });
});

describe('the checks of a rollout', () => {
  const stage: StageStatus = { name: 'all', state: 'Checking', desired: 1, verified: 1, verifiedAt: ago(90) };
  /** After so many results, the last of them so many seconds ago; the period is ten seconds. */
  function answered(results: readonly QueryAnswer[], secondsAgo = 5) {
    const spec = { postCheck: { rolloutChecks: [checkOf()] } };
    const status = statusOf({ stages: [stage] }, { progressAt: ago(5), maxPassed: 1 });
    const upgrade = upgradeOf({ spec, status });
    const pods = [withResult(upgrade, podOf())];
    const [query] = decide(snapshotOf({ upgrade, pods })).queries;
    const record = results.reduce<ReturnType<typeof addAnswer> | undefined>(
      (last, answer) => query && addAnswer(last, query, NOW - secondsAgo * 1000, answer),
      undefined,
    );
    return decide(snapshotOf({ upgrade, pods, queryRecord: () => record }));
  }

  test('fail the version after three failures in a row', () => {
    expect(answered([values(1), values(1)]).status.phase).toBe('PostChecking');
    expect(answered([values(1), values(1), values(1)]).status).toMatchObject({
      phase: 'FallingBack',
      fallback: {
        reason: 'RolloutCheckFailed',
        cause: 'rollout check errors returned 1, but passes when < 0.05, 3 times in a row',
      },
    });
  });

  test('end their stage with a pass that is not too old', () => {
    expect(answered([values(0)]).status.stages?.[0]?.state).toBe('Done');
    expect(answered([values(0)], 30).status.stages?.[0]?.state).toBe('Checking');
    expect(answered([values(1)]).status.stages?.[0]?.state).toBe('Checking');
    expect(answered([]).status.stages?.[0]?.state).toBe('Checking');
  });

  test('are in the status, and the next query is due a period after the last one', () => {
    const { status, wakeAt, queries } = answered([values(1)]);
    expect(status.rolloutChecks).toEqual([
      { name: 'errors', class: 'Fail', message: '1, but passes when < 0.05', lastAt: ago(5) },
    ]);
    expect([wakeAt, queries]).toEqual([NOW + 5000, []]);
    const first = answered([]);
    expect(first.status.rolloutChecks).toMatchObject([{ class: 'Error', message: 'not queried yet' }]);
    expect([first.wakeAt, first.queries.length]).toEqual([NOW + 10_000, 1]);
  });
});
