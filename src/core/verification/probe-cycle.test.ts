import { describe, expect, test } from '@jest/globals';
import {
  conditionOf,
  containerOf,
  cycleOf,
  exit,
  NOW,
  notReady,
  podOf,
  recordOf,
  specOf,
} from '../../../test/support/snapshots.ts';
import type { UpgradeSpec } from '../../api/types.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import type { TryOutcome } from './exit-codes.ts';
import { addCycle, type PodRecord, validRecord } from './probe-cycle.ts';
import { readinessOf } from './readiness.ts';
import { expectedTries, possibleTries } from './tries.ts';

const TEMPLATE = ['web', 'log', 'proxy', 'migrate'];
const context = (spec: UpgradeSpec = specOf()) => ({
  spec,
  template: TEMPLATE,
  verification: 'proof-1',
  inFallback: false,
});
const tried = (outcomes: readonly TryOutcome[], pod = podOf()): PodRecord =>
  outcomes.reduce(
    (known: PodRecord | undefined, outcome) => addCycle(known, context(), pod, cycleOf(outcome, pod)),
    undefined,
  ) as PodRecord;
const UNREACHABLE: TryOutcome = { kind: 'unreachable', message: 'connection lost' };

describe('a cycle', () => {
  test.each([
    ['passes when the pod is ready and every check passed', exit(0), podOf(), 'Pass'],
    ['is repeated when a check returned Retry, whether the pod is ready or not', exit(17), podOf(), 'Retry'],
    ['is to be repeated when all checks passed but the pod is not ready', exit(0), notReady(), 'Retry'],
    ['is no evidence when the channel broke and the pod is ready', UNREACHABLE, podOf(), 'Error'],
    ['fails at once when a check is final', { kind: 'missing' } as TryOutcome, podOf(), 'Fail'],
  ])('%s', (_what, outcome, pod, expected) => {
    expect(tried([outcome], pod).class).toBe(expected);
  });

  test('with a check that could not be made at all is no evidence', () => {
    const pod = podOf();
    expect(addCycle(undefined, context(), pod, { startedAt: NOW, finishedAt: NOW, results: [] }).class).toBe(
      'Error',
    );
  });

  test.each([
    ['an injected proxy is no evidence', 'injected', 'Error', 'NoEvidence'],
    ['its own proxy is', 'proxy', 'Retry', 'ProbeUnconnected'],
  ])('that could not connect to a pod that waits for %s', (_what, name, expected, reason) => {
    const proxy = containerOf({ name, role: 'sidecar', ready: false });
    const pod = notReady({ containers: [containerOf(), proxy] });
    const record = tried([{ kind: 'unconnected', message: 'connection refused' }], pod);
    expect([record.class, record.tries[0]?.verdict.reason]).toEqual([expected, reason]);
  });

  test('of a pod of which nothing was ever started is no evidence', () => {
    const pod = notReady({
      phase: 'Pending',
      containers: [containerOf({ id: '', state: 'waiting', ready: false })],
    });
    expect(addCycle(undefined, context(), pod, { startedAt: NOW, finishedAt: NOW, results: [] }).class).toBe(
      'Error',
    );
  });

  test('is skipped when every check was skipped', () => {
    const spec = specOf({
      postCheck: { checks: [{ name: 'probe', exec: { command: ['x'] }, whenMissing: 'Skip' }] },
    });
    expect(
      addCycle(undefined, context(spec), podOf(), cycleOf({ kind: 'missing' }, podOf(), spec)).class,
    ).toBe('Skip');
  });

  test('passes without readiness when readiness is not required', () => {
    const spec = specOf({ postCheck: { readiness: { required: false } } });
    expect(addCycle(undefined, context(spec), notReady(), cycleOf(exit(0), notReady(), spec)).class).toBe(
      'Pass',
    );
  });

  test('ignores results of a container that was replaced since then', () => {
    const restarted = podOf({ containers: [containerOf({ id: 'containerd://bbbb' })] });
    const record = addCycle(undefined, context(), restarted, cycleOf(exit(137), podOf()));
    expect(record).toMatchObject({ class: 'Error', failures: 0, tries: [] });
  });
});

