/** Series that name Upgrades: one each, and a bounded number of them. */
import { Gauge, type Registry } from 'prom-client';
import type { UpgradeFacts } from '../engine/telemetry-ports.ts';

export interface SeenUpgrade {
  readonly namespace: string;
  readonly name: string;
  readonly facts: UpgradeFacts;
}

const needsPerson = ({ facts }: SeenUpgrade): boolean =>
  facts.stalled === 'True' || facts.phase === 'Inconclusive';

/** At most so many; the ones that need a person first, so that no alert about them is lost to the limit. */
function mostInNeed(all: readonly SeenUpgrade[], limit: number): readonly SeenUpgrade[] {
  return all.length <= limit
    ? all
    : [...all.filter(needsPerson), ...all.filter((one) => !needsPerson(one))].slice(0, limit);
}

/** Registers the metrics, which are computed at the time of the scrape. */
export function registerUpgradeMetrics(
  registry: Registry,
  seen: ReadonlyMap<string, SeenUpgrade>,
  maxUpgrades: number,
): void {
  const shown = (): readonly SeenUpgrade[] => mostInNeed([...seen.values()], maxUpgrades);
  const registers = [registry];
  new Gauge({
    name: 'postcheck_upgrade_info',
    help: 'Always 1; one series per Upgrade, with labels from its status.',
    labelNames: [
      ...['upgrade_namespace', 'name', 'kind', 'target'],
      ...['phase', 'ready', 'stalled', 'reason', 'gate'],
    ],
    registers,
    collect() {
      this.reset();
      for (const { namespace, name, facts } of shown()) {
        const { progressAt: _, waiting: __, left: _left, ...labels } = facts;
        this.set({ upgrade_namespace: namespace, name, ...labels }, 1);
      }
    },
  });
  new Gauge({
    name: 'postcheck_upgrade_progress_timestamp_seconds',
    help: 'When the running attempt last made progress; absent if none is running.',
    labelNames: ['upgrade_namespace', 'name'],
    registers,
    collect() {
      this.reset();
      for (const { namespace, name, facts } of shown()) {
        if (facts.progressAt !== undefined) {
          this.set({ upgrade_namespace: namespace, name }, facts.progressAt / 1000);
        }
      }
    },
  });
  new Gauge({
    name: 'postcheck_pods_left',
    help: 'Pods that failed within the budget, gated or rolled back; absent if there are none.',
    labelNames: ['upgrade_namespace', 'name'],
    registers,
    collect() {
      this.reset();
      for (const { namespace, name, facts } of shown()) {
        if (facts.left > 0) {
          this.set({ upgrade_namespace: namespace, name }, facts.left);
        }
      }
    },
  });
  new Gauge({
    name: 'postcheck_upgrade_waiting_timestamp_seconds',
    help: 'Since when an attempt, or its next stage, waits for a window, a dependency, a soak or an approval; absent if it does not wait.',
    labelNames: ['upgrade_namespace', 'name', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const { namespace, name, facts } of shown()) {
        if (facts.waiting) {
          const { reason, since } = facts.waiting;
          this.set({ upgrade_namespace: namespace, name, reason }, since / 1000);
        }
      }
    },
  });
  new Gauge({
    name: 'postcheck_upgrade_info_omitted',
    help: 'Upgrades without a series, because there are more than the limit.',
    registers,
    collect() {
      this.set(maxUpgrades === 0 ? 0 : Math.max(0, seen.size - maxUpgrades));
    },
  });
}
