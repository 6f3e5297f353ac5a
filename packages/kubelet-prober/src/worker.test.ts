import { describe, expect, test } from '@jest/globals';
import type { ProbeType, ProbeVerdict } from './prober.ts';
import {
  beginTick,
  endTick,
  newWorkerState,
  type ProbedContainer,
  type ProbedPod,
  type WorkerSpec,
  type WorkerState,
} from './worker.ts';

const types: ProbeType[] = ['liveness', 'readiness', 'startup'];
const initialValue = { liveness: 'success', readiness: 'failure', startup: 'unknown' };
const success: ProbeVerdict = { result: 'success' };
const failure: ProbeVerdict = { result: 'failure' };

const time = { nowMs: 1_000_000, proberStartedAtMs: 990_000 };
function spec(type: ProbeType, changes: Partial<WorkerSpec> = {}): WorkerSpec {
  return {
    type,
    initialDelaySeconds: 0,
    successThreshold: 1,
    failureThreshold: 1,
    restartPolicy: 'Always',
    ...changes,
  };
}
function pod(changes: Partial<ProbedPod> = {}, container: Partial<ProbedContainer> = {}): ProbedPod {
  const running = { kind: 'running', startedAtMs: 995_000 } as const;
  return {
    phase: 'Running',
    deleting: false,
    container: { id: 'containerd://one', started: true, state: running, ...container },
    ...changes,
  };
}
/** The pod as a worker of this type probes it: one for startup has not started. */
const probedBy = (type: ProbeType, id = 'containerd://one') => pod({}, { id, started: type !== 'startup' });

/** One whole tick: begins, and takes the verdict if a try is due. */
function tick(
  worker: WorkerSpec,
  state: WorkerState,
  seen: ProbedPod | undefined,
  verdict: ProbeVerdict,
): WorkerState {
  const begun = beginTick(worker, state, seen, time);
  return begun.next === 'probe' ? endTick(worker, begun.state, verdict) : begun.state;
}

describe.each(types)('whether a %s worker continues, and what it publishes', (type) => {
  const stops = type === 'readiness' ? 'probe' : 'stop';
  test.each<[string, ProbedPod | undefined, string, string | undefined]>([
    ['without a pod status it waits', undefined, 'wait', undefined],
    ['a failed pod ends it', pod({ phase: 'Failed' }), 'stop', undefined],
    ['a succeeded pod ends it', pod({ phase: 'Succeeded' }), 'stop', undefined],
    ['a container without a status makes it wait', { phase: 'Running', deleting: false }, 'wait', undefined],
    [
      'a container without an ID makes it wait',
      pod({}, { id: '', state: { kind: 'waiting' } }),
      'wait',
      undefined,
    ],
    ['a waiting container has failed', pod({}, { state: { kind: 'waiting' } }), 'wait', 'failure'],
    [
      'a terminated container that is restarted has failed',
      pod({}, { state: { kind: 'terminated', exitCode: 0 } }),
      'wait',
      'failure',
    ],
    [
      'a pod that is being deleted goes on only for readiness',
      { ...probedBy(type), deleting: true },
      stops,
      type === 'readiness' ? 'failure' : 'success',
    ],
    ['a running container is probed', probedBy(type), 'probe', initialValue[type]],
  ])('%s', (_, seen, next, published) => {
    const begun = beginTick(spec(type), newWorkerState, seen, time);
    expect([begun.next, begun.state.published]).toEqual([next, published]);
  });

  test.each([
    ['Never', 0, 'stop'],
    ['Never', 1, 'stop'],
    ['OnFailure', 0, 'stop'],
    ['OnFailure', 1, 'wait'],
    ['Always', 0, 'wait'],
  ] as const)('with restartPolicy %s an exit code of %i makes it %s', (restartPolicy, exitCode, next) => {
    const seen = pod({}, { state: { kind: 'terminated', exitCode } });
    expect(beginTick(spec(type, { restartPolicy }), newWorkerState, seen, time)).toMatchObject({
      next,
      state: { published: 'failure' },
    });
  });

  test('the initial value is published during the initial delay, and probes start afterwards', () => {
    const delayed = spec(type, { initialDelaySeconds: 10 });
    const during = beginTick(delayed, newWorkerState, probedBy(type), { ...time, nowMs: 995_000 + 9_999 });
    expect([during.next, during.state.published]).toEqual(['wait', initialValue[type]]);
    const after = beginTick(delayed, during.state, probedBy(type), { ...time, nowMs: 995_000 + 100_000 });
    expect([after.next, endTick(delayed, after.state, success).published]).toEqual(['probe', 'success']);
  });

  test('a negative initial delay is no delay', () => {
    expect(
      tick(spec(type, { initialDelaySeconds: -1 }), newWorkerState, probedBy(type), success).published,
    ).toBe('success');
  });

  test('a probe that ended in an error changes nothing', () => {
    const before = tick(spec(type, { failureThreshold: 3 }), newWorkerState, probedBy(type), failure);
    expect(endTick(spec(type, { failureThreshold: 3 }), before, { ...failure, error: 'broken' })).toBe(
      before,
    );
  });

  test('nothing is published for a container that ran long before the prober started, until it was probed', () => {
    const old = pod(
      {},
      {
        started: type !== 'startup',
        state: { kind: 'running', startedAtMs: time.proberStartedAtMs - 10_001 },
      },
    );
    const begun = beginTick(spec(type), newWorkerState, old, time);
    expect([begun.next, begun.state.published]).toEqual(['probe', undefined]);
  });

  test('a container that started only slightly before the prober gets its initial value', () => {
    const young = pod(
      {},
      {
        started: type !== 'startup',
        state: { kind: 'running', startedAtMs: time.proberStartedAtMs - 10_000 },
      },
    );
    expect(beginTick(spec(type), newWorkerState, young, time).state.published).toBe(initialValue[type]);
  });
});

