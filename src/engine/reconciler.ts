/**
 * One reconcile of one Upgrade: gather what is known, decide, store the intent, act, record. It never waits for a check.
 * Whatever fails, the key is enqueued again: retries are the queue's job.
 */

import type { Upgrade } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import { decide, type Plan } from '../core/decision/decide.ts';
import { upgradeFacts } from '../core/report/facts.ts';
import { type Change, changeOf } from '../core/report/status-diff.ts';
import { ActionExecutor, isWrite, type WriteAction } from './action-executor.ts';
import { recordCycle } from './cycles.ts';
import { GateCarrierCache } from './gate-carrier.ts';
import { LocalState } from './local-state.ts';
import { named } from './log-fields.ts';
import type { Ports } from './ports.ts';
import { ProbeRunner } from './probe-runner.ts';
import { QueryRunner } from './query-runner.ts';
import type { Result } from './queue.ts';
import { Recorder } from './recorder.ts';
import { gather, type SnapshotSources } from './snapshots.ts';
import { SpanReporter } from './span-reporter.ts';
import { StatusPace } from './status-pace.ts';
import type { Store, UpgradeKey } from './store.ts';
import { WarningCache } from './warnings.ts';
import { WriteControl } from './write-control.ts';

export interface ReconcilerOptions extends Omit<Ports, 'watcher'> {
  readonly store: Store;
  readonly maxExecs: number;
  readonly maxExecsPerNode: number;
  /** How many Upgrades wait for their turn to begin an attempt. */
  readonly queued?: () => number;
  /** A probe cycle or a query has ended: its Upgrade has to be reconciled after the delay, or with priority. */
  readonly cycleEnded: (
    key: UpgradeKey,
    when: { readonly delayMs: number; readonly priority?: boolean },
  ) => void;
}

/** What follows a step: the next step of this plan, a new plan from what is known now, or the end of this reconcile. */
type Next = 'continue' | 'again' | Result;

