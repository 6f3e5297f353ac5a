/** The requests of a leader election. */
import type { RequestFailure } from '../../engine/ports.ts';
import { RESOURCES, type Target } from '../client/paths.ts';
import type { Answer, Requests } from '../client/request.ts';
import { type LeaseRecord, readLease } from './lease-record.ts';

/** The three requests of an election, each with a short limit. They are not retried here: the election retries. */
export class LeaseStore {
  readonly target: Target & { readonly namespace: string; readonly name: string };
  readonly #requests: Requests;
  readonly #deadlineMs: number;

  constructor(requests: Requests, namespace: string, name: string, deadlineMs: number) {
    this.#requests = requests;
    this.#deadlineMs = deadlineMs;
    this.target = { resource: RESOURCES.Lease, namespace, name };
  }

  async read(): Promise<LeaseRecord | RequestFailure> {
    return result(
      await this.#requests.send({ method: 'GET', target: this.target, deadlineMs: this.#deadlineMs }),
    );
  }

  async create(spec: Record<string, unknown>): Promise<LeaseRecord | RequestFailure> {
    const { resource, namespace, name } = this.target;
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name }, spec };
    return result(
      await this.#requests.send({
        method: 'POST',
        target: { resource, namespace },
        body,
        deadlineMs: this.#deadlineMs,
      }),
    );
  }

  /** A merge patch, so that other clients' fields and labels stay; rejected if the Lease was written since `before`. */
  async write(before: LeaseRecord, spec: Record<string, unknown>): Promise<LeaseRecord | RequestFailure> {
    const { uid, resourceVersion } = before;
    return result(
      await this.#requests.send({
        method: 'PATCH',
        target: this.target,
        patchType: 'application/merge-patch+json',
        body: { metadata: { uid, resourceVersion }, spec },
        deadlineMs: this.#deadlineMs,
      }),
    );
  }
}

function result(answer: Answer): LeaseRecord | RequestFailure {
  return answer.ok ? readLease(answer.body) : answer.failure;
}
