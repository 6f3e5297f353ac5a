/** Keeps the webhook's certificates in a Secret, and the authorities that sign them in the webhook's configuration. */
import { own } from '../../api/own.ts';
import { at, list, type Raw, record, text } from '../client/json.ts';
import { RESOURCES, type Target } from '../client/paths.ts';
import type { Answer, ApiRequest, Requests } from '../client/request.ts';
import type { Issued } from './certificate.ts';
import { type Held, renewed } from './rotation.ts';

export interface KeeperOptions {
  /** The operator's own. */
  readonly namespace: string;
  readonly secret: string;
  /** MutatingWebhookConfiguration whose `caBundle` is kept up to date. */
  readonly configuration: string;
  /** Names and addresses that the server is called by. */
  readonly hosts: readonly string[];
  readonly now: () => number;
}

/** What a look came to. */
export type Kept =
  /** To be served: every caller trusts it. */
  | { readonly ok: true; readonly pair: Issued; readonly did: readonly string[] }
  /** `raced`: another replica wrote at the same time; look again. */
  | { readonly ok: false; readonly raced: boolean; readonly message: string };

type Step<T> = { readonly value: T } | { readonly problem: Kept };

const FIELDS = { authorities: 'ca.crt', authorityKey: 'ca.key', cert: 'tls.crt', key: 'tls.key' } as const;
const RETRIES = 2;

/**
 * Every replica checks, and may write: a precondition lets only the first of two through. The configuration is read before the Secret, so that no
 * replica with an older Secret overwrites what follows from a newer one.
 */
export class CertificateKeeper {
  readonly #requests: Requests;
  readonly #options: KeeperOptions;

  constructor(requests: Requests, options: KeeperOptions) {
    this.#requests = requests;
    this.#options = options;
  }

  /** Looks once, and makes right what is not. Never rejects. */
  async look(): Promise<Kept> {
    const configuration = await this.#read(this.#configuration);
    const secret = await this.#read(this.#secret);
    for (const answer of [configuration, secret]) {
      if (!answer.ok && answer.failure.kind !== 'notFound') {
        return problemOf(answer);
      }
    }
    const kept = await this.#keepSecret(secret.ok ? record(secret.body) : undefined);
    if ('problem' in kept) {
      return kept.problem;
    }
    const { held, did } = kept.value;
    const told = await this.#tell(configuration.ok ? record(configuration.body) : undefined, held);
    return 'problem' in told ? told.problem : { ok: true, pair: held.leaf, did: [...did, ...told.value] };
  }

  async #keepSecret(secret: Raw | undefined): Promise<Step<{ held: Held; did: readonly string[] }>> {
    const { hosts, now } = this.#options;
    const before = heldIn(record(secret?.data));
    const held = renewed(before, hosts, now());
    if (!held) {
      return { value: { held: before, did: [] } };
    }
    const answer = await this.#requests.send(secret ? this.#replace(secret, held) : this.#create(held));
    const what = held.authorityKey === before.authorityKey ? 'a certificate' : 'a certificate authority';
    return answer.ok
      ? { value: { held, did: [`created ${what} for the webhook`] } }
      : { problem: problemOf(answer) };
  }

  #create(held: Held): ApiRequest {
    const { namespace, secret } = this.#options;
    return {
      method: 'POST',
      target: { resource: RESOURCES.Secret, namespace },
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret, namespace, labels: { 'app.kubernetes.io/managed-by': 'postcheck' } },
        type: 'kubernetes.io/tls',
        data: dataOf(held),
      },
    };
  }

  #replace({ metadata }: Raw, held: Held): ApiRequest {
    const { uid, resourceVersion } = record(metadata);
    return {
      method: 'PATCH',
      target: this.#secret,
      patchType: 'application/merge-patch+json',
      body: { metadata: { uid, resourceVersion }, data: dataOf(held) },
    };
  }

  /** Writes `caBundle` into the configuration. Returns what it did. Without a configuration the webhook is never called. */
  async #tell(configuration: Raw | undefined, { authorities }: Held): Promise<Step<readonly string[]>> {
    const caBundle = Buffer.from(authorities).toString('base64');
    const outdated = list(configuration?.webhooks)
      .map(record)
      .filter((webhook) => at(webhook, 'clientConfig', 'caBundle') !== caBundle);
    if (outdated.length === 0) {
      return { value: [] };
    }
    const { uid, resourceVersion } = record(configuration?.metadata);
    const answer = await this.#requests.send({
      method: 'PATCH',
      target: this.#configuration,
      patchType: 'application/strategic-merge-patch+json',
      query: { fieldManager: 'postcheck' },
      body: {
        metadata: { uid, resourceVersion },
        webhooks: outdated.map(({ name }) => ({ name, clientConfig: { caBundle } })),
      },
    });
    return answer.ok ? { value: ["wrote the webhook's caBundle"] } : { problem: problemOf(answer) };
  }

  #read(target: Target): Promise<Answer> {
    return this.#requests.send({ method: 'GET', target, retries: RETRIES });
  }

  get #secret(): Target {
    const { namespace, secret } = this.#options;
    return { resource: RESOURCES.Secret, namespace, name: secret };
  }

  get #configuration(): Target {
    return { resource: RESOURCES.MutatingWebhookConfiguration, name: this.#options.configuration };
  }
}

function problemOf(answer: Answer): Kept {
  const { kind, message } = answer.ok ? { kind: 'conflict', message: '' } : answer.failure;
  // What existed when it was read, and no longer exists, was deleted by another client.
  return { ok: false, raced: kind === 'conflict' || kind === 'notFound', message };
}

function heldIn(data: Raw): Held {
  const pemOf = (name: string) => Buffer.from(text(own(data, name)), 'base64').toString('latin1');
  return {
    authorities: pemOf(FIELDS.authorities),
    authorityKey: pemOf(FIELDS.authorityKey),
    leaf: { cert: pemOf(FIELDS.cert), key: pemOf(FIELDS.key) },
  };
}

function dataOf({ authorities, authorityKey, leaf }: Held): Readonly<Record<string, string>> {
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  return {
    [FIELDS.authorities]: base64(authorities),
    [FIELDS.authorityKey]: base64(authorityKey),
    [FIELDS.cert]: base64(leaf.cert),
    [FIELDS.key]: base64(leaf.key),
  };
}
