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
  type Metric,
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
} from '../api/enums.ts';
import type { WorkloadKind } from '../api/views.ts';
import type {
  BrakeReason,
  ErrorCause,
  QueueTelemetry,
  Telemetry,
  UpgradeFacts,
  WatchedKind,
  WatchFailure,
  WatchHealth,
} from '../engine/ports.ts';
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
import { QueueMetrics } from './queue-metrics.ts';

const ATTEMPT_SECONDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400];
const CHECK_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const EXEC_WAIT_SECONDS = [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
const FALLBACK_START_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface MetricsOptions {
  readonly version: string;
  /** So many Upgrades have series of their own; those that need a person come first. */
  readonly maxUpgrades: number;
  /** The kinds that are watched, and how their watches do when metrics are asked for. */
  readonly watched: readonly WatchedKind[];
  readonly watches: () => readonly WatchHealth[];
}

const pairs = <A, B>(left: readonly A[], right: readonly B[]): [A, B][] =>
  left.flatMap((a) => right.map((b): [A, B] => [a, b]));

/** What a registry reads of a metric. */
interface ReadableMetric {
  readonly name: string;
  readonly get: () => Promise<{ readonly name: string; readonly type: unknown }>;
  readonly getForPromString?: ReadableMetric['get'];
}

/**
 * In OpenMetrics a counter's family has no `_total`, its samples do. prom-client takes it off the metric itself, for good and in every registry: it gets
 * a view whose name it may change.
 */
function openMetricsView(metric: ReadableMetric): Metric {
  const get = async () => {
    const read = await (metric.getForPromString?.() ?? metric.get());
    const isCounter = read.type === 'counter';
    return isCounter ? { ...read, name: read.name.replace(/_total$/, '') } : read;
  };
  return { name: metric.name, get, getForPromString: get } as unknown as Metric;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

interface SeenUpgrade {
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

export class Metrics implements Telemetry {
  readonly #registry = new Registry();
  /** The same metrics in the other format: a registry knows one. */
  readonly #openMetrics = new Registry<OpenMetricsContentType>();
  readonly queue: QueueTelemetry = new QueueMetrics(this.#registry, 'upgrade');
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
    'Tries of checks, by type of check and what the try said.',
    ['type', 'class'],
  );
  readonly #checkSeconds = this.#histogram(
    'postcheck_check_duration_seconds',
    'Duration of one try of a check.',
    CHECK_SECONDS,
    ['type'],
  );
  readonly #exitCodes = this.#counter(
    'postcheck_probe_exit_codes_total',
    'Exit codes of exec checks; none: the try gave no code.',
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
  readonly #execs = this.#gauge('postcheck_exec_inflight', 'Execs that run now.', []);
  readonly #execWaits = this.#histogram(
    'postcheck_exec_wait_seconds',
    'How long a try of a check waited for its turn.',
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
    'Writes to the API server that were not done, and bugs, by cause.',
    ['cause'],
  );
  readonly #watchFailures = this.#counter(
    'postcheck_watch_failures_total',
    'Watches that ended badly or were refused, by resource and reason.',
    ['resource', 'reason'],
  );
  readonly #braked = this.#counter(
    'postcheck_braked_total',
    'Times that work on an Upgrade was slowed: too many writes, a write that changed nothing, turns without end.',
    ['reason'],
  );
  readonly #leader = this.#gauge(
    'postcheck_leader',
    '1 while this process holds the lease and acts, else 0.',
    [],
  );
  readonly #seen = new Map<string, SeenUpgrade>();

  constructor(options: MetricsOptions) {
    const { version, watched } = options;
    this.#gauge('postcheck_build_info', 'Always 1; which program runs.', ['version', 'node']).set(
      { version, node: nodeVersion },
      1,
    );
    this.#startUpgrades(options.maxUpgrades);
    this.#startWatches(options);
    this.#startLag();
    this.#startAtZero(watched);
    collectDefaultMetrics({ register: this.#registry });
    this.#openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    for (const metric of this.#registry.getMetricsAsArray()) {
      this.#openMetrics.registerMetric(openMetricsView(metric as unknown as ReadableMetric));
    }
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

  #startUpgrades(maxUpgrades: number): void {
    const seen = this.#seen;
    const shown = (): readonly SeenUpgrade[] => mostInNeed([...seen.values()], maxUpgrades);
    const registers = [this.#registry];
    new Gauge({
      name: 'postcheck_upgrade_info',
      help: 'Always 1; one series an Upgrade, with what its status says.',
      labelNames: [
        ...['upgrade_namespace', 'name', 'kind', 'target'],
        ...['phase', 'ready', 'stalled', 'reason', 'gate'],
      ],
      registers,
      collect() {
        this.reset();
        for (const { namespace, name, facts } of shown()) {
          const { progressAt: _, ...labels } = facts;
          this.set({ upgrade_namespace: namespace, name, ...labels }, 1);
        }
      },
    });
    new Gauge({
      name: 'postcheck_upgrade_progress_timestamp_seconds',
      help: 'When an attempt that runs last came further; Upgrades without one have none.',
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
      name: 'postcheck_upgrade_info_omitted',
      help: 'Upgrades without a series of their own, as there are more than the limit.',
      registers,
      collect() {
        this.set(maxUpgrades === 0 ? 0 : Math.max(0, seen.size - maxUpgrades));
      },
    });
  }

  /** Of several namespaces the worst is told. Kinds that one can do without count as well while they are refused. */
  #startWatches({ watched, watches }: MetricsOptions): void {
    const registers = [this.#registry];
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
      'Time since a watch stopped being well; 0 while it is.',
      ({ optional, failingMs }) => (optional ? 0 : failingMs),
    );
  }

  #startLag(): void {
    const lag = new EventLoopLag();
    new Gauge({
      name: 'postcheck_event_loop_lag_seconds',
      help: 'Longest time that the event loop was held up within the last minute.',
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
