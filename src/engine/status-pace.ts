/** Decides how often the status of an Upgrade is written, and how much of it while the API server rejects it. Times are of the monotonic clock. */
import type { Plan } from '../core/decision/decide.ts';
import { leastStatus } from '../core/report/fit.ts';
import type { Change } from '../core/report/status-diff.ts';
import { namespaceOf } from './fair-keys.ts';
import type { Clock } from './ports.ts';
import type { UpgradeKey } from './store.ts';

/** Minimum interval of status writes for progress only. */
const PROGRESS_EVERY_MS = 2000;
/** The same over all Upgrades: where hundreds roll out at once, such writes would be a third of all, and delay the others. */
const TURN_MS = 80;
/** The same in one namespace, which leaves turns to others: one tenant's Upgrades, however many and restless, do not make what others see old. */
const NAMESPACE_TURN_MS = 100;
/** But nobody waits longer for its turn. */
const LONGEST_TURN_MS = 30_000;
/** Minimum interval for counts and times of probes only. */
const VOLATILE_EVERY_MS = 60_000;
/** The same while an attempt waits for a time or a person, which may take days. */
const VOLATILE_IN_WAIT_MS = 15 * 60_000;
/** How long only the minimal status is written after a status was rejected. */
const STATUS_REFUSED_MS = 10 * 60_000;
/** How many actions may be executed before a status that is due is written. */
const MAX_ACTIONS_AHEAD = 10;

export class StatusPace {
  readonly #clock: Pick<Clock, 'steady'>;
  readonly #refused = new Map<UpgradeKey, { readonly message: string; readonly until: number }>();
  readonly #actsAhead = new Map<UpgradeKey, number>();
  readonly #writtenAt = new Map<UpgradeKey, number>();
  /** When the progress that is due may be written, counted in turns. */
  readonly #turns = new Map<UpgradeKey, number>();
  readonly #taken = new Set<number>();
  /** From when on a namespace may take the next turn. */
  readonly #nextTurnAt = new Map<string, number>();

  constructor(clock: Pick<Clock, 'steady'>) {
    this.#clock = clock;
  }

  /** Returns in how long to write the planned status, which differs this much from the stored one; `undefined` if it equals it. */
  dueMs(key: UpgradeKey, change: Change, { status, intent }: Plan): number | undefined {
    if (change === 'none') {
      return undefined;
    }
    const writtenAt = this.#writtenAt.get(key);
    if (intent || change === 'transition' || writtenAt === undefined) {
      return 0;
    }
    const now = this.#clock.steady();
    if (change === 'progress') {
      return Math.max(0, writtenAt + PROGRESS_EVERY_MS - now) || this.#turnMs(key, now);
    }
    const everyMs = status.waiting ? VOLATILE_IN_WAIT_MS : VOLATILE_EVERY_MS;
    return Math.max(0, writtenAt + everyMs - now);
  }

  /** Returns in how long it is this Upgrade's turn. It keeps its turn until its status is written. */
  #turnMs(key: UpgradeKey, now: number): number {
    const turn = this.#turns.get(key) ?? this.#takeTurn(key, now);
    return Math.max(0, turn * TURN_MS - now);
  }

  #takeTurn(key: UpgradeKey, now: number): number {
    this.#forgetTurns(now);
    const namespace = namespaceOf(key);
    const from = Math.max(now, this.#nextTurnAt.get(namespace) ?? now);
    const last = Math.floor((now + LONGEST_TURN_MS) / TURN_MS);
    let turn = Math.min(last, Math.floor(from / TURN_MS));
    while (turn < last && this.#taken.has(turn)) {
      turn++;
    }
    this.#turns.set(key, turn);
    this.#taken.add(turn);
    this.#nextTurnAt.set(namespace, Math.max(from, turn * TURN_MS) + NAMESPACE_TURN_MS);
    return turn;
  }

  /** What has passed holds up nobody. */
  #forgetTurns(now: number): void {
    for (const turn of this.#taken) {
      if ((turn + 1) * TURN_MS <= now) {
        this.#taken.delete(turn);
      }
    }
    for (const [namespace, at] of this.#nextTurnAt) {
      if (at <= now) {
        this.#nextTurnAt.delete(namespace);
      }
    }
  }

  /** Another Upgrade may have the turn if it was not needed. */
  #endTurn(key: UpgradeKey): void {
    const turn = this.#turns.get(key);
    this.#turns.delete(key);
    if (turn !== undefined && turn * TURN_MS > this.#clock.steady()) {
      this.#taken.delete(turn);
    }
  }

  written(key: UpgradeKey): void {
    this.#writtenAt.set(key, this.#clock.steady());
    this.#endTurn(key);
    this.#actsAhead.delete(key);
  }

  /**
   * Whether the planned action may be executed before the status is written. Its intent is already stored, and progress can be written later: a
   * process that is killed at each status write must still get further. The number is limited, because people read the status.
   */
  mayFollow(key: UpgradeKey, change: Change, { intent }: Plan): boolean {
    const ahead = this.#actsAhead.get(key) ?? 0;
    if (intent || ahead >= MAX_ACTIONS_AHEAD || change === 'transition') {
      return false;
    }
    this.#actsAhead.set(key, ahead + 1);
    return true;
  }

  /** The API server rejected the status: for a while only a minimal one is written. */
  refused(key: UpgradeKey, message: string): void {
    this.#refused.set(key, { message, until: this.#clock.steady() + STATUS_REFUSED_MS });
  }

  isRefused(key: UpgradeKey): boolean {
    return this.#clock.steady() < (this.#refused.get(key)?.until ?? 0);
  }

  /** Returns the plan with as much of its status as the API server accepts. */
  withinLimits(key: UpgradeKey, plan: Plan): Plan {
    const refused = this.#refused.get(key);
    return refused && this.isRefused(key)
      ? { ...plan, status: leastStatus(plan.status, refused.message) }
      : plan;
  }

  forget(key: UpgradeKey): void {
    this.#refused.delete(key);
    this.#endTurn(key);
    this.#actsAhead.delete(key);
    this.#writtenAt.delete(key);
  }
}
