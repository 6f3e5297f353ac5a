/**
 * Everything behind `/metrics`. Every series is there at zero before anything happens, so that `increase()` sees the first event.
 * Only `postcheck_upgrade_*` name Upgrades, and a bounded number of them.
 */
import { version as nodeVersion } from 'node:process';
import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  Registry,
} from 'prom-client';
import {
  CHECK_TYPES,
  type CheckType,
  CLASSES,
  type Class,
  FALLBACK_RESULTS,
  type FallbackResult,
  GATE_OPEN_REASONS,
  type GateOpenReason,
  OUTCOMES,
  type Outcome,
  PHASES,
  WAIT_REASONS,
  type WaitReason,
} from '../api/enums.ts';
import type { WorkloadKind } from '../api/views.ts';
import type { WatchedKind, WatchFailure } from '../engine/ports.ts';
import type {
  BrakeReason,
  ErrorCause,
  QueueTelemetry,
  Telemetry,
  UpgradeFacts,
  WebhookTelemetry,
} from '../engine/telemetry-ports.ts';
import { EventLoopLag } from './event-loop-lag.ts';
import {
  BRAKE_REASONS,
  CODE_CLASSES,
  codeClass,
  ERROR_CAUSES,
  KINDS,
  RESOURCES,
  WATCH_FAILURES,
} from './labels.ts';
import { openMetricsOf } from './open-metrics.ts';
import { QueueMetrics } from './queue-metrics.ts';
import { registerUpgradeMetrics, type SeenUpgrade } from './upgrade-metrics.ts';
import { registerWatchMetrics, type WatchSource } from './watch-metrics.ts';
import { WebhookMetrics } from './webhook-metrics.ts';

