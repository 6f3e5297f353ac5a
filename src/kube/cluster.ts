import type { Executor, GateProbe, Reader, Watcher, Writer } from '../engine/ports.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { ClusterExecutor } from './exec.ts';
import { ClusterGateProbe } from './gate-probe.ts';
import { HttpClient } from './http.ts';
import { ClusterReader } from './reader.ts';
import { Requests } from './request.ts';
import { StreamClient } from './stream-client.ts';
import { Throttle } from './throttle.ts';
import { type UninstallRequest, uninstall } from './uninstall.ts';
import { ClusterWatcher, type WatchHealth } from './watcher.ts';
import { ClusterWriter } from './writer.ts';

export interface ClusterOptions extends ConnectionOptions {
  /** Watch only these namespaces; none: the whole cluster. */
  readonly namespaces: readonly string[];
  /** The operator's pod name: who wrote an event, who holds the lease. */
  readonly identity: string;
  /** Name of the admission policy binding that puts gates on pods. */
  readonly gatePolicyName: string;
}

/** Everything that main needs of a cluster. */
export interface Cluster {
  readonly watcher: Watcher;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly executor: Executor;
  readonly gateProbe: GateProbe;
  /** One entry for each kind and namespace. */
  readonly health: () => readonly WatchHealth[];
  /** Leaves nothing closed behind; gives a sentence when it could not. */
  readonly uninstall: (request: UninstallRequest) => Promise<string | undefined>;
  /** Ends watches and idle connections. */
  readonly close: () => Promise<void>;
}

/** At most this many requests at once besides watches, lease and execs. */
const maxRequests = 8;

/**
 * Loads the configuration and makes the shells; nothing is sent until they are used, save that credentials are read once, so that a broken
 * configuration is told here. Rejects with an Error that says what to correct.
 */
export async function connect(options: ClusterOptions): Promise<Cluster> {
  const connection = new Connection(options);
  await connection.credentials();
  const http = new HttpClient(connection, maxRequests);
  const throttle = new Throttle();
  const requests = new Requests(http, throttle);
  const streams = new StreamClient(connection);
  const watcher = new ClusterWatcher(streams, requests, options.namespaces);
  const writer = new ClusterWriter(requests, { identity: options.identity, mayWrite: () => true });
  return {
    watcher,
    writer,
    reader: new ClusterReader(requests),
    uninstall: (request) =>
      uninstall({ requests, writer, namespaces: options.namespaces, gatePolicyName: options.gatePolicyName }, request),
    executor: new ClusterExecutor(connection, throttle),
    gateProbe: new ClusterGateProbe(requests, options.gatePolicyName),
    health: () => watcher.health(),
    close: async () => {
      await watcher.stop();
      streams.close();
      http.close();
    },
  };
}
