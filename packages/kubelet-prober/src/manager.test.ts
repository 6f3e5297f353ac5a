import { describe, expect, test } from '@jest/globals';
import { type ProbeJob, ProbeManager, type ProbePorts } from './manager.ts';
import type { ProbeType, ProbeVerdict } from './prober.ts';
import type { ProbedPod } from './worker.ts';

/** Virtual time: `advance` runs what is due, with pauses for promises. */
class TestClock {
  #now = 1_000_000;
  #timers: { at: number; run: () => void }[] = [];
  share = 0;

  now(): number {
    return this.#now;
  }
  random(): number {
    return this.share;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }
  get pending(): number {
    return this.#timers.length;
  }
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) {
        break;
      }
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = next.at;
      next.run();
      await new Promise(setImmediate);
    }
    this.#now = end;
  }
}

const running: ProbedPod = {
  phase: 'Running',
  deleting: false,
  container: { id: 'containerd://one', started: true, state: { kind: 'running', startedAtMs: 999_000 } },
};

function job(podUid: string, type: ProbeType = 'readiness', periodSeconds = 10): ProbeJob {
  const spec = {
    type,
    initialDelaySeconds: 0,
    successThreshold: 1,
    failureThreshold: 1,
    restartPolicy: 'Always',
  } as const;
  return { podUid, container: 'main', type, periodSeconds, spec };
}

function managed(changes: Partial<ProbePorts> = {}) {
  const clock = new TestClock();
  let probes = 0;
  const counting = async (): Promise<ProbeVerdict> => {
    probes++;
    return { result: 'success' };
  };
  const manager = new ProbeManager({ clock, podOf: () => running, probe: counting, ...changes });
  return { clock, manager, probes: () => probes };
}

describe('the workers of a manager', () => {
  test('a pod without probes gets none', () => {
    const { manager, clock } = managed();
    manager.add([]);
    expect([manager.size, clock.pending]).toEqual([0, 0]);
  });

  test('each probe gets one, however often it is added', () => {
    const { manager } = managed();
    const jobs = [job('a', 'liveness'), job('a', 'readiness'), job('a', 'startup')];
    manager.add(jobs);
    manager.add(jobs);
    expect(manager.size).toBe(3);
  });

  test('probe immediately and then every period', async () => {
    const { manager, clock, probes } = managed();
    manager.add([job('a')]);
    await clock.advance(0);
    expect([probes(), manager.result(job('a'))]).toEqual([1, 'success']);
    await clock.advance(30_000);
    expect(probes()).toBe(4);
  });

  test('wait for a random part of the period right after the start of the manager', async () => {
    const { manager, clock, probes } = managed();
    clock.share = 0.5;
    manager.add([job('a')]);
    await clock.advance(4999);
    expect(probes()).toBe(0);
    await clock.advance(1);
    expect(probes()).toBe(1);
    await clock.advance(10_000);
    manager.add([job('b')]);
    await clock.advance(0);
    expect(probes()).toBe(3);
  });

  test('delay the next probe while one runs, and never run two at a time', async () => {
    let inFlight = 0;
    let most = 0;
    let tries = 0;
    const clock = new TestClock();
    const slow = async (): Promise<ProbeVerdict> => {
      tries++;
      most = Math.max(most, ++inFlight);
      await new Promise<void>((resolve) => {
        clock.after(25_000, resolve);
      });
      inFlight--;
      return { result: 'success' };
    };
    const manager = new ProbeManager({ clock, podOf: () => running, probe: slow });
    manager.add([job('a')]);
    await clock.advance(99_999);
    expect([most, tries]).toEqual([1, 4]);
  });

  test.each<[string, Partial<ProbePorts>]>([
    ['rejects', { probe: () => Promise.reject(new Error('a bug')) }],
    [
      'throws',
      {
        probe: () => {
          throw new Error('a bug');
        },
      },
    ],
    [
      'cannot look at its pod',
      {
        podOf: () => {
          throw new Error('a bug');
        },
      },
    ],
  ])('one whose prober %s goes on, and its result stays what it was', async (_, broken) => {
    let healthy = true;
    const { manager, clock } = managed({
      podOf: (uid) => (healthy || !broken.podOf ? running : broken.podOf(uid)),
      probe: async (each) => (healthy || !broken.probe ? { result: 'success' } : broken.probe(each)),
    });
    manager.add([job('a')]);
    await clock.advance(0);
    healthy = false;
    await clock.advance(30_000);
    expect([manager.result(job('a')), manager.size, clock.pending]).toEqual(['success', 1, 1]);
  });

  test('are removed with their pod, as are their results', async () => {
    let phase: ProbedPod['phase'] = 'Running';
    const { manager, clock } = managed({ podOf: () => ({ ...running, phase }) });
    manager.add([job('a')]);
    await clock.advance(0);
    phase = 'Succeeded';
    await clock.advance(10_000);
    expect([manager.size, manager.result(job('a')), clock.pending]).toEqual([0, undefined, 0]);
  });
});

describe('clean-up', () => {
  test('removing a pod is idempotent, and removes worker, timer and result', async () => {
    const { manager, clock, probes } = managed();
    manager.add([job('a', 'liveness'), job('a'), job('b')]);
    await clock.advance(0);
    for (let times = 0; times < 10; times++) {
      manager.remove('a');
    }
    expect([manager.size, manager.result(job('a')), manager.result(job('b')), clock.pending]).toEqual([
      1,
      undefined,
      'success',
      1,
    ]);
    await clock.advance(10_000);
    expect(probes()).toBe(4);
  });

  test('a pod that is removed during a probe is not probed again', async () => {
    let answer: (verdict: ProbeVerdict) => void = () => {};
    const { manager, clock } = managed({
      probe: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    manager.add([job('a')]);
    await clock.advance(0);
    manager.remove('a');
    answer({ result: 'success' });
    await clock.advance(60_000);
    expect([manager.size, manager.result(job('a')), clock.pending]).toEqual([0, undefined, 0]);
  });

  test('only wanted pods are kept', () => {
    const { manager } = managed();
    manager.add([job('a'), job('b', 'liveness'), job('c')]);
    manager.keepOnly(new Set(['b', 'z']));
    expect([manager.size, manager.result(job('b', 'liveness'))]).toEqual([1, undefined]);
  });

  test('nothing remains of a hundred pods that are cleaned up ten times each', async () => {
    const { manager, clock } = managed();
    for (let pods = 0; pods < 100; pods++) {
      manager.add(['liveness', 'readiness', 'startup'].map((type) => job(`pod-${pods}`, type as ProbeType)));
    }
    await clock.advance(0);
    for (let times = 0; times < 10; times++) {
      manager.keepOnly(new Set());
    }
    expect([manager.size, clock.pending]).toEqual([0, 0]);
  });
});
