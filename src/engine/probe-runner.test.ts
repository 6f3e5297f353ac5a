import { describe, expect, test } from '@jest/globals';
import { conditionOf, containerOf, evicted, podOf, specOf } from '../../test/support/snapshots.ts';
import { effectiveChecks } from '../api/checks.ts';
import type { Check } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import type { FinishedCycle } from '../core/verification/probe-cycle.ts';
import { ProbeRunner, type ProbeRunnerOptions } from './probe-runner.ts';

const [check] = effectiveChecks(specOf()) as [Check];

function nothing(): void {}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const options = {
  clock: {
    now: () => 0,
    steady: () => 0,
    random: () => 0,
    after: (_ms: number, run: () => void) => {
      setImmediate(run);
      return nothing;
    },
  },
  prober: {} as ProbeRunnerOptions['prober'],
  telemetry: { execsInFlight: nothing, execWaited: nothing } as unknown as ProbeRunnerOptions['telemetry'],
  maxExecs: 4,
  maxExecsPerNode: 4,
};

function cycleOf(pod: PodView) {
  const [{ id = '' } = {}] = pod.containers;
  const tries = [{ check, container: 'web', containerId: id }];
  return { pod, verification: 'v', inFallback: false, template: ['web'], tries };
}

/** How a try ends that exits with `code`, when the API server has `now` under the pod's name afterwards. */
async function outcome(code: number, now: PodView | 'gone' | 'unknown'): Promise<string> {
  const runner = new ProbeRunner({
    ...options,
    executor: { exec: async () => ({ kind: 'exit', code, output: '' }) },
    reader: { getPod: async () => now } as unknown as ProbeRunnerOptions['reader'],
  });
  const finished = await new Promise<FinishedCycle | undefined>((resolve) =>
    runner.start('shop/web', cycleOf(podOf()), resolve),
  );
  return finished?.results[0]?.outcome.kind ?? 'nothing';
}

const restarted = podOf({ containers: [containerOf({ id: 'containerd://another' })] });

test('a failed probe counts if the same container still exists', async () => {
  expect(await outcome(17, podOf())).toBe('exit');
  expect(await outcome(137, podOf())).toBe('exit');
});

test.each<[string, PodView | 'gone' | 'unknown']>([
  ['another pod has the name', podOf({ uid: 'pod-2' })],
  ['the container was replaced', restarted],
  ['the pod is on its way out', podOf({ deleting: true })],
  ['its node evicts the pod', evicted()],
  ['the pod is gone', 'gone'],
  ['nobody knows', 'unknown'],
  [
    'somebody set another image in it meanwhile',
    podOf({ specChanges: 1, containers: [containerOf({ image: 'registry.example/web:other' })] }),
  ],
])('and not when %s', async (_what, now) => {
  expect(await outcome(17, now)).not.toBe('exit');
});

test('a passed probe needs no second read: its result is recorded on this pod or not at all', async () => {
  expect(await outcome(0, podOf({ uid: 'pod-2' }))).toBe('exit');
});

test('that a pod is not ready, while nothing else speaks against it, needs a second read where it may count (argo-rollouts#4694)', async () => {
  const unready = podOf({ conditions: { ContainersReady: conditionOf('False') } });
  const seenOf = async (code: number, mayDecide: boolean, now: PodView | 'unknown' = podOf()) => {
    const runner = new ProbeRunner({
      ...options,
      executor: { exec: async () => ({ kind: 'exit', code, output: '' }) },
      reader: { getPod: async () => now } as unknown as ProbeRunnerOptions['reader'],
    });
    const finished = await new Promise<FinishedCycle | undefined>((resolve) =>
      runner.start('shop/web', { ...cycleOf(unready), mayDecide }, resolve),
    );
    return finished ? (finished.seen ?? 'not read') : 'no cycle';
  };
  expect(await seenOf(0, true)).toEqual(podOf());
  expect(await seenOf(0, true, 'unknown')).toBe('no cycle');
  expect(await seenOf(0, false)).toBe('not read');
  expect(await seenOf(17, true)).toBe('not read');
});

