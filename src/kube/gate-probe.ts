/** Detects what adds the gate in this cluster. */
import type { GateAnswer, GateProbe } from '../engine/ports.ts';
import { at, list, record, text } from './client/json.ts';
import { GATE_BINDINGS, RESOURCES, type Resource } from './client/paths.ts';
import type { Answer, Requests } from './client/request.ts';

const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

/** Looks for the admission policy's binding or the webhook's configuration with a given name. */
export class ClusterGateProbe implements GateProbe {
  readonly #requests: Requests;
  readonly #name: string;

  constructor(requests: Requests, name: string) {
    this.#requests = requests;
    this.#name = name;
  }

  async carrier(): Promise<GateAnswer> {
    for (const resource of GATE_BINDINGS) {
      const answer = await this.#get(resource);
      if (answer.ok) {
        return { carrier: 'Policy' };
      }
      if (!isAbsent(answer)) {
        return { carrier: 'Unknown' };
      }
    }
    const answer = await this.#get(RESOURCES.MutatingWebhookConfiguration);
    if (answer.ok) {
      return webhookAnswer(answer.body);
    }
    return { carrier: isAbsent(answer) ? 'None' : 'Unknown' };
  }

  #get(resource: Resource): Promise<Answer> {
    return this.#requests.send({ method: 'GET', target: { resource, name: this.#name }, retries: 2 });
  }
}

const isAbsent = (answer: Answer): boolean =>
  !answer.ok && (answer.failure.kind === 'notFound' || answer.failure.kind === 'forbidden');

/** Evaluates a webhook's configuration. Without a certificate authority, no call to it succeeds. */
export function webhookAnswer(configuration: unknown): GateAnswer {
  const [webhook] = list(record(configuration).webhooks);
  if (text(at(webhook, 'clientConfig', 'caBundle')) === '') {
    return { carrier: 'None' };
  }
  const except = list(at(webhook, 'namespaceSelector', 'matchExpressions'))
    .map(record)
    .filter(({ key, operator }) => key === NAMESPACE_NAME && operator === 'NotIn')
    .flatMap(({ values }) => list(values).map(text));
  return { carrier: 'Webhook', except };
}
