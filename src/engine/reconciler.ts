/**
 * One Upgrade, once around: gather what is known, decide, store the intent, act, tell. Never waits for a check.
 * Whatever goes wrong, the key comes back; the queue is the retry.
 */

import { effectiveChecks } from '../api/checks.ts';
import type { CheckType } from '../api/enums.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import { decide, type Plan } from '../core/decision/decide.ts';
import type { PlannedCycle } from '../core/plan.ts';
import { transitionEvents, type UpgradeEvent } from '../core/report/events.ts';
import { upgradeFacts } from '../core/report/facts.ts';
import { leastStatus } from '../core/report/fit.ts';
import { changeOf } from '../core/report/status-diff.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { verificationId } from '../core/status.ts';
import { addCycle, type FinishedCycle } from '../core/verification/probe-cycle.ts';
import type { Obstacle } from '../core/workload/driver.ts';
import { driverOf } from '../core/workload/drivers.ts';
import { ActionExecutor, type WriteAction } from './action-executor.ts';
import { Brake, STATUS_CHANGED } from './brake.ts';
import { GatePolicyCache } from './gate-policy.ts';
import { LocalState } from './local-state.ts';
import { logChange, named } from './log-fields.ts';
import type { Ports, RequestFailure } from './ports.ts';
import { ProbeRunner } from './probe-runner.ts';
import type { Result } from './queue.ts';
import { podReference, upgradeReference, workloadReference } from './references.ts';
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
/** The least time between two writes of mere progress. */
const PROGRESS_EVERY_MS = 2000;
/** And of mere counts and times of tries. */
const VOLATILE_EVERY_MS = 60_000;
/** So long only the least is told of an Upgrade whose status was refused. */
const STATUS_REFUSED_MS = 10 * 60_000;
/** After a cycle that said nothing. */
const NO_ANSWER_MS = 1000;

