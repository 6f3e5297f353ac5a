/**
 * One Upgrade, once around: gather what is known, decide, store the intent, act, tell. Never waits for a check.
 * Whatever goes wrong, the key comes back; the queue is the retry.
 */

import type { Upgrade } from '../api/types.ts';
import { decide, type Plan } from '../core/decision/decide.ts';
import type { Obstacle } from '../core/obstacle.ts';
import type { Action } from '../core/plan.ts';
import { upgradeFacts } from '../core/report/facts.ts';
import { obstacleText } from '../core/report/obstacle-text.ts';
import { changeOf } from '../core/report/status-diff.ts';
import { ActionExecutor, type WriteAction } from './action-executor.ts';
import { Brake, STATUS_CHANGED } from './brake.ts';
import { recordCycle } from './cycles.ts';
import { GateCarrierCache } from './gate-carrier.ts';
import { LocalState } from './local-state.ts';
import { named } from './log-fields.ts';
import type { Ports, RequestFailure } from './ports.ts';
import { ProbeRunner } from './probe-runner.ts';
import { actionProgress, type Progress, statusProgress } from './progress-marks.ts';
import { QueryRunner } from './query-runner.ts';
import type { Result } from './queue.ts';
import { Recorder } from './recorder.ts';
import { gather, type SnapshotSources } from './snapshots.ts';
import { SpanReporter } from './span-reporter.ts';
import { StatusPace } from './status-pace.ts';
import type { Store, UpgradeKey } from './store.ts';
import { WarningCache } from './warnings.ts';
import { WriteBackoff } from './write-backoff.ts';

export interface ReconcilerOptions extends Omit<Ports, 'watcher'> {
  readonly store: Store;
  readonly maxExecs: number;
  readonly maxExecsPerNode: number;
  /** A cycle has ended: its Upgrade is to be looked at, now or after a while. */
  readonly cycleEnded: (key: UpgradeKey, delayMs: number) => void;
}

/** What comes after a step: the next one of this plan, a new plan from what is known now, or nothing more for this time. */
type Next = 'continue' | 'again' | Result;

/** Plans that one visit may carry out before others get their turn. */
const MAX_STEPS = 8;
/** After a cycle that said nothing. */
const NO_ANSWER_MS = 1000;