describe('thresholds', () => {
  /** What is published after each verdict; S is success, F failure. */
  const run = (worker: WorkerSpec, verdicts: string, state = newWorkerState) => {
    const states: WorkerState[] = [];
    for (const letter of verdicts) {
      states.push(
        tick(worker, states.at(-1) ?? state, probedBy(worker.type), letter === 'S' ? success : failure),
      );
    }
    return states;
  };
  const letters = (states: WorkerState[]) =>
    states.map(({ published }) => published?.[0]?.toUpperCase()).join('');

  test('three failures in a row are needed for a failure, every success counts at once', () => {
    const worker = spec('readiness', { failureThreshold: 3 });
    expect(letters(run(worker, 'SSSFFSFFFSFFSFFF'))).toBe('SSSSSSSSFSSSSSSF');
  });

  test('three successes in a row are needed for a success, every failure counts at once', () => {
    const worker = spec('readiness', { successThreshold: 3 });
    expect(letters(run(worker, 'SSSFSSSF'))).toBe('FFSFFFSF');
  });

  test('a startup success counts at once, and settles', () => {
    expect(run(spec('startup', { failureThreshold: 1 }), 'S')).toMatchObject([
      { published: 'success', onHold: true, resultRun: 0 },
    ]);
  });

  test('startup failures are unknown until there are enough, and then settle', () => {
    expect(run(spec('startup', { failureThreshold: 3 }), 'FFF')).toMatchObject([
      { published: 'unknown', resultRun: 1, onHold: false },
      { published: 'unknown', resultRun: 2, onHold: false },
      { published: 'failure', resultRun: 0, onHold: true },
    ]);
  });

  test('a run of equal results continues across a new container, as in kubelet', () => {
    const worker = spec('readiness', { failureThreshold: 3 });
    const [, second] = run(worker, 'FF');
    expect(second && tick(worker, second, probedBy('readiness', 'containerd://two'), failure).resultRun).toBe(
      3,
    );
  });
});

describe.each(['liveness', 'startup'] as const)('a %s probe that failed', (type) => {
  test('is paused until there is a new container', () => {
    const worker = spec(type);
    const failed = tick(worker, newWorkerState, probedBy(type), failure);
    expect(failed).toMatchObject({ published: 'failure', onHold: true });
    expect(beginTick(worker, failed, probedBy(type), time)).toEqual({ state: failed, next: 'wait' });
    const fresh = tick(worker, failed, probedBy(type, 'containerd://two'), success);
    expect(fresh).toMatchObject({
      published: 'success',
      onHold: type === 'startup',
      containerId: 'containerd://two',
    });
  });

  test('has its initial value again with a new container', () => {
    const failed = tick(spec(type), newWorkerState, probedBy(type), failure);
    const begun = beginTick(
      spec(type, { initialDelaySeconds: 100 }),
      failed,
      probedBy(type, 'containerd://two'),
      time,
    );
    expect(begun.state.published).toBe(initialValue[type]);
  });
});

test('a readiness probe that failed is not paused', () => {
  const failed = tick(spec('readiness'), newWorkerState, pod(), failure);
  expect(tick(spec('readiness'), failed, pod(), success)).toMatchObject({
    published: 'success',
    onHold: false,
  });
});

describe('before and after a container has started', () => {
  const starting = pod({}, { started: false });

  test('liveness is not probed before', () => {
    const before = tick(spec('liveness'), newWorkerState, starting, failure);
    expect(before.published).toBe('success');
    expect(tick(spec('liveness'), before, pod(), failure).published).toBe('failure');
  });

  test('readiness is not probed before', () => {
    const before = tick(spec('readiness'), newWorkerState, starting, success);
    expect(before.published).toBe('failure');
    expect(tick(spec('readiness'), before, pod(), success).published).toBe('success');
  });

  test('startup is not probed after', () => {
    const worker = spec('startup', { failureThreshold: 2 });
    const once = tick(worker, newWorkerState, starting, failure);
    const done = tick(worker, once, starting, success);
    expect([once.published, done.published, tick(worker, done, pod(), failure).published]).toEqual([
      'unknown',
      'success',
      'success',
    ]);
  });
});
