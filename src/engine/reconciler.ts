/**
 * One Upgrade, once around: gather what is known, decide, store the intent, act, tell. Never waits for a check.
 * Whatever goes wrong, the key comes back; the queue is the retry.
 */

import { effectiveChecks } from '../api/checks.ts';
import type { CheckType } from '../api/enums.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import { newCommand } from '../core/decision/commands.ts';
import { decide, type Plan } from '../core/decision/decide.ts';
import type { PlannedCycle } from '../core/plan.ts';
import { transitionEvents } from '../core/report/events.ts';
import { type Change, changeOf } from '../core/report/status-diff.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { isForSpec, verificationId } from '../core/status.ts';
import { addCycle, type FinishedCycle } from '../core/verification/probe-cycle.ts';
import { driverOf } from '../core/workload/drivers.ts';
import { Actor } from './actor.ts';
import { Memory } from './memory.ts';
import { Patience } from './patience.ts';
import type {
  Clock,
  Executor,
  GatePolicy,
  GateProbe,
  Log,
  Prober,
  Reader,
  RequestFailure,
  Telemetry,
  Writer,
} from './ports.ts';
import { ProbeRunner } from './probe-runner.ts';
import type { Store, UpgradeKey } from './store.ts';

export interface ReconcilerOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly executor: Executor;
  readonly prober: Prober;
  readonly gateProbe: GateProbe;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly maxExecs: number;
  readonly maxExecsPerNode: number;
  /** Brings a key back, now or at a time. */
  readonly wake: (key: UpgradeKey, at?: number) => void;
}

