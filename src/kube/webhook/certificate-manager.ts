/** Keeps the webhook's certificates in a Secret, and the authorities that sign them in the webhook's configuration. */
import { own } from '../../api/own.ts';
import { at, list, type Raw, record, text } from '../client/json.ts';
import { RESOURCES, type Target } from '../client/paths.ts';
import type { Answer, ApiRequest, Requests } from '../client/request.ts';
import type { Issued } from './certificate.ts';
import { type CertificateSet, renewed } from './rotation.ts';

export interface CertificateManagerOptions {
  /** The operator's namespace. */
  readonly namespace: string;
  readonly secret: string;
  /** MutatingWebhookConfiguration whose `caBundle` is kept up to date. */
  readonly configuration: string;
  /** Host names and addresses of the server. */
  readonly hosts: readonly string[];
  readonly now: () => number;
}

/** The result of a reconcile. */
export type CertificateState =
  /** The certificate to serve, which every caller trusts, and the changes that were made. */
  | { readonly ok: true; readonly pair: Issued; readonly changes: readonly string[] }
  /** `raced`: another replica wrote at the same time; reconcile again. */
  | { readonly ok: false; readonly raced: boolean; readonly message: string };

type Step<T> = { readonly value: T } | { readonly problem: CertificateState };

const FIELDS = { authorities: 'ca.crt', authorityKey: 'ca.key', cert: 'tls.crt', key: 'tls.key' } as const;
const RETRIES = 2;

/**
 * Every replica reconciles and may write; with preconditions only the first of two concurrent writes succeeds. The configuration is read before the
 * Secret, so that a replica with an older Secret does not overwrite a newer `caBundle`.
 */
export class CertificateManager {
  readonly #requests: Requests;
  readonly #options: CertificateManagerOptions;

  constructor(requests: Requests, options: CertificateManagerOptions) {
    this.#requests = requests;
    this.#options = options;
  }

  /** Creates or renews what is missing or expires soon. Never rejects. */
  async reconcile(): Promise<CertificateState> {
    const configuration = await this.#read(this.#configuration);
    const secret = await this.#read(this.#secret);
    for (const answer of [configuration, secret]) {
      if (!answer.ok && answer.failure.kind !== 'notFound') {
        return problemOf(answer);
      }
    }
    const stored = await this.#reconcileSecret(secret.ok ? record(secret.body) : undefined);
    if ('problem' in stored) {
      return stored.problem;
    }
    const { certificates, changes } = stored.value;
    const published = await this.#publish(
      configuration.ok ? record(configuration.body) : undefined,
      certificates,
    );
    return 'problem' in published
      ? published.problem
      : { ok: true, pair: certificates.leaf, changes: [...changes, ...published.value] };
  }

  async #reconcileSecret(
    secret: Raw | undefined,
  ): Promise<Step<{ certificates: CertificateSet; changes: readonly string[] }>> {
    const { hosts, now } = this.#options;
    const before = certificatesIn(record(secret?.data));
    const certificates = renewed(before, hosts, now());
    if (!certificates) {
      return { value: { certificates: before, changes: [] } };
    }
    const answer = await this.#requests.send(
      secret ? this.#replace(secret, certificates) : this.#create(certificates),
    );
    const what =
      certificates.authorityKey === before.authorityKey ? 'a certificate' : 'a certificate authority';
    return answer.ok
      ? { value: { certificates, changes: [`created ${what} for the webhook`] } }
      : { problem: problemOf(answer) };
  }

  #create(certificates: CertificateSet): ApiRequest {
    const { namespace, secret } = this.#options;
    return {
      method: 'POST',
      target: { resource: RESOURCES.Secret, namespace },
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret, namespace, labels: { 'app.kubernetes.io/managed-by': 'postcheck' } },
        type: 'kubernetes.io/tls',
        data: dataOf(certificates),
      },
    };
  }

  #replace({ metadata }: Raw, certificates: CertificateSet): ApiRequest {
    const { uid, resourceVersion } = record(metadata);
    return {
      method: 'PATCH',
      target: this.#secret,
      patchType: 'application/merge-patch+json',
      body: { metadata: { uid, resourceVersion }, data: dataOf(certificates) },
    };
  }

  /** Writes `caBundle` into the configuration, and returns the changes. Without a configuration the webhook is never called. */
  async #publish(
    configuration: Raw | undefined,
    { authorities }: CertificateSet,
  ): Promise<Step<readonly string[]>> {
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

function problemOf(answer: Answer): CertificateState {
  const { kind, message } = answer.ok ? { kind: 'conflict', message: '' } : answer.failure;
  // An object that was read and is not found now was deleted by another client.
  return { ok: false, raced: kind === 'conflict' || kind === 'notFound', message };
}

function certificatesIn(data: Raw): CertificateSet {
  const pemOf = (name: string) => Buffer.from(text(own(data, name)), 'base64').toString('latin1');
  return {
    authorities: pemOf(FIELDS.authorities),
    authorityKey: pemOf(FIELDS.authorityKey),
    leaf: { cert: pemOf(FIELDS.cert), key: pemOf(FIELDS.key) },
  };
}

function dataOf({ authorities, authorityKey, leaf }: CertificateSet): Readonly<Record<string, string>> {
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  return {
    [FIELDS.authorities]: base64(authorities),
    [FIELDS.authorityKey]: base64(authorityKey),
    [FIELDS.cert]: base64(leaf.cert),
    [FIELDS.key]: base64(leaf.key),
  };
}