describe('a streak', () => {
  test('of passes counts cycles in a row, and starts again after anything else', () => {
    expect(tried([exit(0), exit(0)]).passes).toBe(2);
    expect(tried([exit(0), exit(17), exit(0)]).passes).toBe(1);
    expect(tried([exit(0), UNREACHABLE]).passes).toBe(0);
  });

  test('of failures is not broken by silence, but by a good answer', () => {
    expect(tried([exit(17), UNREACHABLE, exit(17)]).failures).toBe(2);
    expect(tried([exit(17), exit(0), exit(17)]).failures).toBe(1);
  });

  test('of failures does not count a pod that is merely not ready', () => {
    expect(tried([exit(0), exit(0)], notReady()).failures).toBe(0);
  });

  test('starts again when a container was replaced, or another verification started', () => {
    const record = tried([exit(17), exit(17)]);
    const restarted = podOf({ containers: [containerOf({ id: 'containerd://bbbb' })] });
    expect(addCycle(record, context(), restarted, cycleOf(exit(17), restarted))).toMatchObject({
      cycles: 1,
      failures: 1,
    });
    expect(
      addCycle(record, { ...context(), verification: 'proof-2' }, podOf(), cycleOf(exit(17))),
    ).toMatchObject({
      cycles: 1,
      failures: 1,
    });
  });

  test('of tries remembers how often, since when and until when', () => {
    const pod = podOf();
    const first = addCycle(undefined, context(), pod, {
      ...cycleOf(exit(17)),
      startedAt: NOW - 20_000,
      finishedAt: NOW - 19_000,
    });
    const [tried] = addCycle(first, context(), pod, cycleOf(exit(18))).tries;
    expect(tried).toMatchObject({
      attempts: 2,
      firstAt: NOW - 20_000,
      lastAt: NOW - 50,
      verdict: { exitCode: 18 },
    });
  });
});

test('a record counts only for its verification, and while none of its containers was replaced', () => {
  const record = tried([exit(0)]);
  expect(validRecord(record, 'proof-1', podOf())).toBe(record);
  expect(validRecord(record, 'proof-2', podOf())).toBeUndefined();
  expect(
    validRecord(record, 'proof-1', podOf({ containers: [containerOf({ id: 'containerd://bbbb' })] })),
  ).toBeUndefined();
  expect(
    validRecord(recordOf(), 'proof-1', podOf({ containers: [containerOf({ id: 'containerd://bbbb' })] })),
  ).toBeDefined();
});

describe('readiness', () => {
  test('leaves our own gate out, which waits for this very proof', () => {
    expect(readinessOf(podOf(), 0, NOW).ready).toBe(true);
  });

  test('requires every other readiness gate', () => {
    const gates = ['postcheck.dev/verified', 'example.com/load-balancer'];
    expect(readinessOf(podOf({ gates }), 0, NOW)).toMatchObject({
      ready: false,
      cause: { reason: 'NotReady', condition: 'example.com/load-balancer' },
    });
    const conditions = { ...podOf().conditions, 'example.com/load-balancer': conditionOf('True') };
    expect(readinessOf(podOf({ gates, conditions }), 0, NOW).ready).toBe(true);
  });

  test('must have held for minReadySeconds, rounded up because condition times are whole seconds', () => {
    const pod = podOf({ conditions: { ContainersReady: conditionOf('True', 10) } });
    expect(readinessOf(pod, 9, NOW).ready).toBe(true);
    expect(readinessOf(pod, 10, NOW)).toEqual({
      ready: false,
      dueAt: NOW + 1000,
      cause: { reason: 'MinReadySeconds', seconds: 10 },
    });
  });

  test.each([
    [
      'an unschedulable pod',
      podOf({
        phase: 'Pending',
        conditions: { PodScheduled: conditionOf('False', 5, 'Unschedulable', '0/3 nodes are available') },
      }),
      { reason: 'Unschedulable', detail: '0/3 nodes are available' },
    ],
    [
      'a container that cannot start',
      notReady({
        containers: [
          containerOf({ state: 'waiting', reason: 'CrashLoopBackOff', exitCode: 3, ready: false }),
        ],
      }),
      { reason: 'CrashLoopBackOff', container: 'web', exitCode: 3 },
    ],
    [
      'an init container that has not ended',
      notReady({
        containers: [
          containerOf({ state: 'waiting', reason: 'PodInitializing', id: '', ready: false }),
          containerOf({ name: 'migrate', role: 'init', state: 'terminated', exitCode: 0 }),
          containerOf({ name: 'wait-for-db', role: 'init', ready: false, startedAt: NOW - 20_000 }),
          containerOf({ name: 'last', role: 'init', state: 'waiting', reason: 'PodInitializing', id: '' }),
        ],
      }),
      {
        reason: 'Initializing',
        container: 'wait-for-db',
        since: new Date(NOW - 20_000).toISOString(),
      },
    ],
    [
      'an image that cannot be pulled, of the container that it is of',
      notReady({
        containers: [
          containerOf({ state: 'waiting', reason: 'PodInitializing', id: '', ready: false }),
          containerOf({
            name: 'migrate',
            role: 'init',
            image: 'registry.example/migrate:9',
            state: 'waiting',
            reason: 'ErrImagePull',
            message: 'not found',
            id: '',
          }),
        ],
      }),
      {
        reason: 'ErrImagePull',
        container: 'migrate',
        image: 'registry.example/migrate:9',
        detail: 'not found',
      },
    ],
    [
      'an init container that fails',
      notReady({
        containers: [
          containerOf({ state: 'waiting', reason: 'PodInitializing', id: '', ready: false }),
          containerOf({
            name: 'migrate',
            role: 'init',
            state: 'waiting',
            reason: 'CrashLoopBackOff',
            exitCode: 1,
            ended: { reason: 'OOMKilled', message: '', byRule: false },
          }),
        ],
      }),
      { reason: 'CrashLoopBackOff', container: 'migrate', exitCode: 1, ended: 'OOMKilled' },
    ],
    ['a container that is not ready', notReady(), { reason: 'NotReady', container: 'web' }],
  ])("of %s is reported in the pod's own words", (_what, pod, expected) => {
    expect(readinessOf(pod, 0, NOW)).toMatchObject({ ready: false, cause: expected });
  });
});

