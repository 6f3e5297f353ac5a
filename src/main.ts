/** The operator process: reads flags and environment, connects the parts, runs, and shuts down. The only file that reads the environment. */
import { hostname } from 'node:os';
import process, { argv, env, exit, stderr, stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { networkProber } from './checks/checker.ts';
import { prometheus } from './checks/prometheus.ts';
import { Engine } from './engine/engine.ts';
import type { WatchedKind, WatchListener } from './engine/ports.ts';
import type { Log } from './engine/telemetry-ports.ts';
import { uninstall as removeOperator } from './engine/uninstall.ts';
import { type Cluster, connect } from './kube/cluster.ts';
import { LOCAL_CLOCK } from './local-clock.ts';
import { HELP, type Options, readCommand, type UninstallOptions } from './options.ts';
import { listen, type Shells, startWebhook, type Webhook } from './serve.ts';
import { createLogger } from './telemetry/logger.ts';
import { Metrics } from './telemetry/metrics.ts';
import type { Tracing } from './telemetry/tracing.ts';
import { noticeOf } from './telemetry/watch-notices.ts';

/** Limit for everything between SIGTERM and the end of the process; Kubernetes allows 30 s. */
const DRAIN_MS = 9000;
/** Time until every node has learned that this pod's webhook must not be called any more. */
const WEBHOOK_LEAVES_MS = 3000;
/** If all namespaces are watched, also nodes. */
const WATCHED: readonly WatchedKind[] = [
  'Upgrade',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ControllerRevision',
  'Pod',
];

async function run(options: Options): Promise<void> {
  const log = createLogger(options.logLevel, options.logFormat);
  endOnUnhandled(log);
  const identity = env['POD_NAME'] ?? hostname();
  const { cluster, metrics } = await connectObserved(options, identity, log);
  const tracer = await tracerOf(options, identity, log);
  const engine = new Engine({
    ...cluster,
    prober: networkProber(),
    promQl: promQlOf(options),
    clock: { ...LOCAL_CLOCK, now: cluster.now },
    telemetry: metrics,
    tracer,
    log,
    maxExecs: options.maxExecs,
    maxExecsPerNode: options.maxExecsPerNode,
  });
  const shells: Shells = { cluster, engine, metrics, log };
  const webhook = options.webhook && (await startWebhook(options.webhook, options, shells));
  const servers = await listen(options, shells, webhook);
  log.info('started', {
    version: VERSION,
    health: servers.health?.address ?? 'none',
    metrics: servers.metrics?.address ?? 'none',
    webhook: options.webhook ? 'served once there is a certificate' : 'none',
    namespaces: options.watchNamespaces.join(',') || 'all',
  });
  void warnAboutCrd(cluster, log);
  const lease = lead(options, identity, shells);
  drainOnSignal({ ...shells, tracer, lease, webhook, servers: [servers.health, servers.metrics, webhook] });
}

function endOnUnhandled(log: Log): void {
  process.on('unhandledRejection', (reason) => {
    log.error('unhandled rejection, exiting', {
      error: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason),
    });
    exit(1);
  });
}

/** Connects to the cluster, with metrics of its watches. */
async function connectObserved(
  options: Options,
  identity: string,
  log: Log,
): Promise<Pick<Shells, 'cluster' | 'metrics'>> {
  const watched: readonly WatchedKind[] = options.watchNamespaces.length > 0 ? WATCHED : [...WATCHED, 'Node'];
  const metrics = new Metrics({
    version: VERSION,
    maxUpgrades: options.metricsMaxUpgrades,
    watched,
    watches: () => cluster.health(),
  });
  const cluster: Cluster = await connect({
    kubeconfig: options.kubeconfig,
    context: options.context,
    namespaces: options.watchNamespaces,
    identity,
    watchListener: watchListener(metrics, log),
    gatePolicyName: options.gatePolicyName,
  });
  return { cluster, metrics };
}

const watchListener = (metrics: Metrics, log: Log): WatchListener => ({
  failed: (kind, reason) => {
    metrics.watchFailed(kind, reason);
    if (reason === 'restored') {
      // The kinds would be listed again one after the other, and decisions in between would mix two histories.
      log.error('the API server was restored from a backup, exiting to start over', { kind });
      exit(1);
    }
  },
  changed: (now, before) => {
    const notice = noticeOf(now, before);
    if (notice) {
      log[notice.level](notice.message, notice.fields);
    }
  },
});

