/** Runs probe cycles concurrently with reconciles: limited overall and per node, one at a time for a pod. Results are returned as data. */
import type { PodView } from '../api/views.ts';
import type { PlannedCycle } from '../core/plan.ts';
import { outcomeOf } from '../core/verification/exec-result.ts';
import { evaluateTry, type TryOutcome } from '../core/verification/exit-codes.ts';
import { type FinishedCycle, type TryResult, tryContextOf } from '../core/verification/probe-cycle.ts';
import { areContainersReady } from '../core/verification/readiness.ts';
import type { TryRequest } from '../core/verification/tries.ts';
import { hasKeptImages } from '../core/verification/witness.ts';
import { isEnding } from '../core/workload/pods.ts';
import { FairSemaphore } from './fair-semaphore.ts';
import type { Ports } from './ports.ts';

/** A killed probe and a container that died during its probe both return 128+n; after about a second the kubelet reports which. */
const CONFIRM_DELAY_MS = 2000;
/** Pause between two cycles of a pod while the API server does not respond: probing a whole workload every second would keep it down. */
const UNREACHABLE_BACKOFF_MS = 5000;

/** Read even if the user keeps less: the result line of the readiness script distinguishes a missing hook from a missing command. */
const RESULT_LINE_BYTES = 1024;

export interface ProbeRunnerOptions
  extends Pick<Ports, 'clock' | 'executor' | 'prober' | 'reader' | 'telemetry'> {
  readonly maxExecs: number;
  readonly maxExecsPerNode: number;
}

/** A cycle that is being run, and what cancels its probes. */
interface RunningCycle extends PlannedCycle {
  readonly upgrade: string;
  readonly signal: AbortSignal;
}

/** No check fails in the pod, so that it would fail because it is not ready. */
const decidesByReadiness = (cycle: PlannedCycle, results: readonly TryResult[]): boolean =>
  cycle.mayDecide === true &&
  results.every((result) => {
    const verdict = evaluateTry(result.check, result.outcome, tryContextOf(cycle.pod, cycle, result));
    return verdict.class !== 'Fail' && verdict.class !== 'Retry';
  });

const CANCELLED: TryOutcome = { kind: 'unreachable', message: 'the probe was cancelled' };

export class ProbeRunner {
  readonly #options: ProbeRunnerOptions;
  readonly #semaphore: FairSemaphore;
  /** By pod. */
  readonly #inFlight = new Map<string, { readonly upgrade: string; readonly cancelling: AbortController }>();
  #isStopped = false;

  constructor(options: ProbeRunnerOptions) {
    this.#options = options;
    this.#semaphore = new FairSemaphore(options.maxExecs, options.maxExecsPerNode);
  }

  /** Cancels all probes; their results are dropped. */
  stop(): void {
    this.#isStopped = true;
    for (const { cancelling } of this.#inFlight.values()) {
      cancelling.abort();
    }
  }

  /** Cancels the probes of a pod that is gone. Nobody waits for their results, and they would keep their slots until they time out. */
  forgetPod(uid: string): void {
    this.#inFlight.get(uid)?.cancelling.abort();
  }

  /** The same for the pods of an Upgrade that is gone. */
  forget(upgrade: string): void {
    for (const running of this.#inFlight.values()) {
      if (running.upgrade === upgrade) {
        running.cancelling.abort();
      }
    }
  }

  /** Whether a cycle of the pod is running for this Upgrade. */
  isProbing(upgrade: string, uid: string): boolean {
    const running = this.#inFlight.get(uid);
    return running?.upgrade === upgrade && !running.cancelling.signal.aborted;
  }

