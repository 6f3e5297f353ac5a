/** Starts the servers of the operator on the addresses and with the certificates of its flags. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine/engine.ts';
import type { Log } from './engine/telemetry-ports.ts';
import type { Cluster } from './kube/cluster.ts';
import type { Options, WebhookOptions } from './options.ts';
import { healthRoutes, metricsRoutes } from './telemetry/endpoints.ts';
import {
  type HttpServer,
  type KeyPair,
  type Limits,
  type ListenAddress,
  type Routes,
  serve,
} from './telemetry/http.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { notReady } from './telemetry/watch-notices.ts';
import { SelfSignedWebhook, WEBHOOK_LIMITS, webhookRoutes } from './webhook.ts';

/** Like `serve`, but an error names the flag. */
async function serveOn(
  flag: string,
  address: ListenAddress,
  routes: Routes,
  keyPair?: () => KeyPair,
  limits?: Limits,
): Promise<HttpServer> {
  try {
    return await serve(address, routes, keyPair, limits);
  } catch (error) {
    throw new Error(`cannot serve on --${flag}: ${(error as Error).message}`);
  }
}

/** A webhook that serves, or waits for its first certificate. */
export interface Webhook {
  notReady(): string | undefined;
  leave(): void;
  close(graceMs: number): Promise<void>;
}

/** The parts of a running operator that its servers need. */
export interface Shells {
  readonly cluster: Cluster;
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Serves at once with certificates from a folder; otherwise as soon as the operator has created or found its own. */
export async function startWebhook(
  { address, certPath, hosts }: WebhookOptions,
  { leaseNamespace, webhookSecret }: Options,
  { cluster, engine, metrics: { webhook: telemetry }, log }: Shells,
): Promise<Webhook | undefined> {
  const routes = webhookRoutes((pod) => engine.admit(pod), telemetry);
  const serveWith = (keyPair: () => KeyPair): Promise<HttpServer> => {
    const served = () => {
      const pair = keyPair();
      telemetry.serves(pair.cert);
      return pair;
    };
    return serveOn('webhook-bind-address', address, routes, served, WEBHOOK_LIMITS);
  };
  if (certPath) {
    const server = await serveWith(() => keyPairIn(certPath));
    log.info('serving the webhook', { webhook: server.address });
    return { ...server, notReady: () => undefined };
  }
  const certificates = cluster.certificates({
    namespace: leaseNamespace,
    secret: webhookSecret ?? '',
    hosts,
  });
  const webhook = new SelfSignedWebhook({ certificates, serve: serveWith, log });
  void webhook.run();
  return webhook;
}

/** Reads the files of a Secret of the type kubernetes.io/tls, as cert-manager creates and the kubelet mounts them. */
const keyPairIn = (folder: string): KeyPair => ({
  cert: readFileSync(join(folder, 'tls.crt'), 'utf8'),
  key: readFileSync(join(folder, 'tls.key'), 'utf8'),
});

/** Serves health and metrics, each if it has an address. */
export async function listen(
  { healthAddress, metricsAddress, metricsCertPath }: Options,
  { cluster, metrics }: Shells,
  webhook: Webhook | undefined,
): Promise<{ readonly health: HttpServer | undefined; readonly metrics: HttpServer | undefined }> {
  const health = healthRoutes({
    live: () => undefined,
    ready: () => notReady(cluster.health()) ?? webhook?.notReady(),
  });
  const exposed = metricsRoutes({
    exposition: (openMetrics) => metrics.exposition(openMetrics),
    admit: metricsCertPath ? cluster.mayReadMetrics : undefined,
  });
  const keyPair = metricsCertPath ? () => keyPairIn(metricsCertPath) : undefined;
  const [healthServer, metricsServer] = await Promise.all([
    healthAddress && serveOn('health-probe-bind-address', healthAddress, health),
    metricsAddress && serveOn('metrics-bind-address', metricsAddress, exposed, keyPair),
  ]);
  return { health: healthServer, metrics: metricsServer };
}