describe('the tries of a pod', () => {
  const pod = podOf({
    containers: [
      containerOf(),
      containerOf({ name: 'log', state: 'waiting', id: '' }),
      containerOf({ name: 'proxy', role: 'sidecar' }),
      containerOf({ name: 'migrate', role: 'init', state: 'terminated' }),
    ],
  });
  const targets = (change: Record<string, unknown>, checks: Record<string, unknown> = {}): string[] =>
    expectedTries(
      context(
        specOf({
          ...change,
          postCheck: { checks: [{ name: 'probe', exec: { command: ['x'] }, ...checks }] },
        }),
      ),
      pod,
    ).map(({ container }) => container);

  test('are made in the upgraded containers', () => {
    expect(targets({})).toEqual(['web']);
    expect(
      targets({
        containers: [
          { name: 'web', image: 'a' },
          { name: 'proxy', image: 'b' },
        ],
      }),
    ).toEqual(['web', 'proxy']);
  });

  test('are made in every regular one when only an init container is upgraded', () => {
    expect(targets({ containers: [{ name: 'migrate', image: 'a' }] })).toEqual(['web', 'log']);
  });

  test('are made where the check says', () => {
    expect(targets({}, { containers: ['proxy'] })).toEqual(['proxy']);
    expect(targets({}, { containers: ['*'] })).toEqual(['web', 'log', 'proxy']);
  });

  test('wait for the container to run, ready or not', () => {
    const all = specOf({
      postCheck: { checks: [{ name: 'probe', exec: { command: ['x'] }, containers: ['*'] }] },
    });
    expect(possibleTries(context(all), pod).map(({ container }) => container)).toEqual(['web', 'proxy']);
    expect(possibleTries(context(), notReady())).toHaveLength(1);
  });

  test('over the network are made once for the pod', () => {
    const spec = specOf({
      postCheck: { checks: [{ name: 'port', tcpSocket: { port: 80 }, containers: ['*'] }] },
    });
    expect(expectedTries(context(spec), pod)).toHaveLength(1);
  });
});

/** The class of a cycle of readiness alone, where these containers are upgraded. */
function classOf(pod: PodView, ...upgraded: string[]): string {
  const containers = ['web', ...upgraded].map((name) => ({ name, image: 'a:2' }));
  const readinessOnly = context({ ...specOf({ postCheck: { checks: [] } }), containers });
  return addCycle(undefined, readinessOnly, pod, { startedAt: NOW, finishedAt: NOW, results: [] }).class;
}

