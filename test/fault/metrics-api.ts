/** The API of the metrics that an autoscaler asks for, beside a real API server: every pod uses as much as the test says. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Json } from './admin-client.ts';
import type { Environment } from './environment.ts';

const GROUP = { group: 'metrics.k8s.io', version: 'v1beta1' } as const;
const PATH = `/apis/${GROUP.group}/${GROUP.version}`;

export class MetricsApi {
  readonly #environment: Environment;
  readonly #server: Server;
  readonly #cpu = new Map<string, string>();

  private constructor(environment: Environment) {
    this.#environment = environment;
    const { key, cert } = environment.certificates;
    this.#server = createServer({ key, cert }, async (incoming, outgoing) => {
      const answer = await this.#answer(new URL(incoming.url ?? '/', 'https://metrics'));
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  }

  /** Starts it, and has the API server pass on what is asked of it. */
  static async start(environment: Environment): Promise<MetricsApi> {
    const one = new MetricsApi(environment);
    one.#server.listen(0, '127.0.0.1');
    await once(one.#server, 'listening');
    const { port } = one.#server.address() as AddressInfo;
    await environment.admin.create('/api/v1/namespaces/default/services', {
      metadata: { name: 'metrics' },
      // The one kind of Service that leads to this machine.
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    await environment.admin.create('/apis/apiregistration.k8s.io/v1/apiservices', {
      metadata: { name: `${GROUP.version}.${GROUP.group}` },
      spec: {
        ...GROUP,
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { namespace: 'default', name: 'metrics', port },
      },
    });
    return one;
  }

  /** From now on each pod in this namespace uses so much. */
  uses(namespace: string, cpu: string): void {
    this.#cpu.set(namespace, cpu);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer({ pathname, search }: URL): Promise<Json> {
    const [, namespace] = /\/namespaces\/([^/]+)\/pods$/.exec(pathname) ?? [];
    if (namespace === undefined) {
      const resources = [
        { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['list'] },
      ];
      return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: PATH.slice(6), resources };
    }
    const { items } = await this.#environment.admin.get(`/api/v1/namespaces/${namespace}/pods${search}`);
    const usage = { cpu: this.#cpu.get(namespace) ?? '100m', memory: '1Mi' };
    return {
      kind: 'PodMetricsList',
      apiVersion: PATH.slice(6),
      metadata: {},
      items: items.map(({ metadata, spec }: Json) => ({
        metadata: { name: metadata.name, namespace },
        timestamp: new Date().toISOString(),
        window: '1s',
        containers: spec.containers.map(({ name }: Json) => ({ name, usage })),
      })),
    };
  }
}
