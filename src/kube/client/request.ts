/** Requests to the API server, with retries. */
import pRetry from 'p-retry';
import type { RequestFailure } from '../../engine/ports.ts';
import { clean, failureOf, isOverloaded, noAnswer } from './errors.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from './http.ts';
import { describe, pathOf, type Target } from './paths.ts';
import type { Throttle } from './throttle.ts';

export type PatchType =
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/json-patch+json'
  | 'application/apply-patch+yaml';

export interface ApiRequest {
  readonly method: HttpRequest['method'];
  readonly target: Target;
  readonly query?: Readonly<Record<string, string>>;
  readonly patchType?: PatchType;
  /** Plain JSON. */
  readonly body?: unknown;
  /** Default 15 s for each try. */
  readonly deadlineMs?: number;
  /** Retries without a response or after a 5xx; only for requests that may be carried out twice. Default 0. */
  readonly retries?: number;
  readonly signal?: AbortSignal;
  /** A longer response counts as none; for what users can make as long as they like. */
  readonly mostBytes?: number;
  /** Checked again once a connection is established; if false, the request is not sent. */
  readonly maySend?: () => boolean;
}

/** `status` is the HTTP status of an error response; 0 if there was no response. */
export type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly failure: RequestFailure; readonly status: number };

const DEFAULT_DEADLINE_MS = 15_000;
/** No further try starts after this time: the caller's queue retries later. */
const LONGEST_RETRYING_MS = 10_000;

/** Carries a failure through p-retry, which expects errors. */
class Failed extends Error {
  readonly failure: RequestFailure;
  readonly status: number;
  constructor(failure: RequestFailure, status = 0) {
    super(failure.message);
    this.failure = failure;
    this.status = status;
  }
}

/** Sends requests with raw JSON to the API server. Never rejects. */
export class Requests {
  readonly #http: HttpClient;
  readonly #throttle: Throttle | undefined;

  /** Without a throttle a 429 delays only its own request: for the lease. */
  constructor(http: HttpClient, throttle?: Throttle) {
    this.#http = http;
    this.#throttle = throttle;
  }

  async send(request: ApiRequest): Promise<Answer> {
    try {
      const body = await pRetry(() => this.#once(request), {
        retries: request.retries ?? 0,
        minTimeout: 200,
        maxTimeout: 2_000,
        randomize: true,
        maxRetryTime: LONGEST_RETRYING_MS,
        signal: request.signal,
        shouldRetry: ({ error }) => error instanceof Failed && mayPass(error.failure),
      });
      return { ok: true, body };
    } catch (error) {
      if (error instanceof Failed) {
        return { ok: false, failure: error.failure, status: error.status };
      }
      return { ok: false, failure: noAnswer(error, what(request)), status: 0 };
    }
  }

  async #once(request: ApiRequest): Promise<unknown> {
    const path = pathOf(request.target);
    if (path === undefined) {
      throw new Failed({ kind: 'invalid', message: clean(`${what(request)}: not a valid object name`) });
    }
    const heldMs = this.#throttle?.remainingMs(request.target.namespace) ?? 0;
    if (heldMs > 0) {
      throw new Failed({
        kind: 'throttled',
        message: `${what(request)}: the API server requires a wait`,
        retryAfterMs: heldMs,
      });
    }
    const answer = await this.#exchange(request, path);
    if (answer.status >= 200 && answer.status < 300) {
      return this.#parsed(answer, request);
    }
    const retryAfter = answer.headers['retry-after'];
    const failure = failureOf(
      { status: answer.status, retryAfter, body: answer.body },
      what(request),
      Date.now(),
    );
    if (failure.kind === 'throttled' && isOverloaded(answer.body)) {
      this.#throttle?.hold(failure.retryAfterMs, request.target.namespace);
    }
    throw new Failed(failure, answer.status);
  }

  async #exchange(request: ApiRequest, path: string): Promise<HttpAnswer> {
    const query = request.query ? `?${new URLSearchParams(request.query)}` : '';
    try {
      return await this.#http.send({
        method: request.method,
        path: path + query,
        headers:
          request.body === undefined ? {} : { 'content-type': request.patchType ?? 'application/json' },
        body: request.body === undefined ? undefined : asJson(request.body),
        deadlineMs: request.deadlineMs ?? DEFAULT_DEADLINE_MS,
        signal: request.signal,
        mostBytes: request.mostBytes,
        maySend: request.maySend,
      });
    } catch (error) {
      throw new Failed(noAnswer(error, what(request)));
    }
  }

  #parsed(answer: HttpAnswer, request: ApiRequest): unknown {
    try {
      return JSON.parse(answer.body);
    } catch {
      throw new Failed({
        kind: 'unavailable',
        message: `${what(request)}: HTTP ${answer.status} whose body is not JSON`,
      });
    }
  }
}

/** Whether the same request may get a response the next time. */
const mayPass = (failure: RequestFailure): boolean => failure.kind === 'unavailable' && !failure.tooLong;

/** JSON as Go writes it: the tests of a JSON patch compare texts with those that are stored, byte by byte. */
const asJson = (body: unknown): string =>
  JSON.stringify(body).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function what({ method, target }: ApiRequest): string {
  return `${method} ${describe(target)}${target.subresource === undefined ? '' : `/${target.subresource}`}`;
}
