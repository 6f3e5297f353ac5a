/** Authenticates and authorizes clients of a path with the API server. */
import { createHash } from 'node:crypto';
import { list, record, text } from './client/json.ts';
import type { Resource } from './client/paths.ts';
import type { Requests } from './client/request.ts';

const TOKEN_REVIEWS: Resource = { root: '/apis/authentication.k8s.io/v1', plural: 'tokenreviews' };
const ACCESS_REVIEWS: Resource = { root: '/apis/authorization.k8s.io/v1', plural: 'subjectaccessreviews' };

export type Access = 'allowed' | 'unauthenticated' | 'forbidden' | 'unknown';

const CACHE_TTL_MS = 60_000;
const MAX_CACHED = 100;
/** Unknown tokens are reviewed at most this often, so that no client floods the API server through us. Known tokens have no limit. */
const UNKNOWN_TOKENS_PER_SECOND = 10;
/** The same for one client: whoever invents tokens does not lock out Prometheus, which has a new one each hour. */
const UNKNOWN_TOKENS_PER_CLIENT = 4;
const LONGEST_TOKEN = 8192;

/**
 * Authenticates a bearer token with the API server, and checks whether its user may `get` a non-resource URL, as kube-rbac-proxy and controller-runtime's
 * filter do. A positive result is cached for a minute, by the digest of the token.
 */
export class PathAccess {
  readonly #requests: Requests;
  readonly #path: string;
  /** When a positive result expires, by digest; the oldest first. */
  readonly #cached = new Map<string, number>();
  /** Unknown tokens that were reviewed in this second. */
  #reviews = 0;
  /** Those that were sent in this second, by client. */
  readonly #sent = new Map<string, number>();
  #second = 0;

  constructor(requests: Requests, path: string) {
    this.#requests = requests;
    this.#path = path;
  }

  /** Checks an Authorization header of the client at this address. Never rejects. */
  async check(authorization: string, client: string): Promise<Access> {
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization)?.[1];
    if (token === undefined || token.length > LONGEST_TOKEN) {
      return 'unauthenticated';
    }
    const digest = createHash('sha256').update(token).digest('base64');
    const until = this.#cached.get(digest);
    if (until !== undefined && performance.now() < until) {
      return 'allowed';
    }
    if (until === undefined && !this.#mayReviewUnknown(client)) {
      return 'unknown';
    }
    const access = await this.#review(token);
    this.#cache(digest, access);
    return access;
  }

  #mayReviewUnknown(client: string): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#reviews = 0;
      this.#sent.clear();
    }
    const sent = (this.#sent.get(client) ?? 0) + 1;
    this.#sent.set(client, sent);
    return sent <= UNKNOWN_TOKENS_PER_CLIENT && ++this.#reviews <= UNKNOWN_TOKENS_PER_SECOND;
  }

  #cache(digest: string, access: Access): void {
    if (access === 'unknown') {
      return;
    }
    this.#cached.delete(digest);
    if (access === 'allowed') {
      this.#cached.set(digest, performance.now() + CACHE_TTL_MS);
    }
    const [oldest] = this.#cached.keys();
    if (this.#cached.size > MAX_CACHED && oldest !== undefined) {
      this.#cached.delete(oldest);
    }
  }

  async #review(token: string): Promise<Access> {
    const user = await this.#userOf(token);
    return typeof user === 'string' ? user : await this.#mayGet(user);
  }

  async #userOf(token: string): Promise<Record<string, unknown> | Access> {
    const review = await this.#post(TOKEN_REVIEWS, 'TokenReview', { token });
    if (review === undefined) {
      return 'unknown';
    }
    const { uid, username, groups, extra } = record(review.user);
    return review.authenticated === true && text(username) !== ''
      ? { uid, user: username, groups: list(groups), extra }
      : 'unauthenticated';
  }

  async #mayGet(user: Record<string, unknown>): Promise<Access> {
    const review = await this.#post(ACCESS_REVIEWS, 'SubjectAccessReview', {
      ...user,
      nonResourceAttributes: { path: this.#path, verb: 'get' },
    });
    if (review === undefined) {
      return 'unknown';
    }
    return review.allowed === true ? 'allowed' : 'forbidden';
  }

  async #post(
    resource: Resource,
    kind: string,
    spec: Record<string, unknown>,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const apiVersion = resource.root.replace('/apis/', '');
    const answer = await this.#requests.send({
      method: 'POST',
      target: { resource },
      body: { apiVersion, kind, spec },
      deadlineMs: 5_000,
    });
    return answer.ok ? record(record(answer.body).status) : undefined;
  }
}
