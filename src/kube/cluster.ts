/** The connection to a cluster: implements the ports of the engine. */
import {
  type Executor,
  type GateProbe,
  type Installation,
  MAX_EVENTS,
  MAX_FALLBACK_WRITES,
  MAX_READS,
  MAX_STEP_WRITES,
  MAX_WRITES,
  type Reader,
  type Watcher,
  type WatchHealth,
  type WatchListener,
  type Writer,
} from '../engine/ports.ts';
import { Connection, type ConnectionOptions } from './client/connection.ts';
import { HttpClient } from './client/http.ts';
import { Requests } from './client/request.ts';
import { StreamClient } from './client/stream-client.ts';
import { Throttle } from './client/throttle.ts';
import { crdMismatch } from './crd-check.ts';
import { ClusterExecutor } from './exec/exec.ts';
import { ClusterGateProbe } from './gate-probe.ts';
import { ClusterInstallation, type OperatorRef } from './installation.ts';
import { type Leadership, type LeaseOptions, leadership } from './leader-election/leadership.ts';
import { type Access, PathAccess } from './path-access.ts';
import { ClusterReader } from './reader.ts';
import { ClusterWatcher } from './watch/watcher.ts';
import { CertificateManager, type CertificateManagerOptions } from './webhook/certificate-manager.ts';
import { ClusterWriter } from './writer.ts';

export interface ClusterOptions extends ConnectionOptions {
  /** The namespaces to watch; empty for the whole cluster. */
  readonly namespaces: readonly string[];
  /** The operator's pod name, as the reporting instance of events. */
  readonly identity: string;
  /** MutatingAdmissionPolicyBinding, or MutatingWebhookConfiguration, that puts gates on pods. */
  readonly gatePolicyName: string;
  /** Secret with the webhook's certificates; `undefined` without a webhook. */
  readonly webhookSecret?: string | undefined;
  /** Is notified about the health of watches. */
  readonly watchListener?: WatchListener;
}

/** Everything that main needs from a cluster. */
export interface Cluster {
  readonly watcher: Watcher;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly executor: Executor;
  readonly gateProbe: GateProbe;
  /** One entry for each kind and namespace. */
  readonly health: () => readonly WatchHealth[];
  /** An election that has not started yet. From this call on the writer refuses every write unless it is won. */
  readonly lease: (options: LeaseOptions) => Leadership;
  /** Reports if the installed CRD does not have a schema with this digest; see crd-check.ts. */
  readonly crdMismatch: (schema: string) => Promise<string | undefined>;
  /** Whether the sender of this Authorization header may `get` the path `/metrics`. */
  readonly mayReadMetrics: (authorization: string, client: string) => Promise<Access>;
  /** Manages the webhook's certificates, if nothing else does. */
  readonly certificates: (options: WebhookCertificates) => CertificateManager;
  /** The installation of the operator that runs as this Deployment. */
  readonly installation: (operator: OperatorRef) => Installation;
  /** The time at the API server, milliseconds since the epoch. */
  readonly now: () => number;
  /** Ends watches and idle connections. */
  readonly close: () => Promise<void>;
}

export type WebhookCertificates = Omit<CertificateManagerOptions, 'now' | 'configuration'> &
  Partial<Pick<CertificateManagerOptions, 'now'>>;

/** Limits of concurrent requests, besides watches, lease and execs. Reads do not wait for writes or lists, and writes not for events. */
const MAX_LISTS = 4;

/**
 * Loads the configuration and creates the ports. No request is sent until they are used; only the credentials are read, so that a broken
 * configuration is reported here. Rejects with an Error that says what to correct.
 */
export async function connect(options: ClusterOptions): Promise<Cluster> {
  const { namespaces, identity, gatePolicyName, webhookSecret } = options;
  const connection = new Connection(options);
  await connection.credentials();
  const http = new HttpClient(connection, MAX_STEP_WRITES + MAX_WRITES + MAX_FALLBACK_WRITES);
  const readHttp = new HttpClient(connection, MAX_READS + MAX_LISTS);
  const eventHttp = new HttpClient(connection, MAX_EVENTS);
  const throttle = new Throttle();
  const requests = new Requests(http, throttle);
  const reads = new Requests(readHttp, throttle);
  const streams = new StreamClient(connection);
  const watcher = new ClusterWatcher(streams, reads, namespaces, options.watchListener);
  // A client of its own, so that readers of the metrics cannot delay writes.
  const accessHttp = new HttpClient(connection, 2);
  const metricsAccess = new PathAccess(new Requests(accessHttp), '/metrics');
  let election: Leadership | undefined;
  const now = () => connection.clock.now();
  const writer = new ClusterWriter(requests, {
    identity,
    now,
    mayWrite: () => election?.isLeader() ?? true,
    events: new Requests(eventHttp, throttle),
  });
  return {
    watcher,
    writer,
    reader: new ClusterReader(reads),
    executor: new ClusterExecutor(connection, throttle),
    gateProbe: new ClusterGateProbe(reads, gatePolicyName),
    health: () => watcher.health(),
    lease: (leaseOptions) => {
      election = leadership(connection, streams, leaseOptions);
      return election;
    },
    crdMismatch: (schema) => crdMismatch(requests, schema),
    mayReadMetrics: (authorization, client) => metricsAccess.check(authorization, client),
    certificates: (wanted) =>
      new CertificateManager(reads, { now, ...wanted, configuration: gatePolicyName }),
    installation: (operator) =>
      new ClusterInstallation({ requests, namespaces, gatePolicyName, webhookSecret, operator }),
    now,
    close: async () => {
      await watcher.stop();
      streams.close();
      http.close();
      readHttp.close();
      eventHttp.close();
      accessHttp.close();
    },
  };
}
