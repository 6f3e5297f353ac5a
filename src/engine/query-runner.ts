/** Asks the checks of rollouts beside the reconciles: few at once, shared out fairly, one at a time of a check. Answers are kept in memory. */
import {
  addAnswer,
  MOST_CHARACTERS,
  type PlannedQuery,
  type QueryAnswer,
  type QueryRecord,
} from '../core/rollout/rollout-checks.ts';
import { FairSemaphore } from './fair-semaphore.ts';
import type { Ports } from './ports.ts';
import type { UpgradeKey } from './store.ts';

const AT_ONCE = 4;

export class QueryRunner {
  readonly #options: Pick<Ports, 'clock' | 'promQl'>;
  readonly #semaphore = new FairSemaphore(AT_ONCE, AT_ONCE);
  readonly #records = new Map<UpgradeKey, Map<string, QueryRecord>>();
  readonly #inFlight = new Set<string>();
  readonly #stopping = new AbortController();

  constructor(options: Pick<Ports, 'clock' | 'promQl'>) {
    this.#options = options;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** The last answer to a check of an Upgrade. */
  recordOf(key: UpgradeKey, check: string): QueryRecord | undefined {
    return this.#records.get(key)?.get(check);
  }

  forget(key: UpgradeKey): void {
    this.#records.delete(key);
  }

  /** Asks, unless this check is being asked. `done` is called once with the answer in memory. */
  start(key: UpgradeKey, query: PlannedQuery, done: () => void): void {
    const own = `${key}/${query.check.name}`;
    if (this.#inFlight.has(own) || this.#stopping.signal.aborted) {
      return;
    }
    this.#inFlight.add(own);
    const [namespace = ''] = key.split('/');
    void this.#semaphore
      .run({ namespace, upgrade: key, node: '' }, () => this.#ask(key, query))
      .then(() => {
        this.#inFlight.delete(own);
        if (!this.#stopping.signal.aborted) {
          done();
        }
      });
  }

  async #ask(key: UpgradeKey, query: PlannedQuery): Promise<void> {
    const startedAt = this.#options.clock.now();
    const answer = await this.#answer(query);
    const records = this.#records.get(key) ?? new Map<string, QueryRecord>();
    const { name } = query.check;
    this.#records.set(key, records.set(name, addAnswer(records.get(name), query, startedAt, answer)));
  }

  async #answer({ expression }: PlannedQuery): Promise<QueryAnswer> {
    const { promQl } = this.#options;
    if (!promQl) {
      return { kind: 'failed', message: 'the operator has no --prometheus-url' };
    }
    return expression.length > MOST_CHARACTERS
      ? { kind: 'failed', message: `with the names of its pods the query is longer than ${MOST_CHARACTERS}` }
      : await promQl.query(expression, this.#stopping.signal);
  }
}
