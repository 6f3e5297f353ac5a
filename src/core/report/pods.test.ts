/** The pods in the status, and the exit codes of all of them, whichever process has seen them. */
import { describe, expect, test } from '@jest/globals';
import { ago, containerOf, NOW, podOf, recordOf } from '../../../test/support/snapshots.ts';
import { Stage } from '../../../test/support/stage.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import { countedOf, type PodResult } from '../verification/pod-result.ts';
import type { TryRecord } from '../verification/probe-cycle.ts';
import { exitCodes, report } from './pods.ts';

const GOOD = { kind: 'exit', code: 0, output: '' } as const;
const BAD = { kind: 'exit', code: 17, output: '' } as const;

const codes = ({ exitCodes = [] }: UpgradeStatus): string[] =>
  exitCodes.map(({ code, class: of, pods }) => `${code} ${of} ${pods}`);

/** Two of three pods have passed, the third one has not; then another process takes over, which has probed none. */
function takenOver(): Stage {
  const stage = new Stage();
  stage.settle();
  const [last] = stage.pods.slice(-1);
  stage.hears(GOOD, (pod) => pod !== last).hears(BAD, (pod) => pod === last);
  expect(codes(stage.settle().status)).toEqual(['0 Pass 2', '17 Retry 1']);
  stage.records.clear();
  return stage;
}

test('codes of pods that another process has verified are kept, and no others', () => {
  expect(codes(takenOver().settle().status)).toEqual(['0 Pass 2']);
});

test('they are added to those that this process sees, until the attempt ends', () => {
  const stage = takenOver();
  stage.settle();
  const unverified = stage.pods.slice(-1);
  stage.hears(GOOD, (pod) => unverified.some(({ uid }) => uid === pod.uid));
  const { status } = stage.settle();
  expect([status.phase, codes(status)]).toEqual(['Succeeded', ['0 Pass 3']]);
});

test('a pod that is gone counts no more, and neither do the codes of the failed version after a fallback', () => {
  const stage = takenOver();
  stage.pods = stage.pods.slice(1);
  expect(codes(stage.settle().status)).toEqual(['0 Pass 1']);
  const failed = new Stage();
  failed.settle();
  failed.hears(BAD).seconds(700).hears(BAD);
  failed.settle();
  expect(failed.upgrade.status?.fallback?.exitCodes).toHaveLength(1);
  failed.records.clear();
  expect(codes(failed.settle().status)).toEqual([]);
});

const tried = (exitCode: number | undefined, change: Partial<TryRecord> = {}, output = ''): TryRecord => ({
  check: 'probe',
  container: 'web',
  containerId: 'containerd://a',
  verdict: {
    class: exitCode === 0 ? 'Pass' : 'Retry',
    reason: exitCode === 0 ? 'Passed' : 'ProbeFailed',
    exitCode,
    output,
    confirm: 'no',
  },
  attempts: 2,
  timeouts: 0,
  firstAt: NOW - 9000,
  lastAt: NOW - 1000,
  ...change,
});

function resultOf(tries: readonly TryRecord[] | undefined, change: Partial<PodResult> = {}): PodResult {
  const record = tries && recordOf({ tries });
  const pod = podOf();
  return {
    pod,
    record,
    state: 'Retrying',
    cause: { reason: 'NotProbedYet' },
    recorded: false,
    ...countedOf(pod, record),
    ...change,
  };
}

describe('the exit codes of all pods', () => {
  const rowsOf = (...results: readonly PodResult[]) =>
    exitCodes(results).map(({ check, container, code, pods }) => `${check}/${container} ${code} ${pods}`);

  test('count each code of each check in each container, the most frequent first, then the lowest', () => {
    const [passed, failed] = [resultOf([tried(0)]), resultOf([tried(17)])];
    const log = resultOf([tried(17, { container: 'log' })]);
    const both = resultOf([tried(3, { check: 'port' }), tried(0)]);
    expect(rowsOf(failed, passed, failed, log, both, passed)).toEqual([
      'probe/web 0 3',
      'probe/web 17 2',
      'port/web 3 1',
      'probe/log 17 1',
    ]);
    expect(exitCodes([failed])).toEqual([
      { check: 'probe', container: 'web', code: 17, class: 'Retry', reason: 'ProbeFailed', pods: 1 },
    ]);
  });

  test('leave out pods without a code', () => {
    expect(rowsOf(resultOf(undefined), resultOf([]), resultOf([tried(undefined)]))).toEqual([]);
  });

  test('keep those of pods that another process has verified, as many as there are of them', () => {
    const recorded = (state: 'Passed' | 'Failed') => resultOf(undefined, { state, recorded: true });
    const row = (code: number, of: 'Pass' | 'Skip' | 'Fail' | 'Retry', pods: number) =>
      ({ check: 'probe', container: 'web', code, class: of, reason: 'Passed', pods }) as const;
    const kept = (results: readonly PodResult[], ...stored: ReturnType<typeof row>[]) =>
      exitCodes(results, stored).map(({ code, pods }) => `${code} ${pods}`);
    const three = [recorded('Passed'), recorded('Passed'), recorded('Failed')];
    expect(kept(three, row(0, 'Pass', 5), row(3, 'Skip', 1), row(17, 'Fail', 4))).toEqual([
      '0 2',
      '3 1',
      '17 1',
    ]);
    expect(kept(three, row(0, 'Pass', 1), row(17, 'Retry', 1))).toEqual(['0 1', '17 1']);
    expect(kept([recorded('Passed')], row(0, 'Pass', 1), row(17, 'Fail', 1))).toEqual(['0 1']);
    expect(kept([resultOf(undefined)], row(0, 'Pass', 1))).toEqual([]);
    expect(kept([...three, resultOf([tried(0)])], row(0, 'Pass', 1))).toEqual(['0 2']);
    expect(kept([resultOf([tried(0)], { recorded: true })], row(0, 'Pass', 1))).toEqual(['0 1']);
  });

  test('are at most 32', () => {
    expect(rowsOf(...Array.from({ length: 40 }, (_, code) => resultOf([tried(code)])))).toHaveLength(32);
  });
});

