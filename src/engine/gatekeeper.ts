/**
 * Opens gates that nobody would ever open: of pods for which no gating attempt exists (any more).
 * Status and admission policy race at the end of an attempt (5 of 200 pods came gated just after it), and an Upgrade may be deleted.
 */

import { isClosed } from '../api/gate.ts';
import { isReason } from '../api/reasons.ts';
import type { Upgrade } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import type { Clock, Log, Reader, Telemetry, Writer } from './ports.ts';
import type { Store, WorkloadRef } from './store.ts';

/** Long enough for the watch on Upgrades to catch up with a pod that the policy has just gated. */
const SETTLE_MS = 1000;

export interface GatekeeperOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly wake: (podUid: string, at: number) => void;
}

const gates = ({ status, metadata }: Upgrade, workload: WorkloadRef): boolean =>
  status?.attempt?.gating === true && status.targetUID === workload.uid && !metadata.deletionTimestamp;

export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  readonly #orphanSince = new Map<string, number>();

  constructor(options: GatekeeperOptions) {
    this.#options = options;
  }

  /** Looks at one pod; opens its gate when it has been nobody's for a moment. */
  async look(podUid: string): Promise<'done' | 'retry'> {
    const { clock, store, wake } = this.#options;
    const pod = store.pods.get(podUid);
    if (!pod || !isClosed(pod) || this.#isAwaited(pod)) {
      this.#orphanSince.delete(podUid);
      return 'done';
    }
    const since = this.#orphanSince.get(podUid) ?? clock.now();
    this.#orphanSince.set(podUid, since);
    if (clock.now() >= since + SETTLE_MS) {
      return this.#open(pod);
    }
    wake(podUid, since + SETTLE_MS);
    return 'done';
  }

  #isAwaited(pod: PodView): boolean {
    const { store } = this.#options;
    const workload = store.workloadOf(pod);
    // A ReplicaSet that we do not know yet: its own event brings the pod back.
    return !workload || store.gatingOn(workload).some((upgrade) => gates(upgrade, workload));
  }

  /** Asks the API server itself: our watch may be silently dead for up to 45 s, and an attempt may have begun since. */
  async #isReallyNobodys(pod: PodView): Promise<boolean | 'unknown'> {
    const { reader, store } = this.#options;
    const upgrades = await reader.listUpgrades(pod.namespace);
    const workload = store.workloadOf(pod);
    if (upgrades === 'unknown' || !workload) {
      return 'unknown';
    }
    return !upgrades.some((upgrade) => gates(upgrade, workload));
  }

  /** `fallback.action: None` lets a failed version go on; everything else is a gate left behind. */
  #reasonFor(pod: PodView): 'ReportOnly' | 'NoAttempt' {
    const { store } = this.#options;
    const workload = store.workloadOf(pod);
    const acting = workload && store.actingOn(workload);
    return isReason(acting?.status?.attempt?.end?.reason, 'FallbackDisabled') ? 'ReportOnly' : 'NoAttempt';
  }

  async #open(pod: PodView): Promise<'done' | 'retry'> {
    const { clock, store, writer, telemetry, log } = this.#options;
    const free = await this.#isReallyNobodys(pod);
    if (free === 'unknown') {
      return 'retry';
    }
    // The Upgrade's own event brings the pod back.
    if (!free) {
      return 'done';
    }
    const reason = this.#reasonFor(pod);
    const message =
      reason === 'ReportOnly'
        ? 'the version failed, but spec.fallback.action is None'
        : 'no attempt of an Upgrade waits for this pod';
    const written = await writer.patchVerified(pod, { status: 'True', reason, message }, clock.now());
    if (!written.ok) {
      telemetry.failed(written.failure.kind);
      return written.failure.kind === 'notFound' ? 'done' : 'retry';
    }
    store.pods.applyWrite(written.object);
    telemetry.gateOpened(reason);
    log.info('gate opened', { pod: `${pod.namespace}/${pod.name}`, reason });
    return 'done';
  }
}