test('what fails for an injected proxy that is not ready needs none either: it does not count (istio/istio#35569)', async () => {
  const refused = { kind: 'unconnected', message: 'connection refused' } as const;
  const network = { ...check, exec: undefined, tcpSocket: { port: 8080 } };
  const outcomeIn = async (proxyReady: boolean): Promise<string | undefined> => {
    const containers = [
      containerOf({ ready: !proxyReady }),
      containerOf({ name: 'proxy', ready: proxyReady }),
    ];
    const pod = podOf({ containers, conditions: { ContainersReady: conditionOf('False') } });
    const { tries, ...cycle } = cycleOf(pod);
    const runner = new ProbeRunner({
      ...options,
      prober: { probe: async () => refused },
      executor: {} as ProbeRunnerOptions['executor'],
      reader: { getPod: async () => 'unknown' } as unknown as ProbeRunnerOptions['reader'],
    });
    const finished = await new Promise<FinishedCycle | undefined>((resolve) =>
      runner.start(
        'shop/web',
        { ...cycle, tries: tries.map((one) => ({ ...one, check: network })) },
        resolve,
      ),
    );
    return finished?.results[0]?.outcome.kind;
  };
  expect(await outcomeIn(false)).toBe('unconnected');
  expect(await outcomeIn(true)).toBeUndefined();
});

describe('the slots of probes for which nobody waits are free at once', () => {
  /** Two pods of one Upgrade whose probes do not end, on a node with one slot: the second one waits. */
  function hanging() {
    const probed: string[] = [];
    const runner = new ProbeRunner({
      ...options,
      maxExecsPerNode: 1,
      executor: {
        exec: ({ pod }, signal) =>
          new Promise((resolve) => {
            probed.push(pod);
            signal.addEventListener('abort', () => resolve({ kind: 'broken', message: 'cancelled' }));
          }),
      },
      reader: { getPod: async () => 'unknown' } as unknown as ProbeRunnerOptions['reader'],
    });
    const start = (upgrade: string, name: string) =>
      new Promise<FinishedCycle | undefined>((resolve) =>
        runner.start(upgrade, cycleOf(podOf({ name, uid: name })), resolve),
      );
    return { probed, runner, start };
  }

  test('when their pod is gone', async () => {
    const { probed, runner, start } = hanging();
    const first = start('shop/web', 'a');
    const second = start('shop/web', 'b');
    await turn();
    expect(probed).toEqual(['a']);
    runner.forgetPod('a');
    expect(await first).toBeUndefined();
    await turn();
    expect(probed).toEqual(['a', 'b']);
    runner.forgetPod('b');
    expect(await second).toBeUndefined();
  });

  test('when another Upgrade acts on their pod, which is probed for that one at once', async () => {
    const { probed, runner, start } = hanging();
    const before = start('shop/web', 'a');
    await turn();
    expect([runner.isProbing('shop/web', 'a'), runner.isProbing('shop/new', 'a')]).toEqual([true, false]);
    const after = start('shop/new', 'a');
    expect(await before).toBeUndefined();
    await turn();
    expect(probed).toEqual(['a', 'a']);
    expect([runner.isProbing('shop/web', 'a'), runner.isProbing('shop/new', 'a')]).toEqual([false, true]);
    runner.forgetPod('a');
    expect(runner.isProbing('shop/new', 'a')).toBe(false);
    expect(await after).toBeUndefined();
  });

  test('when their Upgrade is gone, also those that have not started', async () => {
    const { probed, runner, start } = hanging();
    const gone = [start('shop/web', 'a'), start('shop/web', 'b')];
    const other = start('shop/api', 'c');
    await turn();
    runner.forget('shop/web');
    expect(await Promise.all(gone)).toEqual([undefined, undefined]);
    await turn();
    expect(probed).toEqual(['a', 'c']);
    runner.forgetPod('c');
    expect(await other).toBeUndefined();
  });
});
