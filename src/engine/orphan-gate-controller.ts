/**
 * Opens gates that nobody would ever open: of pods for which no gating attempt exists (any more).
 * Status and admission policy race at the end of an attempt (5 of 200 pods came gated just after it), and an Upgrade may be deleted.
 */

import { isAbandoned, isClosed } from '../api/gate.ts';
import { isReason } from '../api/reasons.ts';
import type { Upgrade } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import { openedGateText } from '../core/report/gate-text.ts';
import { Brake } from './brake.ts';
import type { Ports } from './ports.ts';
import type { Result } from './queue.ts';
import type { Store, WorkloadRef } from './store.ts';

/** Long enough for the watch on Upgrades to catch up with a pod that the policy has just gated. */
const SETTLE_MS = 1000;

/** One list of a namespace's Upgrades serves all pods that are looked at within this time: nobody knows how many of both there are. */
const LIST_HOLDS_MS = 1000;

export interface OrphanGateOptions extends Pick<Ports, 'clock' | 'writer' | 'reader' | 'telemetry' | 'log'> {
  readonly store: Store;
}

type Listed = readonly Upgrade[] | 'unknown';

const gates = (upgrade: Upgrade, workload: WorkloadRef): boolean =>
  upgrade.status?.attempt?.gating === true &&
  upgrade.status.targetUID === workload.uid &&
  !isAbandoned(upgrade);

export class OrphanGateController {
  readonly #options: OrphanGateOptions;
  /** A gate that is closed again and again is opened ever more slowly. */
  readonly #brake = new Brake();
  /** By pod UID, of the steady clock. */
  readonly #orphanSince = new Map<string, number>();
  readonly #lists = new Map<string, { readonly at: number; readonly upgrades: Promise<Listed> }>();

  constructor(options: OrphanGateOptions) {
    this.#options = options;
  }

  /** Looks at one pod; opens its gate when it has been nobody's for a moment. Never rejects. */
  async reconcile(podUid: string): Promise<Result> {
    const { clock, store } = this.#options;
    const pod = store.pods.get(podUid);
    if (!pod || !isClosed(pod) || this.#isAwaited(pod)) {
      this.#orphanSince.delete(podUid);
      return {};
    }
    const since = this.#orphanSince.get(podUid) ?? clock.steady();
    this.#orphanSince.set(podUid, since);
    const now = clock.steady();
    const waitMs = Math.max(since + SETTLE_MS - now, this.#brake.waitMs(podUid, 'gate', now));
    return waitMs > 0 ? { requeueAfterMs: waitMs } : this.#open(pod);
  }

  /** The pod is gone. */
  forgetPod(podUid: string): void {
    this.#brake.forget(podUid);
    this.#orphanSince.delete(podUid);
  }

  #isAwaited(pod: PodView): boolean {
    const { store } = this.#options;
    const workload = store.workloadOf(pod);
    // A ReplicaSet that we do not know yet: its own event brings the pod back.
    return !workload || store.gatingOn(workload).some((upgrade) => gates(upgrade, workload));
  }

  /** Asks the API server itself: our watch may be silently dead for up to 45 s, and an attempt may have begun since. */
  async #isReallyNobodys(pod: PodView): Promise<boolean | 'unknown'> {
    const { store } = this.#options;
    const upgrades = await this.#listUpgrades(pod.namespace);
    const workload = store.workloadOf(pod);
    if (upgrades === 'unknown' || !workload) {
      return 'unknown';
    }
    return !upgrades.some((upgrade) => gates(upgrade, workload));
  }

  #listUpgrades(namespace: string): Promise<Listed> {
    const { reader, clock } = this.#options;
    const now = clock.steady();
    for (const [known, { at }] of this.#lists) {
      if (now >= at + LIST_HOLDS_MS) {
        this.#lists.delete(known);
      }
    }
    const known = this.#lists.get(namespace) ?? { at: now, upgrades: reader.listUpgrades(namespace) };
    this.#lists.set(namespace, known);
    return known.upgrades;
  }

  /** `fallback.action: None` lets a failed version go on; everything else is a gate left behind. */
  #reasonFor(pod: PodView): 'ReportOnly' | 'NoAttempt' {
    const { store } = this.#options;
    const workload = store.workloadOf(pod);
    const acting = workload && store.actingOn(workload);
    return isReason(acting?.status?.attempt?.end?.reason, 'FallbackDisabled') ? 'ReportOnly' : 'NoAttempt';
  }

  async #open(pod: PodView): Promise<Result> {
    const { clock, store, writer, telemetry, log } = this.#options;
    const free = await this.#isReallyNobodys(pod);
    if (free === 'unknown') {
      return { backoff: true };
    }
    // The Upgrade's own event brings the pod back.
    if (!free) {
      return {};
    }
    const reason = this.#reasonFor(pod);
    const message = openedGateText(reason);
    const written = await writer.patchVerified(pod, { status: 'True', reason, message }, clock.now());
    if (!written.ok) {
      telemetry.failed(written.failure.kind);
      return { backoff: written.failure.kind !== 'notFound' };
    }
    this.#orphanSince.delete(pod.uid);
    this.#brake.slow(pod.uid, 'gate', clock.steady());
    store.pods.applyWrite(written.object);
    telemetry.gateOpened(reason);
    log.info(`Opened the gate of pod ${pod.name}: ${message}`, {
      namespace: pod.namespace,
      pod: pod.name,
      reason,
    });
    return {};
  }
}