/** Plans that one visit may carry out before others get their turn. */
const MAX_STEPS = 8;
/** The least time between two writes of mere progress. */
const PROGRESS_EVERY_MS = 2000;
/** And of mere counts and times of tries. */
const VOLATILE_EVERY_MS = 60_000;
/** An answer about the gate policy holds so long: it may be installed, or go, at any time. */
const GATE_POLICY_MS = 10_000;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #actor: Actor;
  readonly #runner: ProbeRunner;
  readonly memory = new Memory();
  readonly #writtenAt = new Map<UpgradeKey, number>();
  readonly #patience = new Patience();
  readonly #gate = new Map<UpgradeKey, { readonly policy: GatePolicy; readonly at: number }>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#actor = new Actor(options);
    this.#runner = new ProbeRunner(options);
  }

  stop(): void {
    this.#runner.stop();
  }

  /** Never rejects: a bug of ours is counted and logged, and the key comes back later. */
  async reconcile(key: UpgradeKey): Promise<'done' | 'retry'> {
    const { telemetry, log } = this.#options;
    try {
      return await this.#visit(key);
    } catch (error) {
      telemetry.failed('bug');
      log.error('reconcile failed', {
        upgrade: key,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      return 'retry';
    }
  }

  async #visit(key: UpgradeKey): Promise<'done' | 'retry'> {
    for (let step = 0; step < MAX_STEPS; step++) {
      const upgrade = this.#options.store.upgrades.get(key);
      if (!upgrade) {
        return this.#forget(key);
      }
      // Also of those that will never change again: a new process knows none of the phases that the last one told.
      this.#options.telemetry.upgradePhase(
        upgrade.metadata.namespace,
        upgrade.metadata.name,
        upgrade.status?.phase,
      );
      const plan = decide(await this.#gather(key, upgrade));
      const result = await this.#carryOut(key, upgrade, plan);
      if (result === 'retry') {
        return 'retry';
      }
      if (result === 'done') {
        if (plan.wakeAt !== undefined) {
          this.#options.wake(key, plan.wakeAt);
        }
        return 'done';
      }
    }
    this.#options.wake(key);
    return 'done';
  }

  #forget(key: UpgradeKey): 'done' {
    const [namespace = '', name = ''] = key.split('/');
    this.#options.telemetry.upgradePhase(namespace, name, undefined);
    for (const map of [this.#writtenAt, this.#gate]) {
      map.delete(key);
    }
    this.#patience.forget(key);
    return 'done';
  }

  async #gather(key: UpgradeKey, upgrade: Upgrade): Promise<Snapshot> {
    const { clock, store } = this.#options;
    const now = clock.now();
    const workload = store.targetOf(upgrade);
    const acting = store.actingFor(upgrade);
    const waits = acting !== undefined && acting.metadata.uid !== upgrade.metadata.uid;
    // One that waits decides nothing by its target's pods, and there may be thousands of both.
    const pods = workload && !waits ? store.podsOf(workload) : [];
    for (const pod of pods) {
      this.memory.seen(pod, now);
      this.memory.seenNode(pod.node, store.nodes.get(pod.node)?.ready ?? true, now);
    }
    const revision = workload && driverOf(workload).updateRevision(workload, store.revisionsOf(workload));
    const refusal = this.#patience.refusal(key);
    return {
      now,
      upgrade,
      claimedBy: waits ? acting.metadata.name : undefined,
      workload,
      updateRevision: revision,
      pods,
      nodeReady: (name) => store.nodes.get(name)?.ready ?? true,
      nodeBackAt: this.memory.nodeBackAt,
      records: this.memory.records,
      waitingSince: this.memory.waitingSince,
      gatePolicy: await this.#gatePolicy(key, upgrade, workload?.uid),
      refusal: refusal && {
        reason: refusal.kind === 'forbidden' ? 'Forbidden' : 'Refused',
        message: refusal.message,
      },
    };
  }

  /** Asked anew for each attempt that may begin now; while one runs, its own record counts. */
  async #gatePolicy(key: UpgradeKey, upgrade: Upgrade, targetUid: string | undefined): Promise<GatePolicy> {
    const { attempt, targetUID } = upgrade.status ?? {};
    const starting =
      !attempt ||
      !isForSpec(attempt, upgrade.spec) ||
      targetUID !== targetUid ||
      newCommand(upgrade) === 'retry';
    if (!starting || upgrade.spec.gate === 'Disabled') {
      return attempt?.gating ? 'Available' : 'Unavailable';
    }
    const { clock, gateProbe } = this.#options;
    const known = this.#gate.get(key);
    if (known && clock.now() < known.at + GATE_POLICY_MS) {
      return known.policy;
    }
    const policy = await gateProbe.gatePolicy();
    if (policy !== 'Unknown') {
      this.#gate.set(key, { policy, at: clock.now() });
    }
    return policy;
  }

  /** `again`: something changed, decide anew at once. */
  async #carryOut(key: UpgradeKey, upgrade: Upgrade, plan: Plan): Promise<'done' | 'again' | 'retry'> {
    const persisted = await this.#persist(key, upgrade, plan);
    if (persisted !== 'go') {
      return persisted;
    }
    for (const cycle of plan.cycles) {
      this.#runner.start(cycle, (finished) => this.#finished(key, cycle, finished));
    }
    if (plan.action.kind === 'none') {
      return this.#patience.granted(key, 'action') ? 'again' : 'done';
    }
    return this.#waits(key, this.#actAt(key, plan)) ? 'done' : this.#act(key, plan);
  }

  /** Stores the status when it is due. `go`: the plan may be carried out. */
  async #persist(key: UpgradeKey, upgrade: Upgrade, plan: Plan): Promise<'go' | 'done' | 'again' | 'retry'> {
    const change = changeOf(upgrade.status, plan.status);
    const due = plan.intent && change !== 'none' ? 'now' : this.#writeDue(key, change);
    if (due !== 'now') {
      if (due !== undefined) {
        this.#options.wake(key, due);
      }
      return 'go';
    }
    if (this.#waits(key, this.#patience.retryAt(key, 'status', this.#options.clock.now()))) {
      return 'done';
    }
    const stored = await this.#store(key, upgrade, plan);
    if (stored !== 'stored') {
      return stored;
    }
    return plan.intent ? 'again' : 'go';
  }

  /** True when there is a time to wait for; the key comes back then. */
  #waits(key: UpgradeKey, until: number | undefined): boolean {
    if (until !== undefined) {
      this.#options.wake(key, until);
    }
    return until !== undefined;
  }

  /** When the planned act may be done; `undefined`: at once. */
  #actAt(key: UpgradeKey, { action, status }: Plan): number | undefined {
    const now = this.#options.clock.now();
    const slipped = action.kind === 'deletePod' && action.reason === 'GateMissed';
    return (
      this.#patience.retryAt(key, 'action', now) ??
      (slipped ? this.#patience.deletionAt(key, status.attempt?.id ?? '', now) : undefined)
    );
  }

  #writeDue(key: UpgradeKey, change: Change): 'now' | number | undefined {
    if (change === 'none') {
      return undefined;
    }
    if (change === 'transition') {
      return 'now';
    }
    const at =
      (this.#writtenAt.get(key) ?? 0) + (change === 'progress' ? PROGRESS_EVERY_MS : VOLATILE_EVERY_MS);
    return at <= this.#options.clock.now() ? 'now' : at;
  }

  async #store(key: UpgradeKey, upgrade: Upgrade, plan: Plan): Promise<'stored' | 'done' | 'retry'> {
    const { writer, store, clock } = this.#options;
    const written = await writer.patchStatus(upgrade, plan.status);
    if (!written.ok) {
      return this.#failed(key, 'status', written.failure);
    }
    this.#patience.granted(key, 'status');
    this.#writtenAt.set(key, clock.now());
    store.upgrades.applyWrite(written.object);
    this.#tell(upgrade, upgrade.status, plan.status);
    return 'stored';
  }

  #tell(upgrade: Upgrade, before: UpgradeStatus | undefined, after: UpgradeStatus): void {
    const { telemetry, log, writer } = this.#options;
    const { namespace, name } = upgrade.metadata;
    const { kind } = upgrade.spec.targetRef;
    const { events, completions, fallbackEnded } = transitionEvents(upgrade, before, after);
    telemetry.upgradePhase(namespace, name, after.phase);
    for (const { outcome, seconds } of completions) {
      telemetry.attemptEnded(kind, outcome, seconds);
    }
    if (fallbackEnded === 'Verified' || fallbackEnded === 'Unverified' || fallbackEnded === 'Failed') {
      telemetry.fallbackEnded(kind, fallbackEnded);
    }
    if (before?.phase !== after.phase) {
      log.info('phase changed', {
        upgrade: `${namespace}/${name}`,
        attempt: after.attempt?.id,
        from: before?.phase,
        to: after.phase,
        message: after.message,
      });
    }
    for (const event of events) {
      void writer.recordEvent(upgrade, event);
    }
  }

  async #act(key: UpgradeKey, plan: Plan): Promise<'done' | 'again' | 'retry'> {
    const failure = await this.#actor.act(plan.action);
    if (failure) {
      return this.#failed(key, 'action', failure);
    }
    this.#patience.granted(key, 'action');
    this.#acted(key, plan);
    return 'again';
  }

  #acted(key: UpgradeKey, { action, status }: Plan): void {
    const { telemetry, clock, log, writer, store } = this.#options;
    if (action.kind === 'patchImages' && action.direction === 'Back') {
      telemetry.fallbackStarted((clock.now() - action.recordedAt) / 1000);
    }
    if (action.kind !== 'deletePod') {
      return;
    }
    log.info('pod deleted', { upgrade: key, pod: action.pod.name, reason: action.reason });
    // It is how such a workload rolls: an event a pod would say nothing new.
    if (action.reason === 'Replaced') {
      return;
    }
    const note =
      action.reason === 'GateMissed'
        ? 'it came without the gate'
        : 'it blocked the StatefulSet (kubernetes#67250)';
    if (action.reason === 'GateMissed') {
      this.#patience.deleted(key, status.attempt?.id ?? '', clock.now());
    }
    const upgrade = store.upgrades.get(key);
    if (upgrade) {
      void writer.recordEvent(upgrade, {
        type: 'Normal',
        reason: action.reason,
        action: 'Deleting',
        note: `Deleted pod ${action.pod.name}: ${note}`,
      });
    }
  }

  #failed(key: UpgradeKey, what: 'status' | 'action', failure: RequestFailure): 'done' | 'retry' {
    const { telemetry, log, clock, wake } = this.#options;
    telemetry.failed(failure.kind);
    log.debug('request failed', { upgrade: key, kind: failure.kind, message: failure.message });
    if (failure.kind === 'throttled') {
      wake(key, clock.now() + failure.retryAfterMs);
      return 'done';
    }
    if (failure.kind === 'forbidden' || failure.kind === 'invalid') {
      log.error('the API server refuses a write', { upgrade: key, message: failure.message });
      this.#patience.refused(key, { what, failure }, clock.now());
      wake(key);
      return 'done';
    }
    // A conflict means that the watch is a moment behind: it brings the key back by itself, the backoff is for the case that it does not.
    return 'retry';
  }

  /** Adds a finished cycle to memory, judged by the pod as it is now. A cycle that was begun for another verification says nothing about this one. */
  #finished(
    key: UpgradeKey,
    { pod: asked, verification, inFallback }: PlannedCycle,
    finished: FinishedCycle | undefined,
  ): void {
    const { store, telemetry, wake, clock } = this.#options;
    if (finished?.seen) {
      store.pods.applyWrite(finished.seen);
    }
    const pod = store.pods.get(asked.uid);
    const upgrade = store.upgrades.get(key);
    // What a lost node does not answer, and what we last knew of its pods' readiness, is no evidence.
    const lost = store.nodes.get(asked.node)?.ready === false;
    if (!finished || lost) {
      wake(key, clock.now() + 1000);
      return;
    }
    if (pod && !pod.deleting && upgrade?.status && verificationId(upgrade, upgrade.status) === verification) {
      const record = addCycle(
        this.memory.records.get(pod.uid),
        { spec: upgrade.spec, verification, inFallback },
        pod,
        finished,
      );
      this.memory.records.set(pod.uid, record);
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
    wake(key);
  }
}

/** Which of the four ways the check asks. */
function checkType({ spec }: Upgrade, name: string): CheckType {
  const check = effectiveChecks(spec).find((candidate) => candidate.name === name);
  return (['httpGet', 'tcpSocket', 'grpc'] as const).find((kind) => check?.[kind]) ?? 'exec';
}
