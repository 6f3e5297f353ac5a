/** Metrics of the gate's webhook on this replica: requests, response times, and the validity of its certificate. */
import { X509Certificate } from 'node:crypto';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { WebhookOutcome, WebhookTelemetry } from '../engine/telemetry-ports.ts';
import { WEBHOOK_OUTCOMES } from './labels.ts';

/** The API server waits for two seconds; most responses take less than a millisecond. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 2];

export class WebhookMetrics implements WebhookTelemetry {
  readonly #requests: Counter<'outcome'>;
  readonly #seconds: Histogram;
  #certificate: X509Certificate | undefined;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'postcheck_webhook_requests_total',
      help: 'AdmissionReviews that the webhook answered: the gate was added (gated) or not needed (ungated), the caches were not filled yet (not_ready), it was long and many such waited (busy), or it was not a review of a new pod (invalid).',
      labelNames: ['outcome'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'postcheck_webhook_request_duration_seconds',
      help: 'How long the webhook took to respond after it had read the review.',
      buckets: SECONDS,
      registers,
    });
    for (const outcome of WEBHOOK_OUTCOMES) {
      this.#requests.inc({ outcome }, 0);
    }
    this.#bound(
      registry,
      'not_before',
      'Start of the validity of the certificate that the webhook serves',
      (served) => served.validFromDate.getTime(),
    );
    this.#bound(
      registry,
      'expiration',
      'End of the validity of the certificate that the webhook serves',
      (served) => served.validToDate.getTime(),
    );
  }

  answered(outcome: WebhookOutcome, seconds: number): void {
    this.#requests.inc({ outcome });
    this.#seconds.observe(seconds);
  }

  serves(certificate: string): void {
    try {
      this.#certificate = new X509Certificate(certificate);
    } catch {
      // A half-written file is not served either: the previous certificate is.
    }
  }

  /** Registers one bound of the certificate's validity, without a series before there is a certificate, because zero would be a date. */
  #bound(registry: Registry, name: string, help: string, of: (served: X509Certificate) => number): void {
    const served = () => this.#certificate;
    new Gauge({
      name: `postcheck_webhook_certificate_${name}_timestamp_seconds`,
      help: `${help}; absent while there is none.`,
      registers: [registry],
      collect() {
        const certificate = served();
        if (certificate) {
          this.set(of(certificate) / 1000);
        } else {
          this.remove();
        }
      },
    });
  }
}
