/** Runs probe cycles beside the reconciles: bounded overall, per node, and one at a time in a pod. Results come back as data. */
import type { PodView } from '../api/views.ts';
import type { PlannedCycle } from '../core/plan.ts';
import { outcomeOf } from '../core/verification/exec-result.ts';
import { evaluateTry, type TryOutcome } from '../core/verification/exit-codes.ts';
import type { FinishedCycle, TryResult } from '../core/verification/probe-cycle.ts';
import type { TryRequest } from '../core/verification/tries.ts';
import { hasKeptImages } from '../core/verification/witness.ts';
import { FairSemaphore } from './fair-semaphore.ts';
import type { Ports } from './ports.ts';

/** A killed probe and a container that died under it both answer 128+n; the kubelet needs about a second to tell which. */
const LOOK_AGAIN_MS = 2000;
/** Between two cycles of a pod while the API server does not answer: a whole workload that is asked every second would keep it down. */
const REST_MS = 5000;

/** Read whatever the user keeps: the readiness script's result line at the end tells a missing hook from a missing command. */
const RESULT_LINE_BYTES = 1024;

export interface ProbeRunnerOptions
  extends Pick<Ports, 'clock' | 'executor' | 'prober' | 'reader' | 'telemetry'> {
  readonly maxExecs: number;
  readonly maxExecsPerNode: number;
}

export class ProbeRunner {
  readonly #options: ProbeRunnerOptions;
  readonly #semaphore: FairSemaphore;
  readonly #inFlight = new Set<string>();
  readonly #stopping = new AbortController();

  constructor(options: ProbeRunnerOptions) {
    this.#options = options;
    this.#semaphore = new FairSemaphore(options.maxExecs, options.maxExecsPerNode);
  }

  /** Ends all tries at once; their answers are lost, as no evidence. */
  stop(): void {
    this.#stopping.abort();
  }

  isProbing(uid: string): boolean {
    return this.#inFlight.has(uid);
  }

  /**
   * Starts a cycle unless one of this pod is under way. `done` is called once with the result,
   * or with `undefined` when the API server as a whole did not answer, or has no such pod any more: such a cycle is not counted.
   */
  start(upgrade: string, cycle: PlannedCycle, done: (finished: FinishedCycle | undefined) => void): void {
    const { uid } = cycle.pod;
    if (this.#inFlight.has(uid) || this.#stopping.signal.aborted) {
      return;
    }
    this.#inFlight.add(uid);
    void this.#run(upgrade, cycle).then((finished) => {
      const end = () => {
        this.#inFlight.delete(uid);
        if (!this.#stopping.signal.aborted) {
          done(finished);
        }
      };
      if (finished) {
        end();
      } else {
        this.#options.clock.after(REST_MS * (0.5 + this.#options.clock.random()), end);
      }
    });
  }

  async #run(upgrade: string, cycle: PlannedCycle): Promise<FinishedCycle | undefined> {
    const { reader } = this.#options;
    const span = this.#span();
    const { pod, tries } = cycle;
    const byContainer = Map.groupBy(tries, ({ container }) => container);
    const results = (
      await Promise.all([...byContainer.values()].map((some) => this.#inContainer(upgrade, cycle, some)))
    ).flat();
    const answered = results.some(({ outcome }) => outcome.kind !== 'unreachable');
    if (answered || (tries.length === 0 && areContainersReady(pod))) {
      return { ...span(), results };
    }
    // Nobody answered, or nobody could be asked: what we knew of the pod may be as old as the loss of the API server.
    const seen = await reader.getPod(pod.namespace, pod.name);
    if (seen === 'unknown' || seen === 'gone' || seen.uid !== pod.uid) {
      return undefined;
    }
    return { ...span(), results, seen };
  }

  /** Begins to take time; a clock that is set meanwhile does not change how much of it has passed. */
  #span(): () => Pick<FinishedCycle, 'startedAt' | 'finishedAt'> {
    const { clock } = this.#options;
    const begun = clock.steady();
    return () => {
      const finishedAt = clock.now();
      return { startedAt: finishedAt - (clock.steady() - begun), finishedAt };
    };
  }

  /** One after the other: probes of one container must not disturb each other. */
  async #inContainer(
    upgrade: string,
    cycle: PlannedCycle,
    tries: readonly TryRequest[],
  ): Promise<TryResult[]> {
    const { clock, telemetry } = this.#options;
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

  async #try({ pod, inFallback }: PlannedCycle, request: TryRequest): Promise<TryOutcome> {
    const { telemetry } = this.#options;
    telemetry.execsInFlight(this.#semaphore.inUse);
    const outcome = await (request.check.exec
      ? this.#exec(pod, request, request.check.exec.command)
      : this.#probe(pod, request));
    telemetry.execsInFlight(this.#semaphore.inUse - 1);
    return this.#believe(pod, request, { outcome, inFallback });
  }

  /** Over the network, from here. */
  #probe(pod: PodView, { check }: TryRequest): Promise<TryOutcome> {
    const ports = Object.assign({}, ...pod.containers.map((container) => container.ports ?? {})) as Record<
      string,
      number
    >;
    return this.#options.prober.probe({ check, podIp: pod.ip, ports }, this.#stopping.signal);
  }

  async #exec(pod: PodView, request: TryRequest, command: readonly string[]): Promise<TryOutcome> {
    const { check, container } = request;
    const { namespace, name } = pod;
    const limits = {
      timeoutMs: check.timeoutSeconds * 1000,
      maxOutputBytes: Math.max(check.maxOutputBytes, RESULT_LINE_BYTES),
    };
    const result = await this.#options.executor.exec(
      { namespace, pod: name, container, command, ...limits },
      this.#stopping.signal,
    );
    return outcomeOf(result);
  }

  /** Carries out what the exit-code contract asks for: an answer that counts against a pod is believed after a second look at it. */
  async #believe(
    pod: PodView,
    request: TryRequest,
    { outcome, inFallback }: { outcome: TryOutcome; inFallback: boolean },
  ): Promise<TryOutcome> {
    const podReady = areContainersReady(pod);
    const { confirm } = evaluateTry(request.check, outcome, {
      podReady,
      inFallback,
      baseline: request.baseline,
    });
    if (confirm === 'no') {
      return outcome;
    }
    if (await this.#stillThere(pod, request, confirm === 'afterGrace' ? LOOK_AGAIN_MS : 0)) {
      return outcome;
    }
    return { kind: 'unreachable', message: 'the container ended meanwhile, or another one answered' };
  }

  async #stillThere(pod: PodView, { container, containerId }: TryRequest, afterMs: number): Promise<boolean> {
    const { clock, reader } = this.#options;
    if (afterMs > 0) {
      await new Promise<void>((resolve) => clock.after(afterMs, resolve));
    }
    const now = await reader.getPod(pod.namespace, pod.name);
    if (
      now === 'gone' ||
      now === 'unknown' ||
      now.uid !== pod.uid ||
      now.deleting ||
      !hasKeptImages(now, pod)
    ) {
      return false;
    }
    return now.containers.some(
      ({ name, id, state }) => name === container && id === containerId && state === 'running',
    );
  }
}

/** Apart from its gates. Its readiness is then recorded on this very pod, or not at all. */
const areContainersReady = ({ conditions }: PodView): boolean =>
  conditions.ContainersReady?.status === 'True';