/** Plans that one reconcile may carry out before other keys have their turn. */
const MAX_STEPS = 8;
/** Delay after a probe cycle without a response. */
const NO_ANSWER_MS = 1000;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #executor: ActionExecutor;
  readonly #runner: ProbeRunner;
  readonly #spans: SpanReporter;
  readonly #recorder: Recorder;
  readonly #queries: QueryRunner;
  readonly #gate: GateCarrierCache;
  readonly #warnings: WarningCache;
  readonly #sources: SnapshotSources;
  readonly local: LocalState;
  readonly #pace: StatusPace;
  readonly #writes: WriteControl;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.local = new LocalState(options.clock);
    this.#executor = new ActionExecutor({ ...options, local: this.local });
    this.#runner = new ProbeRunner(options);
    this.#queries = new QueryRunner(options);
    this.#gate = new GateCarrierCache(options);
    this.#warnings = new WarningCache(options);
    this.#spans = new SpanReporter(options);
    this.#recorder = new Recorder({ ...options, spans: this.#spans });
    this.#pace = new StatusPace(options.clock);
    this.#writes = new WriteControl({ ...options, pace: this.#pace });
    this.#sources = {
      ...options,
      local: this.local,
      gate: this.#gate,
      warnings: this.#warnings,
      writes: this.#writes,
      queries: this.#queries,
      isProbing: (key, uid) => this.#runner.isProbing(key, uid),
    };
  }

  stop(): void {
    this.#runner.stop();
    this.#queries.stop();
  }

  /** Forgets a pod that is gone. */
  forgetPod(pod: PodView): void {
    this.local.forgetPod(pod);
    this.#runner.forgetPod(pod.uid);
  }

  /** Never rejects: a bug is counted and logged, and the key is enqueued again. */
  async reconcile(key: UpgradeKey): Promise<Result> {
    const { telemetry, log } = this.#options;
    try {
      const before = this.#writes.doneOf(key);
      const result = await this.#visit(key);
      return { ...result, progressed: this.#writes.doneOf(key) > before };
    } catch (error) {
      telemetry.failed('bug');
      log.error('Reconcile failed: this is a bug, please report it', {
        ...named(key),
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      return { backoff: true };
    }
  }

  async #visit(key: UpgradeKey): Promise<Result> {
    const { clock } = this.#options;
    const progressBefore = this.#writes.progressOf(key);
    let busyMs = 0;
    for (let step = 0; step < MAX_STEPS; step++) {
      const upgrade = this.#options.store.upgrades.get(key);
      if (!upgrade) {
        return this.#forget(key);
      }
      // Also for those that will never change again: a new process does not know what the previous one reported.
      this.#options.telemetry.upgradeSeen(
        upgrade.metadata.namespace,
        upgrade.metadata.name,
        upgradeFacts(upgrade, upgrade.status),
      );
      const startedAt = clock.steady();
      const plan = this.#pace.withinLimits(key, decide(gather(this.#sources, key, upgrade)));
      busyMs += clock.steady() - startedAt;
      const next = await this.#carryOut(key, upgrade, plan);
      if (typeof next === 'object') {
        this.#writes.visitEnded(key);
        return { ...next, busyMs };
      }
    }
    if (this.#writes.progressOf(key) === progressBefore) {
      return { requeueAfterMs: this.#writes.visitSpun(key), busyMs };
    }
    // A large workload always has some pod to write: other keys have their turn first.
    this.#writes.visitEnded(key);
    return { requeueAfterMs: 0, busyMs };
  }

  #forget(key: UpgradeKey): Result {
    const [namespace = '', name = ''] = key.split('/');
    this.#options.telemetry.upgradeSeen(namespace, name, undefined);
    this.#pace.forget(key);
    this.#queries.forget(key);
    this.#runner.forget(key);
    this.local.forgetResults(key);
    this.#writes.forget(key);
    return {};
  }

  async #carryOut(key: UpgradeKey, upgrade: Upgrade, plan: Plan): Promise<Next> {
    const { action } = plan;
    if (action.kind === 'findGateCarrier' && (await this.#gate.refresh()).carrier !== 'Unknown') {
      return 'again';
    }
    if (action.kind === 'readWarning') {
      await this.#warnings.refresh(action.about);
      return 'again';
    }
    const change = changeOf(upgrade.status, plan.status);
    const dueMs = this.#pace.dueMs(key, change, plan);
    const statusDueMs = dueMs === 0 && this.#mayActFirst(key, change, plan) ? undefined : dueMs;
    const stored = statusDueMs === 0 ? await this.#storeStatus(key, upgrade, plan) : 'continue';
    if (stored !== 'continue') {
      return stored;
    }
    this.#queries.keepOnly(key, rolloutChecksOf(upgrade));
    this.#startChecks(key, plan);
    const laterMs = earliest(statusDueMs, this.#untilMs(plan.wakeAt));
    if (!isWrite(action)) {
      const released = this.#writes.releaseActions(key);
      return released === 'released' ? 'again' : { requeueAfterMs: earliest(laterMs, released) };
    }
    const waitMs = this.#writes.takeAction(key, plan, action);
    return waitMs > 0
      ? { requeueAfterMs: earliest(laterMs, waitMs), held: true }
      : this.#act(key, plan, action);
  }

  #startChecks(key: UpgradeKey, { cycles, queries }: Plan): void {
    const { cycleEnded } = this.#options;
    for (const cycle of cycles) {
      this.#runner.start(key, cycle, (finished) => {
        const sinks = { ...this.#options, local: this.local, spans: this.#spans };
        const evidence = recordCycle(sinks, key, cycle, finished);
        cycleEnded(key, {
          delayMs: evidence === 'none' ? NO_ANSWER_MS : 0,
          priority: evidence === 'failure',
        });
      });
    }
    for (const query of queries) {
      this.#queries.start(key, query, () => cycleEnded(key, { delayMs: 0 }));
    }
  }

  /** Whether the planned action is a write that may be sent now, before the status is stored. */
  #mayActFirst(key: UpgradeKey, change: Change, plan: Plan): boolean {
    return (
      isWrite(plan.action) &&
      this.#writes.actionWaitMs(key, plan) === 0 &&
      this.#pace.mayFollow(key, change, plan)
    );
  }

  /** Plans contain wall-clock times; from here on it is a duration. */
  #untilMs(at: number | undefined): number | undefined {
    return at === undefined ? undefined : Math.max(0, at - this.#options.clock.now());
  }

  async #storeStatus(key: UpgradeKey, upgrade: Upgrade, plan: Plan): Promise<Next> {
    const { writer, store } = this.#options;
    const waitMs = this.#writes.takeStatus(key, upgrade.status, plan.status);
    if (waitMs > 0) {
      return { requeueAfterMs: waitMs, held: true };
    }
    const written = await writer.patchStatus(upgrade, plan.status);
    if (!written.ok) {
      return this.#writes.failed(key, 'status', written.failure);
    }
    store.upgrades.applyWrite(written.object);
    this.#writes.statusSucceeded(key, { asWritten: changeOf(written.object.status, plan.status) === 'none' });
    this.#recorder.statusStored(upgrade, upgrade.status, plan.status);
    return plan.intent ? 'again' : 'continue';
  }

  async #act(key: UpgradeKey, plan: Plan, action: WriteAction): Promise<Next> {
    const { failure, noEffect } = await this.#executor.execute(action);
    if (failure) {
      return this.#writes.failed(key, 'action', failure);
    }
    this.#writes.actionSucceeded(key, plan, action, noEffect);
    this.#recorder.done(key, action);
    return 'again';
  }
}

const rolloutChecksOf = ({ spec }: Upgrade): string[] =>
  (spec.postCheck.rolloutChecks ?? []).map(({ name }) => name);

/** The shortest of some durations. */
function earliest(...durations: readonly (number | undefined)[]): number | undefined {
  const known = durations.filter((duration) => duration !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}
