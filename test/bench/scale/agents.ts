/** The DaemonSet of the bench, a pod a node. */
import { type Fleet, IMAGE, until } from './fleet.ts';

export const NAMESPACE = 'fleet';
const PATH = `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets/agent`;
/** How many pods are replaced at once. */
export const STEP = '10%';
export const LIMIT_MS = 30 * 60_000;

export interface AgentsShape {
  readonly pods: number;
  /** How long a pod takes from its node to Ready; at once when absent. */
  readonly startsAfter?: string;
  /** Of all pods; `STEP` when absent. */
  readonly step?: string;
}

export class Agents {
  readonly #fleet: Fleet;
  readonly #shape: AgentsShape;

  constructor(fleet: Fleet, shape: AgentsShape) {
    this.#fleet = fleet;
    this.#shape = shape;
  }

  /** Creates as many nodes, and the DaemonSet; returns when all its pods are available. */
  async create(): Promise<void> {
    const { pods } = this.#shape;
    await this.#fleet.nodes(pods, pods <= 100 ? 'first' : 'rest');
    await this.#fleet.namespace(NAMESPACE);
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets`;
    await this.#fleet.rest.create(path, daemonSetOf(this.#shape));
    await this.rolledOut('the first pods');
  }

  rolledOut = (what: string): Promise<void> =>
    until(
      async () => {
        const { metadata, status } = await this.#fleet.rest.get(PATH);
        return (
          status.observedGeneration >= metadata.generation &&
          status.desiredNumberScheduled === this.#shape.pods &&
          status.updatedNumberScheduled === this.#shape.pods &&
          status.numberAvailable === this.#shape.pods
        );
      },
      LIMIT_MS,
      what,
    );

  patch = (spec: object): Promise<unknown> => this.#fleet.rest.patch(PATH, { spec });

  /** Rolls to the image, by the controller alone; `more` is added to the pods' spec. */
  async roll(tag: string, more: object = {}): Promise<void> {
    const spec = { containers: [{ name: 'agent', image: IMAGE(tag) }], ...more };
    await this.#fleet.rest.patch(PATH, { spec: { template: { spec } } }, 'strategic');
    await this.rolledOut(`the rollout of ${tag}`);
  }
}

export async function clearAgents({ rest }: Fleet): Promise<void> {
  const path = `/api/v1/namespaces/${NAMESPACE}`;
  await rest.remove(path);
  await until(async () => (await rest.find(path)) === undefined, LIMIT_MS, 'the namespace to go');
}

export async function seconds(run: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await run();
  return (performance.now() - began) / 1000;
}

const daemonSetOf = ({ pods, startsAfter, step = STEP }: AgentsShape) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent' },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: step } },
    template: {
      metadata: {
        labels: { app: 'agent' },
        ...(startsAfter ? { annotations: { 'postcheck.dev/starts-after': startsAfter } } : {}),
      },
      spec: {
        ...(pods <= 100 ? { nodeSelector: { group: 'first' } } : {}),
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'agent', image: IMAGE('v1') }],
      },
    },
  },
});
