/** Serves the gate's webhook, on every replica and on its own port, with certificates that the operator manages. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NewPod, PodPatch } from './api/views.ts';
import type { Log, WebhookTelemetry } from './engine/telemetry-ports.ts';
import { Turns } from './engine/turns.ts';
import type { CertificateManager, CertificateState } from './kube/webhook/certificate-manager.ts';
import { answerReview, BUSY, LONGEST_REVIEW_BYTES, namespaceAhead } from './kube/webhook/review.ts';
import { LOCAL_CLOCK } from './local-clock.ts';
import type { HttpServer, KeyPair, Limits, Routes } from './telemetry/http.ts';

/** Where the API server sends its reviews. */
export const GATE_PATH = '/gate';
/** API servers keep idle connections for 90 s (Go's default), and open one for each pod that is created at the same time. */
export const WEBHOOK_LIMITS: Limits = { connections: 256, keepAliveMs: 120_000 };
/** Longer reviews take turns: parsing 1.5 MiB of the worst kind holds up the leader for a tenth of a second. */
const LONG_REVIEW_BYTES = 16 * 1024;
/** API servers wait for two seconds in all, and after that nobody needs the answer. */
const PATIENCE_MS = 1_500;
const RECONCILE_MS = 30_000;
const AFTER_FAILURE_MS = 5_000;
const AFTER_RACE_MS = 200;

type Admit = (pod: NewPod) => PodPatch | undefined;

/** Answers reviews: short ones at once, long ones one at a time, with rests in between. */
export function webhookRoutes(admit: Admit, telemetry?: Pick<WebhookTelemetry, 'answered'>): Routes {
  const turns = new Turns({ clock: LOCAL_CLOCK, patienceMs: PATIENCE_MS });
  return {
    [GATE_PATH]: {
      maxBytes: LONGEST_REVIEW_BYTES,
      post: async (body, { client, gone }) => {
        const startedAt = performance.now();
        const answer = () => answerReview(body.toString('utf8'), admit);
        const answered =
          body.length > LONG_REVIEW_BYTES
            ? await turns.take({ client, namespace: namespaceAhead(body) }, answer, gone)
            : answer();
        const { outcome, ...reply } = answered ?? BUSY;
        telemetry?.answered(outcome, (performance.now() - startedAt) / 1000);
        return reply;
      },
    },
  };
}

interface WebhookTools {
  readonly certificates: Pick<CertificateManager, 'reconcile'>;
  readonly serve: (keyPair: () => KeyPair) => Promise<HttpServer>;
  readonly log: Log;
}

/** Serves the webhook as soon as there is a certificate, and reconciles the certificates. */
export class SelfSignedWebhook {
  readonly #tools: WebhookTools;
  readonly #stopped = new AbortController();
  #pair: KeyPair | undefined;
  #server: HttpServer | undefined;
  #problem = 'not read yet';

  constructor(tools: WebhookTools) {
    this.#tools = tools;
  }

  /** Why the webhook does not serve yet; `undefined` if it does. */
  notReady(): string | undefined {
    return this.#server ? undefined : `no certificate for the webhook: ${this.#problem}`;
  }

  /** Reconciles the certificates until it is closed. Rejects if it cannot serve. */
  async run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const state = await this.#tools.certificates.reconcile();
      await this.#apply(state);
      await this.#pause(state);
    }
  }

  leave(): void {
    this.#server?.leave();
  }

  async close(graceMs: number): Promise<void> {
    this.#stopped.abort();
    await this.#server?.close(graceMs);
  }

  async #apply(state: CertificateState): Promise<void> {
    const { log, serve } = this.#tools;
    if (!state.ok) {
      if (!state.raced && state.message !== this.#problem) {
        log.warn("cannot reconcile the webhook's certificate", { error: state.message });
      }
      this.#problem = state.message;
      return;
    }
    this.#problem = '';
    for (const change of state.changes) {
      log.info(change);
    }
    const isNew = state.pair.cert !== this.#pair?.cert;
    this.#pair = state.pair;
    if (this.#server) {
      if (isNew) {
        this.#server.reload();
      }
      return;
    }
    this.#server = await serve(() => this.#pair ?? state.pair);
    log.info('serving the webhook', { webhook: this.#server.address });
  }

  async #pause(state: CertificateState): Promise<void> {
    const raced = !state.ok && state.raced;
    const delayMs = state.ok ? RECONCILE_MS : raced ? AFTER_RACE_MS : AFTER_FAILURE_MS;
    const { signal } = this.#stopped;
    // Jitter, so that replicas that were started together do not write at the same time.
    await sleep(delayMs * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => {});
  }
}
