/** The operator: flags and environment, shells, run, drain. The only place that knows every shell and reads the environment. */
import { hostname } from 'node:os';
import process, { argv, env, exit, stderr, stdout } from 'node:process';
import { networkProber } from './checks/checker.ts';
import { Engine } from './engine/engine.ts';
import type { Clock, WatchedKind } from './engine/ports.ts';
import { type Cluster, connect } from './kube/cluster.ts';
import { HELP, type Options, readCommand, type UninstallOptions } from './options.ts';
import { parseListenAddress, serveTelemetry } from './telemetry/http.ts';
import { createLogger, type LogLevel } from './telemetry/logger.ts';
import { Metrics } from './telemetry/metrics.ts';

/** All there is to do between SIGTERM and the end must fit in here; Kubernetes gives 30 s. */
const DRAIN_MS = 9000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Nodes come on top, where all namespaces are watched. */
const WATCHED: readonly WatchedKind[] = [
  'Upgrade',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ControllerRevision',
  'Pod',
];

const clock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(delayMs, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

async function run(options: Options): Promise<void> {
  const log = createLogger(options.logLevel as LogLevel);
  const listen = parseListenAddress(options.metricsAddress);
  if (!listen) {
    return fail([`--metrics-address must be such as :8080 or 127.0.0.1:8080, not ${options.metricsAddress}`]);
  }
  process.on('unhandledRejection', (reason) => {
    log.error('unhandled rejection, ending', {
      error: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason),
    });
    exit(1);
  });
  const watched: readonly WatchedKind[] = options.watchNamespaces.length > 0 ? WATCHED : [...WATCHED, 'Node'];
  const metrics = new Metrics({ perUpgrade: options.metricsPerUpgrade, watched, now: clock.now });
  const identity = env['POD_NAME'] ?? hostname();
  const cluster = await connect({
    kubeconfig: options.kubeconfig,
    context: options.context,
    namespaces: options.watchNamespaces,
    identity,
    gatePolicyName: options.gatePolicyName,
  });
  const engine = new Engine({
    ...cluster,
    prober: networkProber(),
    clock,
    telemetry: metrics,
    log,
    maxExecs: options.maxExecs,
    maxExecsPerNode: options.maxExecsPerNode,
  });
  const server = await serveTelemetry(listen, {
    live: () => undefined,
    ready: () => (engine.synced ? undefined : notSynced(cluster)),
    exposition: () => {
      // The most silent of several namespaces is told last, and so is what stays.
      const health = [...cluster.health()].sort((a, b) => b.lastContactAt - a.lastContactAt);
      for (const { kind, lastContactAt } of health) {
        if (lastContactAt > 0) {
          metrics.watchContact(kind, lastContactAt);
        }
      }
      return metrics.exposition();
    },
  });
  log.info('started', {
    version: VERSION,
    metrics: server.address,
    namespaces: options.watchNamespaces.join(',') || 'all',
  });
  const lead = () => {
    metrics.leading(true);
    log.info('leading', { identity });
    engine.lead();
  };
  const lost = (why: string) => {
    log.error('lost the lease, ending', { why });
    exit(1);
  };
  const lease = options.leaderElect
    ? cluster.lease({
        namespace: options.leaseNamespace,
        name: options.leaseName,
        identity,
        onLeading: lead,
        onLost: lost,
      })
    : undefined;
  if (lease) {
    lease.start();
  } else {
    lead();
  }
  const drain = async (signal: string) => {
    log.info('stopping', { signal });
    setTimeout(() => exit(1), DRAIN_MS).unref();
    await engine.stop();
    await lease?.stop();
    await server.close(500);
    await cluster.close();
    exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void drain(signal));
  }
}

/** What the readiness answer says while the caches fill. */
const notSynced = (cluster: Cluster): string =>
  cluster
    .health()
    .filter(({ synced }) => !synced)
    .map(({ kind, state, message }) => `${kind} not listed yet (${state}${message ? `: ${message}` : ''})`)
    .join('; ') || 'not listed yet';

async function uninstall(options: Options, { deployment, namespace }: UninstallOptions): Promise<void> {
  const cluster = await connect({
    kubeconfig: options.kubeconfig,
    context: options.context,
    namespaces: options.watchNamespaces,
    identity: 'uninstall',
    gatePolicyName: options.gatePolicyName,
  });
  const problem = await cluster.uninstall({
    deployment,
    namespace,
    say: (line) => stdout.write(`${line}\n`),
  });
  await cluster.close();
  if (problem) {
    fail([problem]);
  }
}

function fail(mistakes: readonly string[]): void {
  for (const mistake of mistakes) {
    stderr.write(`postcheck: ${mistake}\n`);
  }
  stderr.write('See postcheck --help.\n');
  exit(2);
}

/** Set at bundling; the version of package.json. */
declare const POSTCHECK_VERSION: string | undefined;
const VERSION = typeof POSTCHECK_VERSION === 'string' ? POSTCHECK_VERSION : 'source';

const command = readCommand(argv.slice(2), env);
try {
  if (command.name === 'help') {
    stdout.write(HELP);
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
