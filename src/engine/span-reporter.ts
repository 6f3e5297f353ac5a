/** Reports the finished spans of an attempt to the tracer, if there is one. Keeps no state, and no decision depends on it. */

import { VERIFIED } from '../api/names.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import type { PodCondition } from '../core/plan.ts';
import { failedPods, podSpan, spansOfChange, trySpan } from '../core/report/spans.ts';
import type { FinishedCycle, PodRecord } from '../core/verification/probe-cycle.ts';
import type { Store } from './store.ts';
import type { Tracer } from './telemetry-ports.ts';

export interface SpanReporterOptions {
  readonly tracer?: Tracer | undefined;
  readonly store: Store;
}

export class SpanReporter {
  readonly #tracer: Tracer | undefined;
  readonly #store: Store;

  constructor({ tracer, store }: SpanReporterOptions) {
    this.#tracer = tracer;
    this.#store = store;
  }

  /** The status `after` was stored in place of `before`. */
  statusChanged(upgrade: Upgrade, before: UpgradeStatus | undefined, after: UpgradeStatus): void {
    if (!this.#tracer) {
      return;
    }
    const failed = failedPods(before, after);
    const workload = failed.length > 0 ? this.#store.targetOf(upgrade) : undefined;
    const pods = workload ? this.#store.podsOf(workload) : [];
    for (const { name, ...end } of failed) {
      const pod = pods.find((one) => one.name === name);
      // The pods failed in the attempt of the old status.
      this.#report(pod && podSpan({ ...upgrade, status: before }, pod, end));
    }
    for (const span of spansOfChange(upgrade, before, after)) {
      this.#report(span);
    }
  }

  /** Writes of pod conditions were executed: a pod has passed if its condition is True now and was not before. */
  resultsRecorded(upgrade: Upgrade, conditions: readonly PodCondition[], now: number): void {
    for (const { pod, condition } of this.#tracer ? conditions : []) {
      const written = this.#store.pods.get(pod.uid)?.conditions[VERIFIED];
      const isNew = pod.conditions[VERIFIED]?.status !== 'True' && written?.message === condition.message;
      if (condition.status === 'True' && isNew) {
        const { reason, message } = condition;
        this.#report(podSpan(upgrade, pod, { passed: true, reason, message, at: now }));
      }
    }
  }

  /** A probe cycle of a pod has ended; `record` includes its results. */
  cycleFinished(upgrade: Upgrade, pod: PodView, record: PodRecord, cycle: FinishedCycle): void {
    for (const tried of this.#tracer ? record.tries : []) {
      if (tried.lastAt === cycle.finishedAt) {
        this.#report(trySpan(upgrade, pod, tried, cycle));
      }
    }
  }

  #report(span: Parameters<Tracer['ended']>[0] | undefined): void {
    if (span) {
      this.#tracer?.ended(span);
    }
  }
}