/** Starts to reconcile after it has acquired the Lease, or at once without leader election. */
function lead(
  options: Options,
  identity: string,
  { cluster, engine, metrics, log }: Shells,
): Lease | undefined {
  const onLeading = () => {
    metrics.leading(true);
    log.info('leading', { identity });
    engine.lead();
  };
  if (!options.leaderElect) {
    onLeading();
    return undefined;
  }
  const lease = cluster.lease({
    namespace: options.leaseNamespace,
    name: options.leaseName,
    identity,
    onLeading,
    onLost: (why) => {
      log.error('lost the lease, exiting', { why });
      exit(1);
    },
  });
  lease.start();
  return lease;
}

type Lease = ReturnType<Cluster['lease']>;

interface Running extends Shells {
  readonly tracer: Tracing | undefined;
  readonly lease: Lease | undefined;
  readonly webhook: Webhook | undefined;
  readonly servers: readonly (Pick<Webhook, 'close'> | undefined)[];
}

function drainOnSignal({ cluster, engine, log, tracer, lease, webhook, servers }: Running): void {
  const drain = async (signal: string) => {
    log.info('stopping', { signal });
    setTimeout(() => exit(1), DRAIN_MS).unref();
    webhook?.leave();
    const webhookLeft = webhook ? sleep(WEBHOOK_LEAVES_MS) : undefined;
    await engine.stop();
    await lease?.stop();
    await webhookLeft;
    await Promise.all([tracer?.stop(), ...servers.map((server) => server?.close(500))]);
    await cluster.close();
    exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void drain(signal));
  }
}

/** The libraries are loaded only if traces are enabled. */
async function tracerOf(
  { otlpEndpoint: endpoint }: Options,
  instance: string,
  log: Log,
): Promise<Tracing | undefined> {
  if (endpoint === undefined) {
    return undefined;
  }
  const { startTracing } = await import('./telemetry/tracing.ts');
  return startTracing({ endpoint, version: VERSION, instance, log });
}

const promQlOf = ({ prometheusUrl: url, prometheusTokenFile, prometheusCaFile }: Options) =>
  url === undefined
    ? undefined
    : prometheus({ url, tokenFile: prometheusTokenFile, caFile: prometheusCaFile });

async function uninstall(options: Options, { deployment, namespace }: UninstallOptions): Promise<void> {
  const cluster = await connect({
    kubeconfig: options.kubeconfig,
    context: options.context,
    namespaces: options.watchNamespaces,
    identity: 'uninstall',
    gatePolicyName: options.gatePolicyName,
    webhookSecret: options.webhookSecret,
  });
  const problems = await removeOperator({
    clock: { ...LOCAL_CLOCK, now: cluster.now },
    writer: cluster.writer,
    installation: cluster.installation({ deployment, namespace }),
    report: (line) => stdout.write(`${line}\n`),
  });
  await cluster.close();
  if (problems.length > 0) {
    fail(problems);
  }
}

function fail(mistakes: readonly string[]): void {
  for (const mistake of mistakes) {
    stderr.write(`postcheck: ${mistake}\n`);
  }
  stderr.write('See postcheck --help.\n');
  exit(2);
}

/** Warns about a CRD of another version. When run from source there is nothing to compare with. */
async function warnAboutCrd(cluster: Cluster, log: Log): Promise<void> {
  const mismatch =
    typeof POSTCHECK_SCHEMA === 'string' ? await cluster.crdMismatch(POSTCHECK_SCHEMA) : undefined;
  if (mismatch) {
    log.warn(mismatch);
  }
}

/** Defined by the bundler: the digest of the CRD's schema, and the version in package.json. */
declare const POSTCHECK_SCHEMA: string | undefined;
declare const POSTCHECK_VERSION: string | undefined;
const VERSION = typeof POSTCHECK_VERSION === 'string' ? POSTCHECK_VERSION : 'source';

const command = readCommand(argv.slice(2), env);
try {
  if (command.name === 'help') {
    stdout.write(HELP);
  } else if (command.name === 'version') {
    stdout.write(`postcheck ${VERSION}\n`);
  } else if (command.name === 'wrong') {
    fail(command.mistakes);
  } else if (command.name === 'uninstall') {
    await uninstall(command.options, command.uninstall);
  } else {
    await run(command.options);
  }
} catch (error) {
  stderr.write(`postcheck: ${error instanceof Error ? error.message : String(error)}\n`);
  exit(1);
}
