/** Runs the probe workers of all containers. */
import type { ProbeType, ProbeVerdict } from './prober.ts';
import {
  beginTick,
  endTick,
  newWorkerState,
  type ProbedPod,
  type PublishedResult,
  type TickTime,
  type WorkerSpec,
  type WorkerState,
} from './worker.ts';

/** One probe of one container. */
export interface WorkerKey {
  readonly podUid: string;
  readonly container: string;
  readonly type: ProbeType;
}

/** A probe to run for as long as its pod exists. */
export interface ProbeJob extends WorkerKey {
  readonly spec: WorkerSpec;
  readonly periodSeconds: number;
}

/** Time and randomness, so that a test can control both. */
export interface ProbeClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Calls back once after `delayMs`; the returned function cancels. */
  after(delayMs: number, run: () => void): () => void;
}

/** How a manager reads pods and runs probes. */
export interface ProbePorts {
  readonly clock: ProbeClock;
  podOf(podUid: string): ProbedPod | undefined;
  probe(job: ProbeJob): Promise<ProbeVerdict>;
}

interface Worker {
  readonly job: ProbeJob;
  state: WorkerState;
  cancel: () => void;
  stopped: boolean;
}

/** Runs one worker for each probe, like kubelet's prober manager. The result of a worker is removed when it stops or its pod is removed. */
export class ProbeManager {
  readonly #ports: ProbePorts;
  readonly #startedAtMs: number;
  readonly #workers = new Map<string, Worker>();

  constructor(ports: ProbePorts) {
    this.#ports = ports;
    this.#startedAtMs = ports.clock.now();
  }

  /** How many probes are running. */
  get size(): number {
    return this.#workers.size;
  }

  /** Starts the workers that are not running yet. Within the first period after the manager's start, a worker first waits for a random part of it. */
  add(jobs: readonly ProbeJob[]): void {
    for (const job of jobs.filter((each) => !this.#workers.has(keyText(each)))) {
      const worker: Worker = { job, state: newWorkerState, cancel: () => {}, stopped: false };
      this.#workers.set(keyText(job), worker);
      const periodMs = job.periodSeconds * 1000;
      const isEarly = this.#ports.clock.now() - this.#startedAtMs < periodMs;
      this.#schedule(worker, isEarly ? this.#ports.clock.random() * periodMs : 0);
    }
  }

  /** Returns the published result of a container; `undefined` if there is none, or no such probe is running. */
  result(key: WorkerKey): PublishedResult | undefined {
    return this.#workers.get(keyText(key))?.state.published;
  }

  /** Stops all probes of a pod, if there are any. */
  remove(podUid: string): void {
    this.#stopWhere((job) => job.podUid === podUid);
  }

  /** Stops the probes of every pod that is not wanted. */
  keepOnly(podUids: ReadonlySet<string>): void {
    this.#stopWhere((job) => !podUids.has(job.podUid));
  }

  #stopWhere(matches: (job: ProbeJob) => boolean): void {
    for (const worker of [...this.#workers.values()].filter(({ job }) => matches(job))) {
      this.#stop(worker);
    }
  }

  #stop(worker: Worker): void {
    worker.stopped = true;
    worker.cancel();
    this.#workers.delete(keyText(worker.job));
  }

  #schedule(worker: Worker, delayMs: number): void {
    worker.cancel = this.#ports.clock.after(delayMs, () => {
      this.#tick(worker).catch(() => {});
    });
  }

  /** A port that throws is a bug, but must not end the probing: the result does not change. */
  async #tick(worker: Worker): Promise<void> {
    const { clock } = this.#ports;
    const begunAtMs = clock.now();
    try {
      await this.#doProbe(worker, { nowMs: begunAtMs, proberStartedAtMs: this.#startedAtMs });
    } finally {
      if (!worker.stopped) {
        this.#schedule(worker, Math.max(0, begunAtMs + worker.job.periodSeconds * 1000 - clock.now()));
      }
    }
  }

  async #doProbe(worker: Worker, time: TickTime): Promise<void> {
    const { job } = worker;
    const tick = beginTick(job.spec, worker.state, this.#ports.podOf(job.podUid), time);
    worker.state = tick.state;
    if (tick.next === 'stop') {
      this.#stop(worker);
    }
    if (tick.next === 'probe') {
      worker.state = endTick(job.spec, worker.state, await this.#ports.probe(job));
    }
  }
}

function keyText({ podUid, container, type }: WorkerKey): string {
  return `${podUid}/${container}/${type}`;
}
