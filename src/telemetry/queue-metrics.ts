/** Metrics of the work queue with client-go's names, so that dashboards and alerts for Go operators work. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueTelemetry } from '../engine/telemetry-ports.ts';

/** Finer than client-go's powers of ten in the range of reconciles and waits: a quantile between two of those could be wrong by a factor of ten. */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 10, 100];

export class QueueMetrics implements QueueTelemetry {
  readonly #name: { readonly name: string };
  readonly #depth: Gauge;
  readonly #adds: Counter;
  readonly #retries: Counter;
  readonly #waitSeconds: Histogram;
  readonly #workSeconds: Histogram;

  constructor(registry: Registry, name: string) {
    this.#name = { name };
    const registers = [registry];
    const labelNames = ['name'];
    this.#depth = new Gauge({
      name: 'workqueue_depth',
      help: 'Keys waiting in the queue.',
      labelNames,
      registers,
    });
    this.#adds = new Counter({
      name: 'workqueue_adds_total',
      help: 'Keys added to the queue.',
      labelNames,
      registers,
    });
    this.#retries = new Counter({
      name: 'workqueue_retries_total',
      help: 'Keys added again after a failure.',
      labelNames,
      registers,
    });
    this.#waitSeconds = new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'How long a key stayed in the queue before it was taken.',
      buckets: SECONDS,
      labelNames,
      registers,
    });
    this.#workSeconds = new Histogram({
      name: 'workqueue_work_duration_seconds',
      help: 'How long one reconcile took.',
      buckets: SECONDS,
      labelNames,
      registers,
    });
    this.depth(0);
    this.#adds.inc(this.#name, 0);
    this.#retries.inc(this.#name, 0);
    this.#waitSeconds.zero(this.#name);
    this.#workSeconds.zero(this.#name);
  }

  depth(items: number): void {
    this.#depth.set(this.#name, items);
  }

  added(): void {
    this.#adds.inc(this.#name);
  }

  retried(): void {
    this.#retries.inc(this.#name);
  }

  waited(seconds: number): void {
    this.#waitSeconds.observe(this.#name, seconds);
  }

  worked(seconds: number): void {
    this.#workSeconds.observe(this.#name, seconds);
  }
}