const ACTIONS: readonly WriteAction['kind'][] = [
  'patchImages',
  'patchPartition',
  'setFinalizers',
  'releaseFields',
  'deletePod',
  'recordResults',
];

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #executor: ActionExecutor;
  readonly #runner: ProbeRunner;
  readonly #gate: GatePolicyCache;
  readonly #warnings: WarningCache;
  readonly local: LocalState;
  readonly #backoff = new WriteBackoff();
  readonly #brake = new Brake();
  /** Why the API server refused the status of an Upgrade: for a while only the least is told. */
  readonly #statusRefused = new Map<UpgradeKey, { readonly message: string; readonly until: number }>();
  /** Of the steady clock. */
  readonly #writtenAt = new Map<UpgradeKey, number>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.local = new LocalState(options.clock);
    this.#executor = new ActionExecutor({ ...options, local: this.local });
    this.#runner = new ProbeRunner(options);
    this.#gate = new GatePolicyCache(options);
    this.#warnings = new WarningCache(options);
  }

  stop(): void {
    this.#runner.stop();
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
        this.#tellable(key, decide(this.#gather(key, upgrade))),
      );
      if (typeof next === 'object') {
        this.#brake.release(key, 'visit');
        return next;
      }
    }
    return this.#spins(key);
  }

  /** Turns that follow each other without end are no work: each next visit waits twice as long. */
  #spins(key: UpgradeKey): Result {
    const { clock, telemetry } = this.#options;
    telemetry.braked('spinning');
    this.#brake.slow(key, 'visit', clock.steady(), undefined, { minMs: 50, maxMs: 10_000 });
    return { requeueAfterMs: this.#brake.waitMs(key, 'visit', clock.steady()) };
  }

  #tellable(key: UpgradeKey, plan: Plan): Plan {
    const refused = this.#statusRefused.get(key);
    return refused && this.#options.clock.steady() < refused.until
      ? { ...plan, status: leastStatus(plan.status, refused.message) }
      : plan;
  }

  #forget(key: UpgradeKey): Result {
    const [namespace = '', name = ''] = key.split('/');
    this.#options.telemetry.upgradeSeen(namespace, name, undefined);
    this.#writtenAt.delete(key);
    this.#backoff.forget(key);
    this.#brake.forget(key);
    this.#statusRefused.delete(key);
    return {};
  }

  #gather(key: UpgradeKey, upgrade: Upgrade): Snapshot {
    const { clock, store } = this.#options;
    this.local.followClock();
    const now = clock.now();
    const workload = store.targetOf(upgrade);
    const acting = store.actingFor(upgrade);
    const waits = acting !== undefined && acting.metadata.uid !== upgrade.metadata.uid;
    // One that waits decides nothing by its target's pods, and there may be thousands of both.
    const pods = workload && !waits ? store.podsOf(workload) : [];
    this.local.beginVerification(pods, verificationId(upgrade, upgrade.status ?? {}));
    const revision = workload && driverOf(workload).updateRevision(workload, store.revisionsOf(workload));
    const refusal = this.#backoff.refusal(key);
    return {
      now,
      upgrade,
      claimedBy: waits ? acting.metadata.name : undefined,
      workload,
      namesakes: workload ? [] : store.namesakesOf(upgrade),
      updateRevision: revision,
      pods,
      nodeReady: (name) => store.nodes.get(name)?.ready ?? true,
      nodeLabels: (name) => store.nodes.get(name)?.labels,
      nodeBackAt: this.local.nodeBackAt,
      records: this.local.records,
      restartsSeen: this.local.restartsSeen,
      waitingSince: this.local.waitingSince,
      eventsSeen: (uid) => this.#warnings.of(uid),
      gatePolicy: this.#gate.policy,
      refusal: refusal
        ? { reason: refusal.kind === 'forbidden' ? 'Forbidden' : 'Refused', message: refusal.message }
        : this.#brake.obstacle(key),
    };
  }

  async #carryOut(key: UpgradeKey, upgrade: Upgrade, plan: Plan): Promise<Next> {
    const { action } = plan;
    if (action.kind === 'probeGatePolicy' && (await this.#gate.refresh()) !== 'Unknown') {
      return 'again';
    }
    if (action.kind === 'readWarning') {
      await this.#warnings.refresh(action.about);
      return 'again';
    }
    const statusDueMs = this.#statusDueMs(key, upgrade, plan);
    const stored = statusDueMs === 0 ? await this.#storeStatus(key, upgrade, plan) : 'continue';
    if (stored !== 'continue') {
      return stored;
    }
    for (const cycle of plan.cycles) {
      this.#runner.start(key, cycle, (finished) => this.#finished(key, cycle, finished));
    }
    const laterMs = earliest(statusDueMs, this.#untilMs(plan.wakeAt));
    if (action.kind === 'none' || action.kind === 'probeGatePolicy') {
      return this.#rest(key, laterMs);
    }
    const waitMs = this.#actionWaitMs(key, plan);
    const grantedMs = waitMs > 0 ? waitMs : this.#takeWrite(key);
    return grantedMs > 0
      ? { requeueAfterMs: earliest(laterMs, grantedMs), held: true }
      : this.#act(key, plan, action);
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
    const slipped = action.kind === 'deletePod' && action.reason === 'GateMissed';
    return Math.max(
      this.#backoff.waitMs(key, 'action', now),
      this.#brake.waitMs(key, action.kind, now),
      slipped ? this.#backoff.deletionWaitMs(key, status.attempt?.id ?? '', now) : 0,
    );
  }

  /** In how long the planned status is to be written; `undefined`: what is stored says the same. */
  #statusDueMs(key: UpgradeKey, upgrade: Upgrade, { status, intent }: Plan): number | undefined {
    const change = changeOf(upgrade.status, status);
    if (change === 'none') {
      return undefined;
    }
    const writtenAt = this.#writtenAt.get(key);
    if (intent || change === 'transition' || writtenAt === undefined) {
      return 0;
    }
    const everyMs = change === 'progress' ? PROGRESS_EVERY_MS : VOLATILE_EVERY_MS;
    return Math.max(0, writtenAt + everyMs - this.#options.clock.steady());
  }

  async #storeStatus(key: UpgradeKey, upgrade: Upgrade, plan: Plan): Promise<Next> {
    const { writer, store, clock } = this.#options;
    const now = clock.steady();
    const slowedMs = Math.max(
      this.#backoff.waitMs(key, 'status', now),
      this.#brake.waitMs(key, 'status', now),
    );
    const waitMs = slowedMs > 0 ? slowedMs : this.#takeWrite(key);
    if (waitMs > 0) {
      return { requeueAfterMs: waitMs, held: true };
    }
    const written = await writer.patchStatus(upgrade, plan.status);
    if (!written.ok) {
      return this.#failed(key, 'status', written.failure);
    }
    this.#backoff.clear(key, 'status');
    this.#writtenAt.set(key, clock.steady());
    store.upgrades.applyWrite(written.object);
    const isStored = changeOf(written.object.status, plan.status) === 'none';
    this.#noteEffect(key, 'status', isStored ? undefined : STATUS_CHANGED);
    this.#record(upgrade, upgrade.status, plan.status);
    return plan.intent ? 'again' : 'continue';
  }

  #record(upgrade: Upgrade, before: UpgradeStatus | undefined, after: UpgradeStatus): void {
    const { telemetry, log } = this.#options;
    const { namespace, name } = upgrade.metadata;
    const { kind } = upgrade.spec.targetRef;
    const { events, completions, fallbackEnded } = transitionEvents(upgrade, before, after);
    telemetry.upgradeSeen(namespace, name, upgradeFacts(upgrade, after));
    for (const { outcome, seconds } of completions) {
      telemetry.attemptEnded(kind, outcome, seconds);
    }
    if (fallbackEnded === 'Verified' || fallbackEnded === 'Unverified' || fallbackEnded === 'Failed') {
      telemetry.fallbackEnded(kind, fallbackEnded);
    }
    logChange(log, upgrade, before, after);
    for (const event of events) {
      this.#recordEvent(upgrade, event);
    }
  }

  /** About the Upgrade, with its workload as related object, or the other way round. */
  #recordEvent(upgrade: Upgrade, { regarding, ...event }: UpgradeEvent): void {
    const { writer, store } = this.#options;
    const workload = store.targetOf(upgrade);
    const [about, related] = [upgradeReference(upgrade), workload && workloadReference(workload)];
    if (regarding !== 'Workload') {
      void writer.recordEvent(about, { ...event, related });
    } else if (related) {
      void writer.recordEvent(related, { ...event, related: about });
    }
  }

  async #act(key: UpgradeKey, plan: Plan, action: WriteAction): Promise<Next> {
    const { failure, noEffect } = await this.#executor.execute(action);
    if (failure) {
      return this.#failed(key, 'action', failure);
    }
    this.#backoff.clear(key, 'action');
    this.#noteEffect(key, action.kind, noEffect);
    this.#acted(key, plan);
    return 'again';
  }

  /** Takes the right to one write; returns how long to wait for it when there are too many. */
  #takeWrite(key: UpgradeKey): number {
    const waitMs = this.#brake.take(key, this.#options.clock.steady());
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
    log.warn(noEffect.message, { ...named(key), what, reason: noEffect.reason });
    this.#brake.slow(key, what, clock.steady(), noEffect);
  }

  #acted(key: UpgradeKey, { action, status }: Plan): void {
    const { telemetry, clock, log, writer, store } = this.#options;
    if (action.kind === 'patchImages' && action.direction === 'Back') {
      telemetry.fallbackStarted((clock.now() - action.recordedAt) / 1000);
    }
    if (action.kind !== 'deletePod') {
      return;
    }
    log.info(`Deleted pod ${action.pod.name}`, {
      ...named(key),
      pod: action.pod.name,
      reason: action.reason,
    });
    // It is how such a workload rolls: an event a pod would say nothing new.
    if (action.reason === 'Replaced') {
      return;
    }
    const note =
      action.reason === 'GateMissed'
        ? 'it came without the gate'
        : 'it blocked the StatefulSet (kubernetes#67250)';
    if (action.reason === 'GateMissed') {
      this.#backoff.countDeletion(key, status.attempt?.id ?? '', clock.steady());
    }
    const upgrade = store.upgrades.get(key);
    if (upgrade) {
      void writer.recordEvent(upgradeReference(upgrade), {
        type: 'Normal',
        reason: action.reason,
        action: 'Deleting',
        note: `Deleted pod ${action.pod.name}: ${note}`,
        related: podReference(action.pod),
      });
    }
  }

  #failed(key: UpgradeKey, what: 'status' | 'action', failure: RequestFailure): Result {
    const { telemetry, log, clock } = this.#options;
    telemetry.failed(failure.kind);
    log.debug(failure.message, { ...named(key), what, cause: failure.kind });
    if (failure.kind === 'throttled') {
      return { requeueAfterMs: failure.retryAfterMs };
    }
    if (failure.kind === 'invalid' && what === 'status' && !this.#isLeast(key)) {
      const until = clock.steady() + STATUS_REFUSED_MS;
      this.#statusRefused.set(key, { message: failure.message, until });
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

  #isLeast(key: UpgradeKey): boolean {
    return this.#options.clock.steady() < (this.#statusRefused.get(key)?.until ?? 0);
  }

  /** Adds a finished cycle to memory, judged by the pod as it is now. A cycle that was begun for another verification says nothing about this one. */
  #finished(
    key: UpgradeKey,
    { pod: asked, verification, inFallback }: PlannedCycle,
    finished: FinishedCycle | undefined,
  ): void {
    const { store, telemetry, cycleEnded } = this.#options;
    if (finished?.seen) {
      store.pods.applyWrite(finished.seen);
    }
    const pod = store.pods.get(asked.uid);
    const upgrade = store.upgrades.get(key);
    // What a lost node does not answer, and what we last knew of its pods' readiness, is no evidence.
    const lost = store.nodes.get(asked.node)?.ready === false;
    if (!finished || lost) {
      cycleEnded(key, NO_ANSWER_MS);
      return;
    }
    if (pod && !pod.deleting && upgrade?.status && verificationId(upgrade, upgrade.status) === verification) {
      const record = addCycle(
        this.local.records.get(pod.uid),
        {
          spec: upgrade.spec,
          template: (store.targetOf(upgrade)?.containers ?? []).map(({ name }) => name),
          baseline: upgrade.status.from?.baseline ?? [],
          verification,
          inFallback,
        },
        pod,
        finished,
      );
      this.local.keepRecord(pod.uid, record);
      for (const { check, verdict, lastAt } of record.tries) {
        if (lastAt === finished.finishedAt) {
          telemetry.tried(
            checkType(upgrade, check),
            verdict.class,
            verdict.exitCode,
            (finished.finishedAt - finished.startedAt) / 1000,
          );
        }
      }
    }
    cycleEnded(key, 0);
  }
}

/** The shortest of some spans. */
function earliest(...spans: readonly (number | undefined)[]): number | undefined {
  const given = spans.filter((span) => span !== undefined);
  return given.length > 0 ? Math.min(...given) : undefined;
}

/** Which of the four ways the check asks. */
function checkType({ spec }: Upgrade, name: string): CheckType {
  const check = effectiveChecks(spec).find((candidate) => candidate.name === name);
  return (['httpGet', 'tcpSocket', 'grpc'] as const).find((kind) => check?.[kind]) ?? 'exec';
}
