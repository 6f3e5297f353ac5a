/** Metrics with a series for each Upgrade, and a limit of the number of Upgrades. */
import { Gauge, type Registry } from 'prom-client';
import type { UpgradeFacts } from '../engine/telemetry-ports.ts';

export interface SeenUpgrade {
  readonly namespace: string;
  readonly name: string;
  readonly facts: UpgradeFacts;
}

const needsPerson = ({ facts }: SeenUpgrade): boolean =>
  facts.stalled === 'True' || facts.phase === 'Inconclusive';

/**
 * The Upgrades with a series, those that need a person first, so that no alert about them is lost to the limit. Namespaces take turns, and one with
 * more than half of the limit leaves the rest to others: whoever writes thousands of Upgrades does not silence the alerts of anybody else.
 */
function limited(all: readonly SeenUpgrade[], limit: number): readonly SeenUpgrade[] {
  if (all.length <= limit) {
    return all;
  }
  const turns = new Map<string, number>();
  const takeTurn = ({ namespace }: SeenUpgrade): number => {
    const turn = turns.get(namespace) ?? 0;
    turns.set(namespace, turn + 1);
    return turn;
  };
  const rankOf = (one: SeenUpgrade, turn: number): number =>
    turn >= limit / 2 ? 2 : needsPerson(one) ? 0 : 1;
  return [...all.filter(needsPerson), ...all.filter((one) => !needsPerson(one))]
    .map((one) => ({ one, turn: takeTurn(one) }))
    .sort((a, b) => rankOf(a.one, a.turn) - rankOf(b.one, b.turn) || a.turn - b.turn)
    .slice(0, limit)
    .map(({ one }) => one);
}

interface UpgradeGauge {
  readonly name: string;
  readonly help: string;
  /** Labels besides namespace and name. */
  readonly labels: readonly string[];
  /** The series of an Upgrade; `undefined` if it has none. */
  readonly seriesOf: (
    facts: UpgradeFacts,
  ) => { readonly value: number; readonly labels?: Labels } | undefined;
}

type Labels = Readonly<Record<string, string>>;

const GAUGES: readonly UpgradeGauge[] = [
  {
    name: 'postcheck_upgrade_info',
    help: 'Always 1; one series per Upgrade, with labels from its status.',
    labels: ['kind', 'target', 'phase', 'ready', 'stalled', 'reason', 'gate'],
    seriesOf: ({ progressAt: _, waiting: __, left: _left, ...labels }) => ({ value: 1, labels }),
  },
  {
    name: 'postcheck_upgrade_progress_timestamp_seconds',
    help: 'When the running attempt last made progress; absent if none is running.',
    labels: [],
    seriesOf: ({ progressAt }) => (progressAt === undefined ? undefined : { value: progressAt / 1000 }),
  },
  {
    name: 'postcheck_pods_left',
    help: 'Pods that failed within the budget, gated or rolled back; absent if there are none.',
    labels: [],
    seriesOf: ({ left }) => (left > 0 ? { value: left } : undefined),
  },
  {
    name: 'postcheck_upgrade_waiting_timestamp_seconds',
    help: 'Since when an attempt, or its next stage, waits for a window, a dependency, a soak or an approval; absent if it does not wait.',
    labels: ['reason'],
    seriesOf: ({ waiting }) => waiting && { value: waiting.since / 1000, labels: { reason: waiting.reason } },
  },
];

/** Registers the metrics, which are computed at the time of the scrape. */
export function registerUpgradeMetrics(
  registry: Registry,
  seen: ReadonlyMap<string, SeenUpgrade>,
  maxUpgrades: number,
): void {
  const registers = [registry];
  for (const { name: metric, help, labels: labelNames, seriesOf } of GAUGES) {
    new Gauge({
      name: metric,
      help,
      labelNames: ['upgrade_namespace', 'name', ...labelNames],
      registers,
      collect() {
        this.reset();
        for (const { namespace, name, facts } of limited([...seen.values()], maxUpgrades)) {
          const series = seriesOf(facts);
          if (series) {
            this.set({ upgrade_namespace: namespace, name, ...series.labels }, series.value);
          }
        }
      },
    });
  }
  new Gauge({
    name: 'postcheck_upgrade_info_omitted',
    help: 'Upgrades without a series, because there are more than the limit.',
    registers,
    collect() {
      this.set(maxUpgrades === 0 ? 0 : Math.max(0, seen.size - maxUpgrades));
    },
  });
}
