/**
 * How Prometheus scrapes pods by way of the API server: those of the installed operator behind its Service, with the labels of a ServiceMonitor, and any other.
 * Debian's build knows no discovery by Kubernetes, so the endpoints are looked up here.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { type Json, run } from './api.ts';
import { OPERATOR_NAMESPACE, RELEASE } from './operator.ts';

export interface Scrape {
  readonly config: object;
  /** Takes the files with credentials away. */
  remove(): void;
}

/** One that runs as a process outside of the cluster. */
const ofProcess = (url: string): Scrape => ({
  config: {
    static_configs: [
      {
        targets: [new URL(url).host],
        labels: { namespace: OPERATOR_NAMESPACE, service: `${RELEASE}-metrics`, pod: 'postcheck-process' },
      },
    ],
  },
  remove: () => {},
});

const json = (...args: string[]): Json => JSON.parse(run('kubectl', [...args, '-o', 'json']));

export function scrapeOfTheOperator(): Scrape {
  if (env.OPERATOR_METRICS) {
    return ofProcess(env.OPERATOR_METRICS);
  }
  const service = `${RELEASE}-metrics`;
  const { host, ...scrape } = throughApiServer();
  return {
    config: {
      ...scrape.config,
      static_configs: endpointsOf(service).map(({ pod, port }) => ({
        targets: [host],
        labels: {
          namespace: OPERATOR_NAMESPACE,
          service,
          pod,
          __metrics_path__: `/api/v1/namespaces/${OPERATOR_NAMESPACE}/pods/${pod}:${port}/proxy/metrics`,
        },
      })),
    },
    remove: scrape.remove,
  };
}

/** How the pods of a workload are scraped, which come and go: `say` names those that there are. */
export function scrapeOfPods(): Scrape & { say(pods: readonly Json[], path: string): void } {
  const { host, folder, config, remove } = throughApiServer();
  const file = join(folder, 'pods.json');
  const say = (pods: readonly Json[], path: string): void => {
    const groups = pods.map(({ metadata: { namespace, name } }) => ({
      targets: [host],
      labels: {
        namespace,
        pod: name,
        __metrics_path__: `/api/v1/namespaces/${namespace}/pods/${name}:${path}`,
      },
    }));
    // Renamed into place, as it is read at any moment.
    writeFileSync(`${file}.new`, JSON.stringify(groups));
    renameSync(`${file}.new`, file);
  };
  say([], '');
  return { config: { ...config, file_sd_configs: [{ files: [file], refresh_interval: '1s' }] }, remove, say };
}

/** The API server as a way to every pod, with the credentials of the tests. */
function throughApiServer(): Scrape & { readonly host: string; readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'postcheck-scrape-'));
  const file = (name: string, base64: string | undefined): string | undefined => {
    if (base64 === undefined) {
      return undefined;
    }
    writeFileSync(join(folder, name), Buffer.from(base64, 'base64'), { mode: 0o600 });
    return join(folder, name);
  };
  const config = json('config', 'view', '--raw', '--flatten', '--minify');
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  return {
    config: {
      scheme: 'https',
      tls_config: {
        ca_file: file('ca.crt', cluster['certificate-authority-data']),
        cert_file: file('tls.crt', user['client-certificate-data']),
        key_file: file('tls.key', user['client-key-data']),
      },
      ...(user.token ? { authorization: { credentials: user.token } } : {}),
    },
    host: new URL(cluster.server).host,
    folder,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** The ready pods behind a Service, and the port that is named for metrics. */
function endpointsOf(service: string): { pod: string; port: number }[] {
  const selector = `kubernetes.io/service-name=${service}`;
  const slices = json('get', 'endpointslices', '--namespace', OPERATOR_NAMESPACE, '--selector', selector);
  return slices.items.flatMap(({ endpoints, ports }: Json) =>
    (endpoints ?? [])
      .filter(({ conditions }: Json) => conditions.ready)
      .map(({ targetRef }: Json) => ({
        pod: targetRef.name as string,
        port: ports.find(({ name }: Json) => name === 'metrics').port as number,
      })),
  );
}
