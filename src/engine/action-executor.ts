/** Carries out one planned change. Every write has a precondition, so doing it twice, or from an old view, is refused and not wrong. */

import { VERIFIED } from '../api/names.ts';
import { isReason } from '../api/reasons.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { Action, PodCondition } from '../core/plan.ts';
import type { Ports, RequestFailure, Written } from './ports.ts';
import type { Store } from './store.ts';

export interface ActionExecutorOptions extends Pick<Ports, 'clock' | 'writer' | 'telemetry'> {
  readonly store: Store;
}

/** What can be carried out by writing. */
export type WriteAction = Exclude<Action, { readonly kind: 'none' | 'probeGatePolicy' }>;

/** So many pods at once: more would stand before other requests in the line for a connection until they are out of time. */
const PODS_AT_ONCE = 4;
/** So many pods in one action: what has happened meanwhile is looked at before the next ones. */
const PODS_PER_ACTION = 200;

export class ActionExecutor {
  readonly #options: ActionExecutorOptions;

  constructor(options: ActionExecutorOptions) {
    this.#options = options;
  }

  /** Executes the action. Returns the failure if the API server rejected it. */
  async execute(action: WriteAction): Promise<RequestFailure | undefined> {
    const { writer } = this.#options;
    switch (action.kind) {
      case 'patchImages':
        return this.#applyWrite(
          action.workload,
          await writer.patchImages(action.workload, action.images, action.partition),
        );
      case 'patchPartition':
        return this.#applyWrite(
          action.workload,
          await writer.patchImages(action.workload, {}, action.partition),
        );
      case 'releaseFields':
        return this.#applyWrite(action.workload, await writer.releaseFields(action.workload));
      case 'deletePod': {
        const written = await writer.deletePod(action.pod);
        return written.ok || written.failure.kind === 'notFound'
          ? this.#markDeleted(action.pod)
          : written.failure;
      }
      case 'recordResults':
        return this.#recordResults(action.conditions);
    }
  }

  #applyWrite({ kind }: WorkloadView, written: Written<WorkloadView>): RequestFailure | undefined {
    if (!written.ok) {
      return written.failure;
    }
    this.#options.store.workloads[kind].applyWrite(written.object);
    return undefined;
  }

  /** The pod is on its way out or gone; until the watch says so, nothing is to be planned for it again. */
  #markDeleted(pod: PodView): undefined {
    this.#options.store.pods.assume({ ...pod, deleting: true });
    return undefined;
  }

  /** A failure does not keep the other pods from being written; the first one is returned. */
  async #recordResults(conditions: readonly PodCondition[]): Promise<RequestFailure | undefined> {
    const failures: RequestFailure[] = [];
    const left = conditions.slice(0, PODS_PER_ACTION).values();
    const work = async (): Promise<void> => {
      for (const condition of left) {
        const failure = await this.#recordResult(condition);
        failures.push(...(failure ? [failure] : []));
      }
    };
    await Promise.all(Array.from({ length: PODS_AT_ONCE }, work));
    return failures[0];
  }

  async #recordResult({ pod, condition }: PodCondition): Promise<RequestFailure | undefined> {
    const { clock, writer, store, telemetry } = this.#options;
    const written = await writer.patchVerified(pod, condition, clock.now());
    if (!written.ok) {
      return written.failure.kind === 'notFound' ? this.#markDeleted(pod) : written.failure;
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