describe('the report of a pod', () => {
  const [full] = report([resultOf([tried(17, { timeouts: 1 }, 'no licence')], { deadlineAt: NOW + 5000 })]);

  test('has its state, its deadline, and the result of each check', () => {
    expect(full).toEqual({
      name: 'web-new-1',
      node: 'node-1',
      state: 'Retrying',
      reason: 'NotProbedYet',
      message: 'not probed yet',
      deadlineAt: ago(-5),
      checks: [
        {
          check: 'probe',
          container: 'web',
          exitCode: 17,
          class: 'Retry',
          reason: 'ProbeFailed',
          message: undefined,
          output: 'no licence',
          attempts: 2,
          timeouts: 1,
          firstAt: ago(9),
          lastAt: ago(1),
        },
      ],
    });
  });

  test('leaves out what there is not', () => {
    const [empty] = report([resultOf([tried(0)], { pod: podOf({ node: '' }) })]);
    expect(empty).toMatchObject({ node: undefined, deadlineAt: undefined });
    expect(empty?.checks[0]).toMatchObject({ output: undefined, timeouts: undefined, message: undefined });
    expect(report([resultOf(undefined)])[0]?.checks).toEqual([]);
  });

  test('cuts long texts', () => {
    const long = 'x'.repeat(3000);
    const verdict = { ...tried(17).verdict, message: long };
    const [pod] = report([
      resultOf([tried(17, { verdict })], { cause: { reason: 'ProbeFailed', text: long } }),
    ]);
    expect([pod?.message?.length, pod?.checks[0]?.message?.length]).toEqual([1000, 500]);
  });

  test('has the worst eight of its tries', () => {
    const tries = [
      ...Array.from({ length: 9 }, (_, index) => tried(0, { check: `good-${index}` })),
      tried(17, { check: 'bad' }),
    ];
    const [pod] = report([resultOf(tries)]);
    expect(pod?.checks.map(({ check }) => check)).toEqual([
      'bad',
      ...Array.from({ length: 7 }, (_, index) => `good-${index}`),
    ]);
  });

  test('is one of at most 20, with at most 24,000 characters of output together', () => {
    const pods = report(Array(30).fill(resultOf([tried(17, {}, 'x'.repeat(1500))])));
    expect(pods).toHaveLength(20);
    expect(pods.map(({ checks }) => checks[0]?.output?.length ?? 0)).toEqual([
      ...Array(16).fill(1500),
      ...Array(4).fill(0),
    ]);
  });
});

describe('how containers ended last', () => {
  const ended = (change: Partial<ContainerView> = {}): ContainerView =>
    containerOf({ exitCode: 137, ended: { reason: 'OOMKilled', message: '', byRule: false }, ...change });
  const ends = (...containers: readonly ContainerView[]) => {
    const pod: PodView = podOf({ containers });
    return report([resultOf(undefined, { pod })])[0];
  };

  test('is reported with its message', () => {
    expect(ends(ended(), containerOf({ name: 'log' }))?.lastEnds).toEqual([
      { container: 'web', reason: 'OOMKilled', exitCode: 137, message: undefined },
    ]);
    const message = 'x'.repeat(900);
    expect(ends(ended({ ended: { reason: 'Error', message, byRule: false } }))?.lastEnds).toMatchObject([
      { reason: 'Error', message: 'x'.repeat(500) },
    ]);
  });

  test('is not reported of a success, nor of a container that has not ended', () => {
    expect(ends(ended({ exitCode: 0 }))).not.toHaveProperty('lastEnds');
    expect(ends(ended({ exitCode: undefined }))).not.toHaveProperty('lastEnds');
    expect(ends(containerOf({ exitCode: 1 }))).not.toHaveProperty('lastEnds');
  });

  test('is reported of four containers', () => {
    const containers = Array.from({ length: 6 }, (_, index) => ended({ name: `c-${index}` }));
    expect(ends(...containers)?.lastEnds?.map(({ container }) => container)).toEqual([
      'c-0',
      'c-1',
      'c-2',
      'c-3',
    ]);
  });
});
