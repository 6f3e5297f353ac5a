/** The gate's webhook: a port of its own that every replica answers on, and the certificates that it takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NewPod, PodPatch } from './api/views.ts';
import type { Log, WebhookTelemetry } from './engine/telemetry-ports.ts';
import type { CertificateKeeper, Kept } from './kube/webhook/keeper.ts';
import { answerReview, LONGEST_REVIEW_BYTES } from './kube/webhook/review.ts';
import type { HttpServer, KeyPair, Limits, Routes } from './telemetry/http.ts';

/** Where the API server sends its reviews. */
export const GATE_PATH = '/gate';
/** API servers keep idle connections for 90 s (Go's default), and open one for each pod that is created at the same time. */
export const WEBHOOK_LIMITS: Limits = { connections: 256, keepAliveMs: 120_000 };
const LOOK_MS = 30_000;
const AFTER_FAILURE_MS = 5_000;
const AFTER_RACE_MS = 200;

type Admit = (pod: NewPod) => PodPatch | undefined;

export const webhookRoutes = (admit: Admit, telemetry?: Pick<WebhookTelemetry, 'answered'>): Routes => ({
  [GATE_PATH]: {
    maxBytes: LONGEST_REVIEW_BYTES,
    post: (body) => {
      const began = performance.now();
      const { outcome, ...reply } = answerReview(body, admit);
      telemetry?.answered(outcome, (performance.now() - began) / 1000);
      return reply;
    },
  },
});

interface WebhookTools {
  readonly keeper: Pick<CertificateKeeper, 'look'>;
  readonly serve: (keyPair: () => KeyPair) => Promise<HttpServer>;
  readonly log: Log;
}

/** Serves with the certificates that the operator keeps itself, from when it has the first ones. */
export class SelfSignedWebhook {
  readonly #tools: WebhookTools;
  readonly #stopped = new AbortController();
  #pair: KeyPair | undefined;
  #server: HttpServer | undefined;
  #problem = 'not read yet';

  constructor(tools: WebhookTools) {
    this.#tools = tools;
  }

  /** Why nobody can call it; `undefined` while they can. */
  notReady(): string | undefined {
    return this.#server ? undefined : `no certificate for the webhook: ${this.#problem}`;
  }

  /** Looks after the certificates until it is closed. Rejects when it cannot serve. */
  async run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const kept = await this.#tools.keeper.look();
      await this.#take(kept);
      await this.#rest(kept);
    }
  }

  leave(): void {
    this.#server?.leave();
  }

  async close(graceMs: number): Promise<void> {
    this.#stopped.abort();
    await this.#server?.close(graceMs);
  }

  async #take(kept: Kept): Promise<void> {
    const { log, serve } = this.#tools;
    if (!kept.ok) {
      if (!kept.raced && kept.message !== this.#problem) {
        log.warn("cannot look after the webhook's certificate", { error: kept.message });
      }
      this.#problem = kept.message;
      return;
    }
    this.#problem = '';
    for (const deed of kept.did) {
      log.info(deed);
    }
    const isNew = kept.pair.cert !== this.#pair?.cert;
    this.#pair = kept.pair;
    if (this.#server) {
      if (isNew) {
        this.#server.reload();
      }
      return;
    }
    this.#server = await serve(() => this.#pair ?? kept.pair);
    log.info('serving the webhook', { webhook: this.#server.address });
  }

  async #rest(kept: Kept): Promise<void> {
    const raced = !kept.ok && kept.raced;
    const delayMs = kept.ok ? LOOK_MS : raced ? AFTER_RACE_MS : AFTER_FAILURE_MS;
    const { signal } = this.#stopped;
    // Replicas that were started together look apart.
    await sleep(delayMs * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => {});
  }
}
