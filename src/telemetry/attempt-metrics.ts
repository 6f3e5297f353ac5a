/** Metrics of attempts and their fallbacks: how they end, and how long they take and wait. */
import type { Counter, Histogram } from 'prom-client';
import {
  FALLBACK_RESULTS,
  type FallbackResult,
  OUTCOMES,
  type Outcome,
  WAIT_REASONS,
  type WaitReason,
} from '../api/enums.ts';
import type { WorkloadKind } from '../api/views.ts';
import type { FallbackWrite } from '../engine/telemetry-ports.ts';
import { type Families, pairs } from './families.ts';
import { FALLBACK_WRITES, KINDS } from './labels.ts';

const ATTEMPT_SECONDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400];
/** From a minute to a week. */
const WAIT_SECONDS = [60, 600, 1800, 3600, 14_400, 43_200, 86_400, 259_200, 604_800];
const FALLBACK_START_SECONDS = [
  0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2.5, 5, 10, 30, 60,
];

export class AttemptMetrics {
  readonly #attempts: Counter<'kind' | 'outcome'>;
  readonly #attemptSeconds: Histogram<'kind' | 'outcome'>;
  readonly #fallbacks: Counter<'kind' | 'result'>;
  readonly #fallbackStartSeconds: Histogram<'write'>;
  readonly #waits: Histogram<'reason'>;

  constructor(families: Families) {
    this.#attempts = families.counter(
      'postcheck_attempts_total',
      'Attempts that ended, by kind of workload and outcome.',
      ['kind', 'outcome'],
    );
    this.#attemptSeconds = families.histogram(
      'postcheck_attempt_duration_seconds',
      'From the start of an attempt to its end, fallback included.',
      ATTEMPT_SECONDS,
      ['kind', 'outcome'],
    );
    this.#fallbacks = families.counter(
      'postcheck_fallbacks_total',
      'Fallbacks that ended, by kind of workload and result.',
      ['kind', 'result'],
    );
    this.#fallbackStartSeconds = families.histogram(
      'postcheck_fallback_start_seconds',
      'From the evidence that a pod fails until the fallback is recorded (status) and until the previous images are set (images).',
      FALLBACK_START_SECONDS,
      ['write'],
    );
    this.#waits = families.histogram(
      'postcheck_stage_wait_seconds',
      'How long an attempt, or its next stage, waited for a window, a dependency, a soak or an approval, by reason.',
      WAIT_SECONDS,
      ['reason'],
    );
    this.#startAtZero();
  }

  attemptEnded(kind: WorkloadKind, outcome: Outcome, seconds: number): void {
    this.#attempts.inc({ kind, outcome });
    this.#attemptSeconds.observe({ kind, outcome }, seconds);
  }

  fallbackStarted(write: FallbackWrite, seconds: number): void {
    this.#fallbackStartSeconds.observe({ write }, seconds);
  }

  fallbackEnded(kind: WorkloadKind, result: FallbackResult): void {
    this.#fallbacks.inc({ kind, result });
  }

  waitEnded(reason: WaitReason, seconds: number): void {
    this.#waits.observe({ reason }, seconds);
  }

  #startAtZero(): void {
    for (const [kind, outcome] of pairs(KINDS, OUTCOMES)) {
      this.#attempts.inc({ kind, outcome }, 0);
      this.#attemptSeconds.zero({ kind, outcome });
    }
    for (const [kind, result] of pairs(KINDS, FALLBACK_RESULTS)) {
      this.#fallbacks.inc({ kind, result }, 0);
    }
    for (const write of FALLBACK_WRITES) {
      this.#fallbackStartSeconds.zero({ write });
    }
    for (const reason of WAIT_REASONS) {
      this.#waits.zero({ reason });
    }
  }
}
