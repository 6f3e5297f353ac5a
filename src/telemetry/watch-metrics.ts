/** Metrics of the watches, by resource. */
import { Gauge, type Registry } from 'prom-client';
import type { WatchedKind, WatchHealth } from '../engine/ports.ts';
import { RESOURCES } from './labels.ts';

export interface WatchSource {
  /** The watched kinds, and the state of their watches at the time of the scrape. */
  readonly watched: readonly WatchedKind[];
  readonly watches: () => readonly WatchHealth[];
}

/** With several namespaces, the worst is shown. An optional kind counts as healthy while it is forbidden. */
export function registerWatchMetrics(registry: Registry, { watched, watches }: WatchSource): void {
  const registers = [registry];
  const worst = (kind: WatchedKind, of: (health: WatchHealth) => number): number =>
    Math.max(
      0,
      ...watches()
        .filter((health) => health.kind === kind)
        .map(of),
    ) / 1000;
  const gauge = (name: string, help: string, of: (health: WatchHealth) => number): Gauge =>
    new Gauge({
      name,
      help,
      labelNames: ['resource'],
      registers,
      collect() {
        for (const kind of watched) {
          this.set({ resource: RESOURCES[kind] }, worst(kind, of));
        }
      },
    });
  gauge(
    'postcheck_watch_last_contact_seconds',
    'Time since the API server last sent an object or a bookmark on a watch.',
    ({ silentMs }) => silentMs,
  );
  gauge(
    'postcheck_watch_failing_seconds',
    'Time since a watch began to fail; 0 while it works.',
    ({ optional, failingMs }) => (optional ? 0 : failingMs),
  );
}
