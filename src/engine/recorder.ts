/** Records what was done, after it was done: events, log lines, metrics and spans. */
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import type { DeletePods } from '../core/plan.ts';
import { deletionText, type ReportedDeletion } from '../core/report/deletion-text.ts';
import { transitionEvents, type UpgradeEvent } from '../core/report/events.ts';
import { upgradeFacts } from '../core/report/facts.ts';
import { fromIso } from '../core/time.ts';
import type { WriteAction } from './action-executor.ts';
import { logChange, named } from './log-fields.ts';
import type { OperatorEvent, Ports } from './ports.ts';
import { podReference, upgradeReference, workloadReference } from './references.ts';
import type { SpanReporter } from './span-reporter.ts';
import { type Store, type UpgradeKey, upgradeKey } from './store.ts';

export interface RecorderOptions extends Pick<Ports, 'clock' | 'writer' | 'telemetry' | 'log'> {
  readonly store: Store;
  readonly spans: SpanReporter;
}

export class Recorder {
  readonly #options: RecorderOptions;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** A status was stored in place of another one. */
  statusStored(upgrade: Upgrade, before: UpgradeStatus | undefined, after: UpgradeStatus): void {
    const { telemetry, log, clock } = this.#options;
    const { namespace, name } = upgrade.metadata;
    const { kind } = upgrade.spec.targetRef;
    const { events, completions, fallbackEnded, waitEnded } = transitionEvents(upgrade, before, after);
    telemetry.upgradeSeen(namespace, name, upgradeFacts(upgrade, after));
    if (after.fallback && after.fallback.startedAt !== before?.fallback?.startedAt) {
      telemetry.fallbackStarted('status', (clock.now() - fromIso(after.fallback.startedAt)) / 1000);
    }
    for (const { outcome, seconds } of completions) {
      telemetry.attemptEnded(kind, outcome, seconds);
    }
    if (fallbackEnded === 'Verified' || fallbackEnded === 'Unverified' || fallbackEnded === 'Failed') {
      telemetry.fallbackEnded(kind, fallbackEnded);
    }
    if (waitEnded) {
      telemetry.waitEnded(waitEnded.reason, Math.max(0, clock.now() - waitEnded.since) / 1000);
    }
    this.#options.spans.statusChanged(upgrade, before, after);
    logChange(log, upgrade, before, after);
    for (const event of events) {
      this.#recordEvent(upgrade, event);
    }
  }

  /** Regarding the Upgrade, with its workload as related object, or the other way round. */
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

  /** A planned action was executed. */
  done(key: UpgradeKey, action: WriteAction): void {
    const { telemetry, clock, store, spans } = this.#options;
    if (action.kind === 'patchImages' && action.evidenceAt !== undefined) {
      telemetry.fallbackStarted('images', (clock.now() - action.evidenceAt) / 1000);
    }
    const upgrade = store.upgrades.get(key);
    if (upgrade && action.kind === 'deletePods') {
      this.#podsDeleted(upgrade, action);
    }
    if (upgrade && action.kind === 'recordResults') {
      spans.resultsRecorded(upgrade, action.conditions, clock.now());
    }
  }

  #podsDeleted(upgrade: Upgrade, { pods, reason }: DeletePods): void {
    const { log, writer } = this.#options;
    for (const pod of pods) {
      log.info(`Deleted pod ${pod.name}`, { ...named(upgradeKey(upgrade)), pod: pod.name, reason });
      // With OnDelete every pod is replaced this way: an event for each would be noise.
      if (reason !== 'Replaced') {
        void writer.recordEvent(upgradeReference(upgrade), deletionEvent(pod, reason));
      }
    }
  }
}

const deletionEvent = (pod: PodView, reason: ReportedDeletion): OperatorEvent => ({
  type: 'Normal',
  reason,
  action: 'Deleting',
  note: deletionText(pod, reason),
  related: podReference(pod),
});
