/**
 * Opens the gates of pods for which no gating attempt exists any more, as nothing else would.
 * The end of an attempt races with the admission policy (5 of 200 pods were gated just after it), an Upgrade may be deleted, and so may a workload
 * around its pods (`kubectl delete --cascade=orphan`).
 */

import { isAbandoned, isClosed } from '../api/gate.ts';
import { isReason } from '../api/reasons.ts';
import type { PodView } from '../api/views.ts';
import { openedGateText } from '../core/report/gate-text.ts';
import { Brake } from './brake.ts';
import type { GatingUpgrade, Ports } from './ports.ts';
import type { Result } from './queue.ts';
import type { Store, WorkloadRef } from './store.ts';
import { type Listed, UpgradeLists } from './upgrade-lists.ts';

/** Long enough for the watch of Upgrades to catch up after the policy has gated a pod. */
const SETTLE_MS = 1000;

export interface OrphanGateOptions extends Pick<Ports, 'clock' | 'writer' | 'reader' | 'telemetry' | 'log'> {
  readonly store: Store;
}

/** No event tells when the last attempt of a namespace has ended. */
const UNOWNED_INTERVAL_MS = 10_000;

/** Whether the Upgrade gates pods of the workload. A pod whose workload is unknown may be any one's: it may be adopted again, or not be cached yet. */
const gates = (upgrade: GatingUpgrade, workload: WorkloadRef | undefined): boolean =>
  upgrade.status?.attempt?.gating === true &&
  (workload === undefined || upgrade.status.targetUID === workload.uid) &&
  !isAbandoned(upgrade);

export class OrphanGateController {
  readonly #options: OrphanGateOptions;
  /** A gate that is closed repeatedly is opened with increasing delay. */
  readonly #brake = new Brake();
  /** By pod UID; times of the monotonic clock. */
  readonly #orphanSince = new Map<string, number>();
  readonly #lists: UpgradeLists;

  constructor(options: OrphanGateOptions) {
    this.#options = options;
    this.#lists = new UpgradeLists(options);
  }

  /** Reconciles one pod: opens its gate after it has been an orphan for a moment. Never rejects. */
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
    return workload !== undefined && store.gatingOn(workload).some((upgrade) => gates(upgrade, workload));
  }

  /** Reads from the API server: the watch may be silently dead for up to 45 s, and an attempt may have started since. */
  async #isOrphan(pod: PodView, list: Promise<Listed>): Promise<boolean | 'unknown'> {
    const upgrades = await list;
    const workload = this.#options.store.workloadOf(pod);
    return upgrades === 'unknown' ? upgrades : !upgrades.some((upgrade) => gates(upgrade, workload));
  }

  /** With `fallback.action: None` a failed version keeps rolling out; in all other cases the gate was left behind. */
  #reasonFor(pod: PodView): 'ReportOnly' | 'NoAttempt' {
    const { store } = this.#options;
    const workload = store.workloadOf(pod);
    const acting = workload && store.actingOn(workload);
    return isReason(acting?.status?.attempt?.end?.reason, 'FallbackDisabled') ? 'ReportOnly' : 'NoAttempt';
  }

  async #open(pod: PodView): Promise<Result> {
    const { clock, store, writer, telemetry, log } = this.#options;
    const list = this.#lists.of(pod.namespace);
    if (typeof list === 'number') {
      return { requeueAfterMs: list };
    }
    const isOrphan = await this.#isOrphan(pod, list);
    if (isOrphan === 'unknown') {
      return { backoff: true };
    }
    if (!isOrphan) {
      // The event of its Upgrade enqueues the pod again; without an owner, none does.
      return store.workloadOf(pod) ? {} : { requeueAfterMs: UNOWNED_INTERVAL_MS };
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
