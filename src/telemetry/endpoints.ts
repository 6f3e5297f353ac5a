/** What the operator serves over HTTP: its health, and its metrics. Each on its own server. */
import type { IncomingMessage } from 'node:http';
import type { Reply, Routes } from './http.ts';

export interface HealthEndpoints {
  /** Why the process should be restarted; `undefined` while it is well. */
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

/** May who sent this Authorization header read the metrics? */
export type Admission = 'allowed' | 'unauthenticated' | 'forbidden' | 'unknown';

export interface MetricsEndpoints {
  /** The metrics as OpenMetrics or in Prometheus' own text format. */
  readonly exposition: (openMetrics: boolean) => Promise<Exposition>;
  /** Without it anybody may read. */
  readonly admit?: (authorization: string) => Promise<Admission>;
}

const refusals: Readonly<Record<Exclude<Admission, 'allowed'>, Reply>> = {
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
    '/metrics': async ({ headers }: IncomingMessage): Promise<Reply> => {
      const admission = admit ? await admit(headers.authorization ?? '') : 'allowed';
      if (admission !== 'allowed') {
        return refusals[admission];
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

/** How many times as long as it took to make is one exposition answered again. */
const REUSE_FACTOR = 20;

/** Spends at most a twentieth of the time on expositions, however many are requested: requests in the meantime get the same one. */
class Rendering {
  readonly #make: () => Promise<Exposition>;
  #made: Promise<Exposition> | undefined;
  #until = 0;

  constructor(make: () => Promise<Exposition>) {
    this.#make = make;
  }

  get(): Promise<Exposition> {
    if (this.#made && performance.now() < this.#until) {
      return this.#made;
    }
    const began = performance.now();
    this.#until = Number.POSITIVE_INFINITY;
    this.#made = this.#make().finally(() => {
      const now = performance.now();
      this.#until = now + REUSE_FACTOR * (now - began);
    });
    return this.#made;
  }
}
