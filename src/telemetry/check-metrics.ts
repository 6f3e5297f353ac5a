/** Metrics of probes: their results, durations and exit codes, and how they share the slots for execs. */
import type { Counter, Gauge, Histogram } from 'prom-client';
import { CHECK_TYPES, type CheckType, CLASSES, type Class } from '../api/enums.ts';
import { type Families, pairs } from './families.ts';
import { CODE_CLASSES, codeClass } from './labels.ts';

const CHECK_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const EXEC_WAIT_SECONDS = [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];

export class CheckMetrics {
  readonly #checks: Counter<'type' | 'class'>;
  readonly #checkSeconds: Histogram<'type'>;
  readonly #exitCodes: Counter<'code_class'>;
  readonly #execs: Gauge;
  readonly #execWaits: Histogram;

  constructor(families: Families) {
    this.#checks = families.counter(
      'postcheck_checks_total',
      'Probes of checks, by type of check and class of the result.',
      ['type', 'class'],
    );
    this.#checkSeconds = families.histogram(
      'postcheck_check_duration_seconds',
      'Duration of one probe of a check.',
      CHECK_SECONDS,
      ['type'],
    );
    this.#exitCodes = families.counter(
      'postcheck_probe_exit_codes_total',
      'Exit codes of exec checks; none: the probe returned no code.',
      ['code_class'],
    );
    this.#execs = families.gauge('postcheck_exec_inflight', 'Running execs.', []);
    this.#execWaits = families.histogram(
      'postcheck_exec_wait_seconds',
      'How long a probe waited for a free exec slot.',
      EXEC_WAIT_SECONDS,
      [],
    );
    this.#startAtZero();
  }

  tried(type: CheckType, result: Class, exitCode: number | undefined, seconds: number): void {
    this.#checks.inc({ type, class: result });
    this.#checkSeconds.observe({ type }, seconds);
    if (type === 'exec') {
      this.#exitCodes.inc({ code_class: codeClass(exitCode) });
    }
  }

  execsInFlight(count: number): void {
    this.#execs.set(count);
  }

  execWaited(seconds: number): void {
    this.#execWaits.observe(seconds);
  }

  #startAtZero(): void {
    for (const [type, result] of pairs(CHECK_TYPES, CLASSES)) {
      this.#checks.inc({ type, class: result }, 0);
    }
    for (const type of CHECK_TYPES) {
      this.#checkSeconds.zero({ type });
    }
    for (const code of CODE_CLASSES) {
      this.#exitCodes.inc({ code_class: code }, 0);
    }
  }
}