const ATTEMPT_SECONDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400];
const CHECK_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const EXEC_WAIT_SECONDS = [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
/** From a minute to a week. */
const WAIT_SECONDS = [60, 600, 1800, 3600, 14_400, 43_200, 86_400, 259_200, 604_800];
const FALLBACK_START_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface MetricsOptions extends WatchSource {
  readonly version: string;
  /** So many Upgrades have series of their own; those that need a person come first. */
  readonly maxUpgrades: number;
}

const pairs = <A, B>(left: readonly A[], right: readonly B[]): [A, B][] =>
  left.flatMap((a) => right.map((b): [A, B] => [a, b]));

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

export class Metrics implements Telemetry {
  readonly #registry = new Registry();
  readonly #openMetrics: Registry<OpenMetricsContentType>;
  readonly queue: QueueTelemetry = new QueueMetrics(this.#registry, 'upgrade');
  readonly webhook: WebhookTelemetry = new WebhookMetrics(this.#registry);
  readonly #upgrades = this.#gauge('postcheck_upgrades', 'Upgrades by phase.', ['phase']);
  readonly #attempts = this.#counter(
    'postcheck_attempts_total',
    'Attempts that ended, by kind of workload and outcome.',
    ['kind', 'outcome'],
  );
  readonly #attemptSeconds = this.#histogram(
    'postcheck_attempt_duration_seconds',
    'From the start of an attempt to its end, fallback included.',
    ATTEMPT_SECONDS,
    ['kind', 'outcome'],
  );
  readonly #checks = this.#counter(
    'postcheck_checks_total',
    'Probes of checks, by type of check and class of the result.',
    ['type', 'class'],
  );
  readonly #checkSeconds = this.#histogram(
    'postcheck_check_duration_seconds',
    'Duration of one probe of a check.',
    CHECK_SECONDS,
    ['type'],
  );
  readonly #exitCodes = this.#counter(
    'postcheck_probe_exit_codes_total',
    'Exit codes of exec checks; none: the probe returned no code.',
    ['code_class'],
  );
  readonly #fallbacks = this.#counter(
    'postcheck_fallbacks_total',
    'Fallbacks that ended, by kind of workload and result.',
    ['kind', 'result'],
  );
  readonly #fallbackStartSeconds = this.#histogram(
    'postcheck_fallback_start_seconds',
    'From the evidence that a pod fails to the first write of the fallback.',
    FALLBACK_START_SECONDS,
    [],
  );
  readonly #waits = this.#histogram(
    'postcheck_stage_wait_seconds',
    'How long an attempt, or its next stage, waited for a window, a dependency, a soak or an approval, by reason.',
    WAIT_SECONDS,
    ['reason'],
  );
  readonly #execs = this.#gauge('postcheck_exec_inflight', 'Running execs.', []);
  readonly #execWaits = this.#histogram(
    'postcheck_exec_wait_seconds',
    'How long a probe waited for a free exec slot.',
    EXEC_WAIT_SECONDS,
    [],
  );
  readonly #gates = this.#counter(
    'postcheck_gates_opened_total',
    'Readiness gates opened on pods, by reason.',
    ['reason'],
  );
  readonly #errors = this.#counter(
    'postcheck_errors_total',
    'Failed writes to the API server, and bugs, by cause.',
    ['cause'],
  );
  readonly #watchFailures = this.#counter(
    'postcheck_watch_failures_total',
    'Watches that failed or were rejected, by resource and reason.',
    ['resource', 'reason'],
  );
  readonly #braked = this.#counter(
    'postcheck_braked_total',
    'How often reconciles of an Upgrade were delayed, by reason: too many writes, a write without effect, reconciles without end.',
    ['reason'],
  );
  readonly #leader = this.#gauge('postcheck_leader', '1 while this process is the leader, otherwise 0.', []);
  readonly #seen = new Map<string, SeenUpgrade>();

  constructor(options: MetricsOptions) {
    const { version, watched } = options;
    this.#gauge('postcheck_build_info', 'Always 1; the version of the running operator.', [
      'version',
      'node',
    ]).set({ version, node: nodeVersion }, 1);
    registerUpgradeMetrics(this.#registry, this.#seen, options.maxUpgrades);
    registerWatchMetrics(this.#registry, options);
    this.#startLag();
    this.#startAtZero(watched);
    collectDefaultMetrics({ register: this.#registry });
    this.#openMetrics = openMetricsOf(this.#registry);
  }

  /** OpenMetrics or Prometheus' own text format, and its content type. */
  async exposition(openMetrics = false): Promise<{ readonly contentType: string; readonly body: string }> {
    const registry = openMetrics ? this.#openMetrics : this.#registry;
    return { contentType: registry.contentType, body: await registry.metrics() };
  }

  /** Every metric, for the reference. */
  async families(): Promise<MetricFamily[]> {
    const told = await this.#registry.getMetricsAsJSON();
    return this.#registry.getMetricsAsArray().map((metric, index) => ({
      name: metric.name,
      help: metric.help,
      type: String(told[index]?.type),
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
    this.#attempts.inc({ kind, outcome });
    this.#attemptSeconds.observe({ kind, outcome }, seconds);
  }

  tried(type: CheckType, result: Class, exitCode: number | undefined, seconds: number): void {
    this.#checks.inc({ type, class: result });
    this.#checkSeconds.observe({ type }, seconds);
    if (type === 'exec') {
      this.#exitCodes.inc({ code_class: codeClass(exitCode) });
    }
  }

  fallbackStarted(seconds: number): void {
    this.#fallbackStartSeconds.observe(seconds);
  }

  fallbackEnded(kind: WorkloadKind, result: FallbackResult): void {
    this.#fallbacks.inc({ kind, result });
  }

  waitEnded(reason: WaitReason, seconds: number): void {
    this.#waits.observe({ reason }, seconds);
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

  execsInFlight(count: number): void {
    this.#execs.set(count);
  }

  execWaited(seconds: number): void {
    this.#execWaits.observe(seconds);
  }

  leading(isLeader: boolean): void {
    this.#leader.set(isLeader ? 1 : 0);
  }

  watchFailed(kind: WatchedKind, reason: WatchFailure): void {
    this.#watchFailures.inc({ resource: RESOURCES[kind], reason });
  }

  #gauge<L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram<L extends string>(name: string, help: string, buckets: number[], labelNames: L[]): Histogram<L> {
    return new Histogram({ name, help, buckets, labelNames, registers: [this.#registry] });
  }

  #startLag(): void {
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
    for (const [kind, outcome] of pairs(KINDS, OUTCOMES)) {
      this.#attempts.inc({ kind, outcome }, 0);
      this.#attemptSeconds.zero({ kind, outcome });
    }
    for (const [type, result] of pairs(CHECK_TYPES, CLASSES)) {
      this.#checks.inc({ type, class: result }, 0);
    }
    for (const type of CHECK_TYPES) {
      this.#checkSeconds.zero({ type });
    }
    for (const code of CODE_CLASSES) {
      this.#exitCodes.inc({ code_class: code }, 0);
    }
    for (const [kind, result] of pairs(KINDS, FALLBACK_RESULTS)) {
      this.#fallbacks.inc({ kind, result }, 0);
    }
    for (const reason of WAIT_REASONS) {
      this.#waits.zero({ reason });
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
