/** How often the status of an Upgrade is written, and how much of it while the API server refuses it. Times are of the steady clock. */
import type { Upgrade } from '../api/types.ts';
import type { Plan } from '../core/decision/decide.ts';
import { leastStatus } from '../core/report/fit.ts';
import { changeOf } from '../core/report/status-diff.ts';
import type { Clock } from './ports.ts';
import type { UpgradeKey } from './store.ts';

/** The least time between two writes of mere progress. */
const PROGRESS_EVERY_MS = 2000;
/** And of mere counts and times of tries. */
const VOLATILE_EVERY_MS = 60_000;
/** While an attempt waits for time to pass or for a person, who may take days. */
const VOLATILE_IN_WAIT_MS = 15 * 60_000;
/** So long only the least is written of an Upgrade whose status was refused. */
const STATUS_REFUSED_MS = 10 * 60_000;
/** So many actions may go ahead of a status that is due. */
const MOST_AHEAD = 10;

export class StatusPace {
  readonly #clock: Pick<Clock, 'steady'>;
  readonly #refused = new Map<UpgradeKey, { readonly message: string; readonly until: number }>();
  readonly #actsAhead = new Map<UpgradeKey, number>();
  readonly #writtenAt = new Map<UpgradeKey, number>();

  constructor(clock: Pick<Clock, 'steady'>) {
    this.#clock = clock;
  }

  /** In how long the planned status is to be written; `undefined`: what is stored says the same. */
  dueMs(key: UpgradeKey, upgrade: Upgrade, { status, intent }: Plan): number | undefined {
    const change = changeOf(upgrade.status, status);
    if (change === 'none') {
      return undefined;
    }
    const writtenAt = this.#writtenAt.get(key);
    if (intent || change === 'transition' || writtenAt === undefined) {
      return 0;
    }
    const volatileMs = status.waiting ? VOLATILE_IN_WAIT_MS : VOLATILE_EVERY_MS;
    const everyMs = change === 'progress' ? PROGRESS_EVERY_MS : volatileMs;
    return Math.max(0, writtenAt + everyMs - this.#clock.steady());
  }

  written(key: UpgradeKey): void {
    this.#writtenAt.set(key, this.#clock.steady());
    this.#actsAhead.delete(key);
  }

  /**
   * May the planned action go ahead of the status? What it means to do is stored already, and mere progress can be told later: a process that
   * ends at each write of a status must not be kept from ever getting further. Not without end, as somebody reads the status.
   */
  mayFollow(key: UpgradeKey, upgrade: Upgrade, { status, intent }: Plan): boolean {
    const ahead = this.#actsAhead.get(key) ?? 0;
    if (intent || ahead >= MOST_AHEAD || changeOf(upgrade.status, status) === 'transition') {
      return false;
    }
    this.#actsAhead.set(key, ahead + 1);
    return true;
  }

  /** The API server takes no such status of this Upgrade: for a while only the least of it is written. */
  refused(key: UpgradeKey, message: string): void {
    this.#refused.set(key, { message, until: this.#clock.steady() + STATUS_REFUSED_MS });
  }

  isRefused(key: UpgradeKey): boolean {
    return this.#clock.steady() < (this.#refused.get(key)?.until ?? 0);
  }

  /** The plan with as much of its status as the API server takes. */
  withinLimits(key: UpgradeKey, plan: Plan): Plan {
    const refused = this.#refused.get(key);
    return refused && this.isRefused(key)
      ? { ...plan, status: leastStatus(plan.status, refused.message) }
      : plan;
  }

  forget(key: UpgradeKey): void {
    this.#refused.delete(key);
    this.#actsAhead.delete(key);
    this.#writtenAt.delete(key);
  }
}
