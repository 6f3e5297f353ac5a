/**
 * Runs the queries of rollout checks concurrently with reconciles: few at a time, distributed fairly, one at a time for a check.
 * Results are kept in memory.
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

export class QueryRunner {
  readonly #options: Pick<Ports, 'clock' | 'promQl'>;
  readonly #semaphore = new FairSemaphore(MAX_QUERIES, MAX_QUERIES);
  readonly #records = new Map<UpgradeKey, Map<string, QueryRecord>>();
  readonly #inFlight = new Set<string>();
  readonly #stopping = new AbortController();

  constructor(options: Pick<Ports, 'clock' | 'promQl'>) {
    this.#options = options;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** The results so far of a check of an Upgrade. */
  recordOf(key: UpgradeKey, check: string): QueryRecord | undefined {
    return this.#records.get(key)?.get(check);
  }

  forget(key: UpgradeKey): void {
    this.#records.delete(key);
  }

  /** Starts the query unless one of this check is running. `done` is called once the result is in memory. */
  start(key: UpgradeKey, query: PlannedQuery, done: () => void): void {
    const id = `${key}/${query.check.name}`;
    if (this.#inFlight.has(id) || this.#stopping.signal.aborted) {
      return;
    }
    this.#inFlight.add(id);
    const [namespace = ''] = key.split('/');
    void this.#semaphore
      .run({ namespace, upgrade: key, node: '' }, () => this.#run(key, query))
      .then(() => {
        this.#inFlight.delete(id);
        if (!this.#stopping.signal.aborted) {
          done();
        }
      });
  }

  async #run(key: UpgradeKey, query: PlannedQuery): Promise<void> {
    const startedAt = this.#options.clock.now();
    const answer = await this.#query(query);
    const records = this.#records.get(key) ?? new Map<string, QueryRecord>();
    const { name } = query.check;
    this.#records.set(key, records.set(name, addAnswer(records.get(name), query, startedAt, answer)));
  }

  async #query({ expression }: PlannedQuery): Promise<QueryAnswer> {
    const { promQl } = this.#options;
    if (!promQl) {
      return { kind: 'failed', message: 'the operator has no --prometheus-url' };
    }
    return expression.length > MAX_QUERY_LENGTH
      ? { kind: 'failed', message: `with the names of its pods the query is longer than ${MAX_QUERY_LENGTH}` }
      : await promQl.query(expression, this.#stopping.signal);
  }
}