describe('what others inject into pods', () => {
  const injected = (change: Partial<ContainerView> = {}) =>
    containerOf({ name: 'mesh-proxy', id: 'containerd://mesh', ...change });

  test('is not probed: * stands for every container of the template', () => {
    const spec = specOf({
      postCheck: { checks: [{ name: 'probe', exec: { command: ['x'] }, containers: ['*'] }] },
    });
    const pod = podOf({ containers: [containerOf(), injected()] });
    expect(expectedTries(context(spec), pod).map(({ container }) => container)).toEqual(['web']);
  });

  test('is no evidence when it alone keeps the pod from being ready', () => {
    const waits = notReady({ containers: [containerOf(), injected({ ready: false })] });
    expect(classOf(waits)).toBe('Error');
    const both = notReady({ containers: [containerOf({ ready: false }), injected({ ready: false })] });
    expect(classOf(both)).toBe('Retry');
  });

  test('is no evidence when it keeps the containers of the template from being started', () => {
    const held = containerOf({ id: '', state: 'waiting', reason: 'PodInitializing', ready: false });
    const fails = injected({ role: 'init', state: 'waiting', reason: 'CrashLoopBackOff', ready: false });
    expect(classOf(notReady({ phase: 'Pending', containers: [held, fails] }))).toBe('Error');
    const own = { ...fails, name: 'migrate' };
    expect(classOf(notReady({ phase: 'Pending', containers: [held, own] }), 'migrate')).toBe('Retry');
  });
});

describe('a pod that is not ready', () => {
  const ended = { role: 'init', state: 'terminated', exitCode: 0, ready: true } as const;
  const pulling = containerOf({ id: '', state: 'waiting', reason: 'PodInitializing', ready: false });
  const running = containerOf({ name: 'proxy', id: 'containerd://bbbb' });

  test.each([
    ['an init container has ended', containerOf({ name: 'migrate', ...ended })],
    ['a sidecar runs', containerOf({ ...running, role: 'sidecar' })],
    ['another container runs', running],
  ])('is no evidence while a container was never started, though %s', (_what, before) => {
    expect(classOf(notReady({ phase: 'Pending', containers: [pulling, before] }))).toBe('Error');
  });

  const migrating = containerOf({ name: 'migrate', role: 'init', ready: false });
  const starting = containerOf({ ...running, role: 'sidecar', ready: false, starting: true });

  test.each([
    ['an init container runs', migrating],
    ['a sidecar does not start', starting],
  ])('is evidence while %s, if that is upgraded or the version ran before', (_what, before) => {
    const first = notReady({ phase: 'Pending', containers: [pulling, before] });
    expect(classOf(first, before.name)).toBe('Retry');
    expect(classOf(first)).toBe('Error');
    const again = notReady({ phase: 'Pending', containers: [containerOf({ state: 'terminated' }), before] });
    expect(classOf(again)).toBe('Retry');
  });

  test('is evidence while a container that ran before is down', () => {
    const crashed = containerOf({ state: 'waiting', reason: 'CrashLoopBackOff', ready: false });
    expect(classOf(notReady({ containers: [crashed, running] }))).toBe('Retry');
  });

  const gated = (status?: 'True' | 'False' | 'Unknown') => {
    const { conditions, gates } = podOf();
    const all = status ? { ...conditions, 'example.com/balanced': conditionOf(status) } : conditions;
    return podOf({ gates: [...gates, 'example.com/balanced'], conditions: all });
  };

  test.each([
    [undefined, 'Error'],
    ['Unknown', 'Error'],
    ['False', 'Retry'],
    ['True', 'Pass'],
  ] as const)('by a readiness gate of others with the value %s: %s', (status, expected) => {
    expect(classOf(gated(status))).toBe(expected);
  });
});

test('if neither this version nor the previous one has the command, readiness decides', () => {
  const pod = podOf();
  const outcome = { kind: 'missing' } as const;
  const cycle = cycleOf(outcome, pod);
  const results = cycle.results.map((result) => ({ ...result, baseline: 'Missing' as const }));
  expect(addCycle(undefined, context(), pod, { ...cycle, results }).class).toBe('Pass');
  expect(addCycle(undefined, context(), notReady(), { ...cycle, results }).class).toBe('Retry');
});

test('the baseline is evaluated for each container', () => {
  const baseline = [
    { check: 'readiness-probe', container: 'web', missing: true },
    { check: 'readiness-probe', container: 'proxy', exitCode: 17 },
  ];
  const spec = specOf({
    containers: [
      { name: 'web', image: 'a' },
      { name: 'proxy', image: 'b' },
    ],
  });
  const pod = podOf({
    containers: [containerOf(), containerOf({ name: 'proxy' }), containerOf({ name: 'log' })],
  });
  const tries = possibleTries({ ...context(spec), baseline }, pod);
  expect(tries.map(({ container, baseline: before }) => `${container} ${before}`)).toEqual([
    'web Missing',
    'proxy Had',
  ]);
});
