/**
 * Runs the queries of rollout checks concurrently with reconciles: few at a time, distributed fairly, one at a time for a check.
 * Results are kept in memory, for the checks that an Upgrade has now.
 */
import {
  addAnswer,
  MAX_QUERY_LENGTH,
  type PlannedQuery,
  type QueryAnswer,
  type QueryRecord,
} from '../core/rollout/rollout-checks.ts';
import { FairSemaphore } from './fair-semaphore.ts';
import type { Ports } from './ports.ts';
import type { UpgradeKey } from './store.ts';

const MAX_QUERIES = 4;

/** A check that was queried, or is. */
interface Queried {
  record?: QueryRecord;
  /** Cancels the query that is running. */
  running?: AbortController | undefined;
}

export class QueryRunner {
  readonly #options: Pick<Ports, 'clock' | 'promQl'>;
  readonly #semaphore = new FairSemaphore(MAX_QUERIES, MAX_QUERIES);
  /** By Upgrade, then by the check's name. */
  readonly #queried = new Map<UpgradeKey, Map<string, Queried>>();
  #isStopped = false;

  constructor(options: Pick<Ports, 'clock' | 'promQl'>) {
    this.#options = options;
  }

  /** Cancels all queries; their results are dropped. */
  stop(): void {
    this.#isStopped = true;
    for (const checks of this.#queried.values()) {
      for (const { running } of checks.values()) {
        running?.abort();
      }
    }
  }

  /** The results so far of a check of an Upgrade. */
  recordOf(key: UpgradeKey, check: string): QueryRecord | undefined {
    return this.#queried.get(key)?.get(check)?.record;
  }

  /** Forgets an Upgrade that is gone. */
  forget(key: UpgradeKey): void {
    this.keepOnly(key, []);
  }

  /** Forgets the checks that an Upgrade has no more. Nobody waits for their queries, and they would keep their slots until they time out. */
  keepOnly(key: UpgradeKey, checks: readonly string[]): void {
    const known = this.#queried.get(key);
    for (const [name, { running }] of known ?? []) {
      if (!checks.includes(name)) {
        running?.abort();
        known?.delete(name);
      }
    }
    if (known?.size === 0) {
      this.#queried.delete(key);
    }
  }

  /** Starts the query unless one of this check is running. `done` is called once the result is in memory. */
  start(key: UpgradeKey, query: PlannedQuery, done: () => void): void {
    const queried = this.#queriedOf(key, query.check.name);
    if (queried.running || this.#isStopped) {
      return;
    }
    const running = new AbortController();
    queried.running = running;
    const [namespace = ''] = key.split('/');
    void this.#semaphore
      .run({ namespace, upgrade: key, node: '' }, () => this.#run(queried, query, running.signal))
      .then(() => {
        queried.running = undefined;
        if (!running.signal.aborted) {
          done();
        }
      });
  }

  #queriedOf(key: UpgradeKey, check: string): Queried {
    const checks = this.#queried.get(key) ?? new Map<string, Queried>();
    const queried = checks.get(check) ?? {};
    this.#queried.set(key, checks.set(check, queried));
    return queried;
  }

  async #run(queried: Queried, query: PlannedQuery, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      return;
    }
    const startedAt = this.#options.clock.now();
    const answer = await this.#query(query, signal);
    queried.record = addAnswer(queried.record, query, startedAt, answer);
  }

  async #query({ expression }: PlannedQuery, signal: AbortSignal): Promise<QueryAnswer> {
    const { promQl } = this.#options;
    if (!promQl) {
      return { kind: 'failed', message: 'the operator has no --prometheus-url' };
    }
    return expression.length > MAX_QUERY_LENGTH
      ? { kind: 'failed', message: `with the names of its pods the query is longer than ${MAX_QUERY_LENGTH}` }
      : await promQl.query(expression, signal);
  }
}
