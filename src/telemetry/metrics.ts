/**
 * Everything behind `/metrics`. Every series exists at zero before anything happens, so that `increase()` counts the first event.
 * Only `postcheck_upgrade_*` have a series for each Upgrade, and a limited number of them.
 */
import { version as nodeVersion } from 'node:process';
import { collectDefaultMetrics, Gauge, type OpenMetricsContentType, Registry } from 'prom-client';
import {
  type CheckType,
  type Class,
  type FallbackResult,
  GATE_OPEN_REASONS,
  type GateOpenReason,
  type Outcome,
  PHASES,
  type WaitReason,
} from '../api/enums.ts';
import type { WorkloadKind } from '../api/views.ts';
import type { WatchedKind, WatchFailure } from '../engine/ports.ts';
import type {
  BrakeReason,
  ErrorCause,
  FallbackWrite,
  QueueTelemetry,
  Telemetry,
  UpgradeFacts,
  WebhookTelemetry,
} from '../engine/telemetry-ports.ts';
import { AttemptMetrics } from './attempt-metrics.ts';
import { CheckMetrics } from './check-metrics.ts';
import { EventLoopLag } from './event-loop-lag.ts';
import { Families, pairs } from './families.ts';
import { BRAKE_REASONS, ERROR_CAUSES, RESOURCES, WATCH_FAILURES } from './labels.ts';
import { openMetricsOf } from './open-metrics.ts';
import { QueueMetrics } from './queue-metrics.ts';
import { registerUpgradeMetrics, type SeenUpgrade } from './upgrade-metrics.ts';
import { registerWatchMetrics, type WatchSource } from './watch-metrics.ts';
import { WebhookMetrics } from './webhook-metrics.ts';

export interface MetricsOptions extends WatchSource {
  readonly version: string;
  /** Limit of the Upgrades with series of their own; those that need a person come first. */
  readonly maxUpgrades: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

export class Metrics implements Telemetry {
  readonly #registry = new Registry();
  readonly #families = new Families(this.#registry);
  readonly #openMetrics: Registry<OpenMetricsContentType>;
  readonly queue: QueueTelemetry = new QueueMetrics(this.#registry, 'upgrade');
  readonly webhook: WebhookTelemetry = new WebhookMetrics(this.#registry);
  readonly #attempts = new AttemptMetrics(this.#families);
  readonly #checks = new CheckMetrics(this.#families);
  readonly #upgrades = this.#families.gauge('postcheck_upgrades', 'Upgrades by phase.', ['phase']);
  readonly #gates = this.#families.counter(
    'postcheck_gates_opened_total',
    'Readiness gates opened on pods, by reason.',
    ['reason'],
  );
  readonly #errors = this.#families.counter(
    'postcheck_errors_total',
    'Failed writes to the API server, and bugs, by cause.',
    ['cause'],
  );
  readonly #watchFailures = this.#families.counter(
    'postcheck_watch_failures_total',
    'Watches that failed or were rejected, by resource and reason.',
    ['resource', 'reason'],
  );
  readonly #braked = this.#families.counter(
    'postcheck_braked_total',
    'How often reconciles of an Upgrade were delayed, by reason: too many writes, a write without effect, reconciles without end.',
    ['reason'],
  );
  readonly #leader = this.#families.gauge(
    'postcheck_leader',
    '1 while this process is the leader, otherwise 0.',
    [],
  );
  readonly #seen = new Map<string, SeenUpgrade>();

  constructor(options: MetricsOptions) {
    const { version, watched } = options;
    this.#families
      .gauge('postcheck_build_info', 'Always 1; the version of the running operator.', ['version', 'node'])
      .set({ version, node: nodeVersion }, 1);
    registerUpgradeMetrics(this.#registry, this.#seen, options.maxUpgrades);
    registerWatchMetrics(this.#registry, options);
    this.#registerLag();
    this.#startAtZero(watched);
    collectDefaultMetrics({ register: this.#registry });
    this.#openMetrics = openMetricsOf(this.#registry);
  }

  /** Returns all metrics as OpenMetrics or in Prometheus' text format, with the content type. */
  async exposition(openMetrics = false): Promise<{ readonly contentType: string; readonly body: string }> {
    const registry = openMetrics ? this.#openMetrics : this.#registry;
    return { contentType: registry.contentType, body: await registry.metrics() };
  }

  /** Returns every metric, for the reference. */
  async families(): Promise<MetricFamily[]> {
    const collected = await this.#registry.getMetricsAsJSON();
    return this.#registry.getMetricsAsArray().map((metric, index) => ({
      name: metric.name,
      help: metric.help,
      type: String(collected[index]?.type),
      labels: (metric as unknown as { readonly labelNames: readonly string[] }).labelNames,
    }));
  }

  upgradeSeen(namespace: string, name: string, facts: UpgradeFacts | undefined): void {
    const key = `${namespace}/${name}`;
    const before = this.#seen.get(key);
    if (before) {
      this.#upgrades.dec({ phase: before.facts.phase });
    }
    if (facts) {
      this.#upgrades.inc({ phase: facts.phase });
      this.#seen.set(key, { namespace, name, facts });
    } else {
      this.#seen.delete(key);
    }
  }

  attemptEnded(kind: WorkloadKind, outcome: Outcome, seconds: number): void {
    this.#attempts.attemptEnded(kind, outcome, seconds);
  }

  fallbackStarted(write: FallbackWrite, seconds: number): void {
    this.#attempts.fallbackStarted(write, seconds);
  }

  fallbackEnded(kind: WorkloadKind, result: FallbackResult): void {
    this.#attempts.fallbackEnded(kind, result);
  }

  waitEnded(reason: WaitReason, seconds: number): void {
    this.#attempts.waitEnded(reason, seconds);
  }

  tried(type: CheckType, result: Class, exitCode: number | undefined, seconds: number): void {
    this.#checks.tried(type, result, exitCode, seconds);
  }

  execsInFlight(count: number): void {
    this.#checks.execsInFlight(count);
  }

  execWaited(seconds: number): void {
    this.#checks.execWaited(seconds);
  }

  gateOpened(reason: GateOpenReason): void {
    this.#gates.inc({ reason });
  }

  failed(cause: ErrorCause): void {
    this.#errors.inc({ cause });
  }

  braked(reason: BrakeReason): void {
    this.#braked.inc({ reason });
  }

  leading(isLeader: boolean): void {
    this.#leader.set(isLeader ? 1 : 0);
  }

  watchFailed(kind: WatchedKind, reason: WatchFailure): void {
    this.#watchFailures.inc({ resource: RESOURCES[kind], reason });
  }

  #registerLag(): void {
    const lag = new EventLoopLag();
    new Gauge({
      name: 'postcheck_event_loop_lag_seconds',
      help: 'Longest time that the event loop was blocked within the last minute.',
      registers: [this.#registry],
      collect() {
        this.set(lag.longest());
      },
    });
  }

  #startAtZero(watched: readonly WatchedKind[]): void {
    for (const [kind, reason] of pairs(watched, WATCH_FAILURES)) {
      this.#watchFailures.inc({ resource: RESOURCES[kind], reason }, 0);
    }
    for (const phase of PHASES) {
      this.#upgrades.set({ phase }, 0);
    }
    for (const reason of GATE_OPEN_REASONS) {
      this.#gates.inc({ reason }, 0);
    }
    for (const reason of BRAKE_REASONS) {
      this.#braked.inc({ reason }, 0);
    }
    for (const cause of ERROR_CAUSES) {
      this.#errors.inc({ cause }, 0);
    }
  }
}
