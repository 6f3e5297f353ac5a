/** Carries out one planned change. Every write has a precondition, so doing it twice, or from an old view, is refused and not wrong. */

import { VERIFIED } from '../api/names.ts';
import { isReason } from '../api/reasons.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { Action, PodCondition } from '../core/plan.ts';
import type { Clock, RequestFailure, Telemetry, Writer, Written } from './ports.ts';
import type { Store } from './store.ts';

export interface ActorOptions {
  readonly clock: Clock;
  readonly writer: Writer;
  readonly store: Store;
  readonly telemetry: Telemetry;
}

export class Actor {
  readonly #options: ActorOptions;

  constructor(options: ActorOptions) {
    this.#options = options;
  }

  /** Does it; gives the failure when it was refused. */
  async act(action: Action): Promise<RequestFailure | undefined> {
    const { writer } = this.#options;
    switch (action.kind) {
      case 'none':
        return undefined;
      case 'patchImages':
        return this.#learn(action.workload, await writer.patchImages(action.workload, action.images));
      case 'releaseFields':
        return this.#learn(action.workload, await writer.releaseFields(action.workload));
      case 'deletePod': {
        const written = await writer.deletePod(action.pod);
        return written.ok || written.failure.kind === 'notFound' ? this.#goes(action.pod) : written.failure;
      }
      case 'recordResults':
        return this.#recordResults(action.conditions);
    }
  }

  #learn({ kind }: WorkloadView, written: Written<WorkloadView>): RequestFailure | undefined {
    if (!written.ok) {
      return written.failure;
    }
    this.#options.store.workloads[kind].applyWrite(written.object);
    return undefined;
  }

  /** The pod is on its way out or gone; until the watch says so, nothing is to be planned for it again. */
  #goes(pod: PodView): undefined {
    this.#options.store.pods.assume({ ...pod, deleting: true });
    return undefined;
  }

  async #recordResults(conditions: readonly PodCondition[]): Promise<RequestFailure | undefined> {
    const failures = await Promise.all(conditions.map((verdict) => this.#recordResult(verdict)));
    return failures.find((failure) => failure !== undefined);
  }

  async #recordResult({ pod, condition }: PodCondition): Promise<RequestFailure | undefined> {
    const { clock, writer, store, telemetry } = this.#options;
    const written = await writer.patchVerified(pod, condition, clock.now());
    if (!written.ok) {
      return written.failure.kind === 'notFound' ? this.#goes(pod) : written.failure;
    }
    store.pods.applyWrite(written.object);
    const opened =
      condition.status === 'True' &&
      pod.gates.includes(VERIFIED) &&
      pod.conditions[VERIFIED]?.status !== 'True';
    if (opened) {
      telemetry.gateOpened(isReason(condition.reason, 'AllSkipped') ? 'Skipped' : 'Passed');
    }
    return undefined;
  }
}
