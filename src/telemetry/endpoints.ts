/** The HTTP endpoints of the operator, health and metrics, each on its own server. */
import type { IncomingMessage } from 'node:http';
import type { Reply, Routes } from './http.ts';

export interface HealthEndpoints {
  /** Why the process should be restarted; `undefined` while it is healthy. */
  readonly live: () => string | undefined;
  /** Why the process cannot do its work; `undefined` when it can. */
  readonly ready: () => string | undefined;
}

const state = (reason: string | undefined): Reply => ({
  status: reason === undefined ? 200 : 503,
  body: `${reason ?? 'ok'}\n`,
});

/** `/healthz` and `/readyz`: for the kubelet. */
export const healthRoutes = ({ live, ready }: HealthEndpoints): Routes => ({
  '/healthz': () => state(live()),
  '/readyz': () => state(ready()),
});

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** Whether the sender of an Authorization header may read the metrics. */
export type Admission = 'allowed' | 'unauthenticated' | 'forbidden' | 'unknown';

export interface MetricsEndpoints {
  /** The metrics as OpenMetrics or in Prometheus' text format. */
  readonly exposition: (openMetrics: boolean) => Promise<Exposition>;
  /** If absent, anybody may read. `client` is the address of the sender. */
  readonly admit?: (authorization: string, client: string) => Promise<Admission>;
}

const REJECTIONS: Readonly<Record<Exclude<Admission, 'allowed'>, Reply>> = {
  unauthenticated: {
    status: 401,
    body: 'send the token of a service account: Authorization: Bearer TOKEN\n',
    headers: { 'WWW-Authenticate': 'Bearer' },
  },
  forbidden: { status: 403, body: 'this account lacks the verb get on the non-resource URL /metrics\n' },
  unknown: { status: 503, body: 'the API server could not authenticate this request\n' },
};

/** `/metrics`. */
export function metricsRoutes({ exposition, admit }: MetricsEndpoints): Routes {
  const renderings = new Map<boolean, Rendering>(
    [true, false].map((openMetrics) => [openMetrics, new Rendering(() => exposition(openMetrics))]),
  );
  return {
    '/metrics': async ({ headers, socket }: IncomingMessage): Promise<Reply> => {
      const admission = admit
        ? await admit(headers.authorization ?? '', socket.remoteAddress ?? '')
        : 'allowed';
      if (admission !== 'allowed') {
        return REJECTIONS[admission];
      }
      const openMetrics = /\bapplication\/openmetrics-text\b/.test(headers.accept ?? '');
      const { contentType, body } = (await renderings.get(openMetrics)?.get()) ?? {
        contentType: '',
        body: '',
      };
      return { status: 200, body, headers: { 'Content-Type': contentType, Vary: 'Accept' } };
    },
  };
}

/** An exposition is reused for this multiple of the time that it took to create. */
const REUSE_FACTOR = 20;

/** Spends at most a twentieth of the time on expositions, however many are requested: requests meanwhile get the same one. */
class Rendering {
  readonly #render: () => Promise<Exposition>;
  #last: Promise<Exposition> | undefined;
  #until = 0;

  constructor(render: () => Promise<Exposition>) {
    this.#render = render;
  }

  get(): Promise<Exposition> {
    if (this.#last && performance.now() < this.#until) {
      return this.#last;
    }
    const startedAt = performance.now();
    this.#until = Number.POSITIVE_INFINITY;
    this.#last = this.#render().finally(() => {
      const now = performance.now();
      this.#until = now + REUSE_FACTOR * (now - startedAt);
    });
    return this.#last;
  }
}