  /**
   * Starts a cycle unless one is running for this pod; one for another Upgrade is cancelled, as only one acts on a pod. `done` is called once with
   * the result, or with `undefined` if the API server did not respond at all or has no such pod any more: such a cycle is not counted.
   */
  start(upgrade: string, cycle: PlannedCycle, done: (finished: FinishedCycle | undefined) => void): void {
    const { uid } = cycle.pod;
    if (this.isProbing(upgrade, uid) || this.#isStopped) {
      return;
    }
    this.forgetPod(uid);
    const cancelling = new AbortController();
    const running = { upgrade, cancelling };
    this.#inFlight.set(uid, running);
    void this.#run({ ...cycle, upgrade, signal: cancelling.signal }).then((finished) => {
      const end = () => {
        if (this.#inFlight.get(uid) === running) {
          this.#inFlight.delete(uid);
        }
        if (!this.#isStopped) {
          done(finished);
        }
      };
      if (finished) {
        end();
      } else {
        this.#options.clock.after(UNREACHABLE_BACKOFF_MS * (0.5 + this.#options.clock.random()), end);
      }
    });
  }

  async #run(cycle: RunningCycle): Promise<FinishedCycle | undefined> {
    const { reader } = this.#options;
    const elapsed = this.#startTimer();
    const { pod, tries } = cycle;
    const byContainer = Map.groupBy(tries, ({ container }) => container);
    const results = (
      await Promise.all([...byContainer.values()].map((some) => this.#inContainer(cycle, some)))
    ).flat();
    if (cycle.signal.aborted) {
      return undefined;
    }
    const answered = results.some(({ outcome }) => outcome.kind !== 'unreachable');
    // Readiness is recorded on exactly this pod, or not at all.
    const isReady = areContainersReady(pod);
    if (isReady ? answered || tries.length === 0 : answered && !decidesByReadiness(cycle, results)) {
      return { ...elapsed(), results };
    }
    // The cached pod may be out of date: without any response the API server may be unreachable, and an event of a watch may be lost.
    const seen = await reader.getPod(pod.namespace, pod.name);
    if (seen === 'unknown' || seen === 'gone' || seen.uid !== pod.uid) {
      return undefined;
    }
    return { ...elapsed(), results, seen };
  }

  /** Starts a timer that returns start and end; setting the clock meanwhile does not change the duration. */
  #startTimer(): () => Pick<FinishedCycle, 'startedAt' | 'finishedAt'> {
    const { clock } = this.#options;
    const startedAt = clock.steady();
    return () => {
      const finishedAt = clock.now();
      return { startedAt: finishedAt - (clock.steady() - startedAt), finishedAt };
    };
  }

  /** Runs the probes of one container one after the other, so that they do not disturb each other. */
  async #inContainer(cycle: RunningCycle, tries: readonly TryRequest[]): Promise<TryResult[]> {
    const { clock, telemetry } = this.#options;
    const { upgrade } = cycle;
    const { namespace, node } = cycle.pod;
    const results: TryResult[] = [];
    for (const request of tries) {
      const queuedAt = clock.steady();
      const outcome = await this.#semaphore.run({ namespace, upgrade, node }, () => {
        telemetry.execWaited((clock.steady() - queuedAt) / 1000);
        return this.#try(cycle, request);
      });
      results.push({ ...request, outcome });
    }
    return results;
  }

  async #try(cycle: RunningCycle, request: TryRequest): Promise<TryOutcome> {
    const { telemetry } = this.#options;
    const { pod, signal } = cycle;
    if (signal.aborted) {
      return CANCELLED;
    }
    telemetry.execsInFlight(this.#semaphore.inUse);
    const outcome = await (request.check.exec
      ? this.#exec(pod, { ...request, command: request.check.exec.command, signal })
      : this.#probe(pod, request, signal));
    telemetry.execsInFlight(this.#semaphore.inUse - 1);
    return this.#confirm(cycle, request, outcome);
  }

  /** Probes over the network. */
  #probe(pod: PodView, { check }: TryRequest, signal: AbortSignal): Promise<TryOutcome> {
    const ports = Object.assign({}, ...pod.containers.map((container) => container.ports ?? {})) as Record<
      string,
      number
    >;
    return this.#options.prober.probe({ check, podIp: pod.ip, ports }, signal);
  }

  async #exec(
    pod: PodView,
    {
      check,
      container,
      command,
      signal,
    }: TryRequest & { readonly command: readonly string[]; readonly signal: AbortSignal },
  ): Promise<TryOutcome> {
    const { namespace, name } = pod;
    const limits = {
      timeoutMs: check.timeoutSeconds * 1000,
      maxOutputBytes: Math.max(check.maxOutputBytes, RESULT_LINE_BYTES),
    };
    const result = await this.#options.executor.exec(
      { namespace, pod: name, container, command, ...limits },
      signal,
    );
    return outcomeOf(result);
  }

  /** Does what the exit-code contract requires: a result that counts against a pod is used only after a second read of the pod. */
  async #confirm(cycle: RunningCycle, request: TryRequest, outcome: TryOutcome): Promise<TryOutcome> {
    const { pod } = cycle;
    const { confirm } = evaluateTry(request.check, outcome, tryContextOf(pod, cycle, request));
    if (confirm === 'no') {
      return outcome;
    }
    if (await this.#isSameContainer(pod, request, confirm === 'afterGrace' ? CONFIRM_DELAY_MS : 0)) {
      return outcome;
    }
    return { kind: 'unreachable', message: 'the container ended meanwhile, or another one answered' };
  }

  async #isSameContainer(
    pod: PodView,
    { container, containerId }: TryRequest,
    afterMs: number,
  ): Promise<boolean> {
    const { clock, reader } = this.#options;
    if (afterMs > 0) {
      await new Promise<void>((resolve) => clock.after(afterMs, resolve));
    }
    const now = await reader.getPod(pod.namespace, pod.name);
    if (
      now === 'gone' ||
      now === 'unknown' ||
      now.uid !== pod.uid ||
      isEnding(now) ||
      !hasKeptImages(now, pod)
    ) {
      return false;
    }
    return now.containers.some(
      ({ name, id, state }) => name === container && id === containerId && state === 'running',
    );
  }
}