const ACTIONS: readonly WriteAction['kind'][] = [
  'patchImages',
  'patchPartition',
  'setFinalizers',
  'releaseFields',
  'deletePods',
  'recordResults',
];

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
  readonly #backoff = new WriteBackoff();
  readonly #brake = new Brake();
  readonly #pace: StatusPace;

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
    this.#sources = {
      ...options,
      local: this.local,
      gate: this.#gate,
      warnings: this.#warnings,
      backoff: this.#backoff,
      brake: this.#brake,
      queries: this.#queries,
      isProbing: (uid) => this.#runner.isProbing(uid),
    };
  }

  stop(): void {
    this.#runner.stop();
    this.#queries.stop();
  }

  /** Never rejects: a bug of ours is counted and logged, and the key comes back later. */
  async reconcile(key: UpgradeKey): Promise<Result> {
    const { telemetry, log } = this.#options;
    try {
      return await this.#visit(key);
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
    const movesBefore = this.#brake.moves(key);
    for (let step = 0; step < MAX_STEPS; step++) {
      const upgrade = this.#options.store.upgrades.get(key);
      if (!upgrade) {
        return this.#forget(key);
      }
      // Also of those that will never change again: a new process knows nothing of what the last one told.
      this.#options.telemetry.upgradeSeen(
        upgrade.metadata.namespace,
        upgrade.metadata.name,
        upgradeFacts(upgrade, upgrade.status),
      );
      const next = await this.#carryOut(
        key,
        upgrade,
        this.#pace.withinLimits(key, decide(gather(this.#sources, key, upgrade))),
      );
      if (typeof next === 'object') {
        this.#brake.release(key, 'visit');
        return next;
      }
    }
    return this.#brake.moves(key) > movesBefore ? this.#givesWay(key) : this.#spins(key);
  }

  /** In a large fleet there is always something to do for some pod: other keys have their turn, and then it goes on. */
  #givesWay(key: UpgradeKey): Result {
    this.#brake.release(key, 'visit');
    return { requeueAfterMs: 0 };
  }

  /** Turns that follow each other without end are no work: each next visit waits twice as long. */
  #spins(key: UpgradeKey): Result {
    const { clock, telemetry } = this.#options;
    telemetry.braked('spinning');
    this.#brake.slow(key, 'visit', clock.steady(), undefined, { minMs: 50, maxMs: 10_000 });
    return { requeueAfterMs: this.#brake.waitMs(key, 'visit', clock.steady()) };
  }

  #forget(key: UpgradeKey): Result {
    const [namespace = '', name = ''] = key.split('/');
    this.#options.telemetry.upgradeSeen(namespace, name, undefined);
    this.#pace.forget(key);
    this.#queries.forget(key);
    this.local.forgetResults(key);
    this.#backoff.forget(key);
    this.#brake.forget(key);
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
    const dueMs = this.#pace.dueMs(key, upgrade, plan);
    const statusDueMs = dueMs === 0 && this.#goesAhead(key, upgrade, plan) ? undefined : dueMs;
    const stored = statusDueMs === 0 ? await this.#storeStatus(key, upgrade, plan) : 'continue';
    if (stored !== 'continue') {
      return stored;
    }
    for (const cycle of plan.cycles) {
      this.#runner.start(key, cycle, (finished) => {
        const isSaid = recordCycle(
          { ...this.#options, local: this.local, spans: this.#spans },
          key,
          cycle,
          finished,
        );
        this.#options.cycleEnded(key, isSaid ? 0 : NO_ANSWER_MS);
      });
    }
    for (const query of plan.queries) {
      this.#queries.start(key, query, () => this.#options.cycleEnded(key, 0));
    }
    const laterMs = earliest(statusDueMs, this.#untilMs(plan.wakeAt));
    if (action.kind === 'none' || action.kind === 'findGateCarrier') {
      return this.#rest(key, laterMs);
    }
    const waitMs = this.#actionWaitMs(key, plan);
    const grantedMs = waitMs > 0 ? waitMs : this.#takeWrite(key, actionProgress(action, plan.status));
    return grantedMs > 0
      ? { requeueAfterMs: earliest(laterMs, grantedMs), held: true }
      : this.#act(key, plan, action);
  }

  /** A write is planned that can be done now, and the status need not be stored before it. */
  #goesAhead(key: UpgradeKey, upgrade: Upgrade, plan: Plan): boolean {
    const isWrite = plan.action.kind !== 'none' && plan.action.kind !== 'findGateCarrier';
    return isWrite && this.#actionWaitMs(key, plan) === 0 && this.#pace.mayFollow(key, upgrade, plan);
  }

  /** No action is planned: what had been refused, or had come to nothing, is not wanted any more. */
  #rest(key: UpgradeKey, laterMs: number | undefined): Next {
    const quiet = this.#brake.rest(key, ACTIONS, this.#options.clock.steady());
    if (this.#backoff.clear(key, 'action') || quiet === 'released') {
      return 'again';
    }
    return { requeueAfterMs: earliest(laterMs, quiet) };
  }

  /** Plans say when by the clock; from here on it is a span. */
  #untilMs(at: number | undefined): number | undefined {
    return at === undefined ? undefined : Math.max(0, at - this.#options.clock.now());
  }

  /** How long the planned action has to wait; 0: it may be done. */
  #actionWaitMs(key: UpgradeKey, { action, status }: Plan): number {
    const now = this.#options.clock.steady();
    return Math.max(
      this.#backoff.waitMs(key, 'action', now),
      this.#brake.waitMs(key, action.kind, now),
      isMissedGate(action) ? this.#backoff.deletionWaitMs(key, status.attempt?.id ?? '', now) : 0,
    );
  }

  async #storeStatus(key: UpgradeKey, upgrade: Upgrade, plan: Plan): Promise<Next> {
    const { writer, store, clock } = this.#options;
    const now = clock.steady();
    const slowedMs = Math.max(
      this.#backoff.waitMs(key, 'status', now),
      this.#brake.waitMs(key, 'status', now),
    );
    const waitMs =
      slowedMs > 0 ? slowedMs : this.#takeWrite(key, statusProgress(upgrade.status, plan.status));
    if (waitMs > 0) {
      return { requeueAfterMs: waitMs, held: true };
    }
    const written = await writer.patchStatus(upgrade, plan.status);
    if (!written.ok) {
      return this.#failed(key, 'status', written.failure);
    }
    this.#backoff.clear(key, 'status');
    this.#pace.written(key);
    store.upgrades.applyWrite(written.object);
    const isStored = changeOf(written.object.status, plan.status) === 'none';
    this.#noteEffect(key, 'status', isStored ? undefined : STATUS_CHANGED);
    this.#recorder.statusStored(upgrade, upgrade.status, plan.status);
    return plan.intent ? 'again' : 'continue';
  }

  async #act(key: UpgradeKey, plan: Plan, action: WriteAction): Promise<Next> {
    const { failure, noEffect } = await this.#executor.execute(action);
    if (failure) {
      return this.#failed(key, 'action', failure);
    }
    this.#backoff.clear(key, 'action');
    this.#noteEffect(key, action.kind, noEffect);
    if (isMissedGate(action)) {
      this.#backoff.countDeletion(key, plan.status.attempt?.id ?? '', this.#options.clock.steady());
    }
    this.#recorder.done(key, action);
    return 'again';
  }

  /** Takes the right to one write; returns how long to wait for it when there are too many without progress. */
  #takeWrite(key: UpgradeKey, progress: Progress): number {
    const waitMs = this.#brake.take(key, this.#options.clock.steady(), progress);
    if (waitMs > 0) {
      this.#options.telemetry.braked('rate');
    }
    return waitMs;
  }

  /** Whether something came of a write decides how soon there may be another one of its kind. */
  #noteEffect(key: UpgradeKey, what: string, noEffect: Obstacle | undefined): void {
    const { telemetry, log, clock } = this.#options;
    if (!noEffect) {
      this.#brake.release(key, what);
      return;
    }
    telemetry.braked('no_effect');
    log.warn(obstacleText(noEffect), { ...named(key), what, reason: noEffect.reason });
    this.#brake.slow(key, what, clock.steady(), noEffect);
  }

  #failed(key: UpgradeKey, what: 'status' | 'action', failure: RequestFailure): Result {
    const { telemetry, log, clock } = this.#options;
    telemetry.failed(failure.kind);
    log.debug(failure.message, { ...named(key), what, cause: failure.kind });
    if (failure.kind === 'throttled') {
      return { requeueAfterMs: failure.retryAfterMs };
    }
    if (failure.kind === 'invalid' && what === 'status' && !this.#pace.isRefused(key)) {
      this.#pace.refused(key, failure.message);
      log.error(`The API server refuses a status: ${failure.message}`, {
        ...named(key),
        cause: failure.kind,
      });
      return { requeueAfterMs: 0 };
    }
    if (failure.kind === 'forbidden' || failure.kind === 'invalid') {
      log.error(`The API server refuses a write: ${failure.message}`, {
        ...named(key),
        what,
        cause: failure.kind,
      });
      this.#backoff.reject(key, { what, failure }, clock.steady());
      return { requeueAfterMs: 0 };
    }
    // A conflict means that the watch is a moment behind: it brings the key back by itself, the backoff is for the case that it does not.
    return { backoff: true };
  }
}

/** A pod is deleted because it came without its gate. */
const isMissedGate = (action: Action): boolean =>
  action.kind === 'deletePods' && action.reason === 'GateMissed';

/** The shortest of some spans. */
function earliest(...spans: readonly (number | undefined)[]): number | undefined {
  const given = spans.filter((span) => span !== undefined);
  return given.length > 0 ? Math.min(...given) : undefined;
}
