/** The installed operator: its pods, which of them leads, what it counts and logs. */
import { env } from 'node:process';
import type { Api, Json } from './api.ts';
import { parseMetrics, type Samples } from './metrics.ts';

export const OPERATOR_NAMESPACE = 'postcheck-system';
export const RELEASE = 'postcheck';
const METRICS_PORT = 8080;
const PODS = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/pods`;
const LABELS = encodeURIComponent('app.kubernetes.io/name=postcheck,app.kubernetes.io/component=operator');

export class Operator {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Path of its pods. */
  readonly podsPath = `${PODS}?labelSelector=${LABELS}`;

  /** Pods that are not on their way out. */
  pods = async (): Promise<Json[]> =>
    (await this.#api.list(this.podsPath)).filter(({ metadata }) => !metadata.deletionTimestamp);

  /** The pod that holds the lease; nothing while nobody does. */
  async leader(): Promise<Json | undefined> {
    const lease = await this.#api.find(
      `/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/${RELEASE}`,
    );
    const holder = lease?.spec.holderIdentity as string | undefined;
    return (await this.pods()).find(
      ({ metadata }) => holder !== undefined && holder !== '' && holder.startsWith(metadata.name),
    );
  }

  /** What the leader has counted. OPERATOR_METRICS names the metrics of one that runs outside of the cluster. */
  async metrics(): Promise<Samples> {
    if (env.OPERATOR_METRICS) {
      return parseMetrics(await (await fetch(env.OPERATOR_METRICS)).text());
    }
    const leader = await this.leader();
    if (!leader) {
      throw new Error('no pod of the operator holds the lease');
    }
    return parseMetrics(
      await this.#api.text(`${PODS}/${leader.metadata.name}:${METRICS_PORT}/proxy/metrics`),
    );
  }

  /** The last lines that the leader logged about `words`. */
  async log(words: string, lines = 25): Promise<string> {
    const leader = await this.leader();
    if (!leader) {
      return 'no leader';
    }
    const text = await this.#api.text(`${PODS}/${leader.metadata.name}/log?tailLines=4000`);
    return text
      .split('\n')
      .filter((line) => line.includes(words))
      .slice(-lines)
      .join('\n');
  }
}
