/** The operator's own installation in a cluster. */
import type { Upgrade } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { Installation, Watched, Written } from '../engine/ports.ts';
import { GATE_BINDINGS, RESOURCES, type Target } from './client/paths.ts';
import type { Requests } from './client/request.ts';
import { decodeWorkload } from './objects/decode-workload.ts';
import { PROJECTIONS } from './objects/decoders.ts';
import { listPages } from './watch/list-pages.ts';

/** Where the operator runs. */
export interface OperatorRef {
  readonly deployment: string;
  readonly namespace: string;
}

export interface InstallationOptions {
  readonly requests: Requests;
  /** The namespaces that the operator watches; empty for the whole cluster. */
  readonly namespaces: readonly string[];
  readonly gatePolicyName: string;
  /** Secret with the webhook's certificates; `undefined` without a webhook. */
  readonly webhookSecret: string | undefined;
  readonly operator: OperatorRef;
}

export class ClusterInstallation implements Installation {
  readonly #options: InstallationOptions;

  constructor(options: InstallationOptions) {
    this.#options = options;
  }

  get deployment(): string {
    return this.#options.operator.deployment;
  }

  get gatePolicyName(): string {
    return this.#options.gatePolicyName;
  }

  async unbindGate(): Promise<Written<boolean>> {
    const { gatePolicyName: name, webhookSecret } = this.#options;
    const webhooks = webhookSecret ? [RESOURCES.MutatingWebhookConfiguration] : [];
    let existed = false;
    for (const resource of [...GATE_BINDINGS, ...webhooks]) {
      const removed = await this.#remove({ resource, name });
      if (!removed.ok) {
        return removed;
      }
      existed ||= removed.object;
    }
    return { ok: true, object: existed };
  }

  async removeCertificates(): Promise<Written<boolean>> {
    const { webhookSecret: name, operator } = this.#options;
    return name
      ? this.#remove({ resource: RESOURCES.Secret, namespace: operator.namespace, name })
      : { ok: true, object: false };
  }

  /** Returns whether the object existed. */
  async #remove(target: Target): Promise<Written<boolean>> {
    const answer = await this.#options.requests.send({ method: 'DELETE', target, retries: 3 });
    return answer.ok || answer.failure.kind === 'notFound' ? { ok: true, object: answer.ok } : answer;
  }

  async scaleDown(): Promise<Written<boolean>> {
    const { requests, operator } = this.#options;
    const { namespace, deployment: name } = operator;
    const target: Target = { resource: RESOURCES.Deployment, namespace, name, subresource: 'scale' };
    const scaled = await requests.send({
      method: 'PATCH',
      target,
      patchType: 'application/merge-patch+json',
      body: { spec: { replicas: 0 } },
      retries: 3,
    });
    return scaled.ok || scaled.failure.kind === 'notFound' ? { ok: true, object: scaled.ok } : scaled;
  }

  async isRunning(): Promise<boolean | 'unknown'> {
    const { namespace, deployment } = this.#options.operator;
    const pods = await this.#list('Pod', [{ resource: RESOURCES.Pod, namespace }]);
    return pods.ok ? pods.object.some(({ owner }) => isOf(deployment, owner)) : 'unknown';
  }

  listUpgrades(): Promise<Written<readonly Upgrade[]>> {
    return this.#list('Upgrade', this.#scopes(RESOURCES.Upgrade));
  }

  async statefulSet(namespace: string, name: string): Promise<Written<WorkloadView>> {
    const target: Target = { resource: RESOURCES.StatefulSet, namespace, name };
    const answer = await this.#options.requests.send({ method: 'GET', target, retries: 3 });
    return answer.ok ? { ok: true, object: decodeWorkload('StatefulSet', answer.body) } : answer;
  }

  listPods(): Promise<Written<readonly PodView[]>> {
    return this.#list('Pod', this.#scopes(RESOURCES.Pod));
  }

  #scopes(resource: Target['resource']): Target[] {
    const { namespaces } = this.#options;
    return namespaces.length > 0 ? namespaces.map((namespace) => ({ resource, namespace })) : [{ resource }];
  }

  async #list<K extends 'Upgrade' | 'Pod'>(
    kind: K,
    targets: readonly Target[],
  ): Promise<Written<readonly Watched[K][]>> {
    const all: Watched[K][] = [];
    for (const target of targets) {
      const listed = await listPages(this.#options.requests, { target, projection: PROJECTIONS[kind] });
      if (!listed.ok) {
        return listed as Written<never>;
      }
      all.push(...listed.items);
    }
    return { ok: true, object: all };
  }
}

/** Whether the owner is a ReplicaSet of this Deployment, and not of one whose name only starts with it. */
const isOf = (deployment: string, owner: PodView['owner']): boolean =>
  owner.kind === 'ReplicaSet' &&
  owner.name.startsWith(`${deployment}-`) &&
  !owner.name.slice(deployment.length + 1).includes('-');
