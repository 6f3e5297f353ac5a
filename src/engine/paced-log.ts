/**
 * Limits the log lines that a tenant causes. What runs an operator keeps only the newest of its log, so lines without end about one namespace
 * would push out those about all others.
 */
import type { Clock } from './ports.ts';
import type { Log, LogFields } from './telemetry-ports.ts';

interface Limit {
  /** Lines at once, far more than an attempt has. */
  readonly burst: number;
  /** Time after which one more may follow. */
  readonly refillMs: number;
}

const ONE: Limit = { burst: 60, refillMs: 10_000 };
/** Also of names that are used once; the burst is that of a thousand Upgrades which are applied together. */
const NAMESPACE: Limit = { burst: 10_000, refillMs: 500 };
/** How many names are remembered; the least recent one is forgotten first. */
const MAX_REMEMBERED = 4096;

interface Allowance {
  tokens: number;
  filledAt: number;
  /** Lines left out since the last one that was written. */
  leftOut: number;
}

class Allowances {
  readonly #limit: Limit;
  readonly #all = new Map<string, Allowance>();

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  /** Takes the permission for one line, or counts it as left out. */
  take(name: string, now: number): { readonly allowed: boolean; readonly allowance: Allowance } {
    const { burst, refillMs } = this.#limit;
    const allowance = this.#all.get(name) ?? { tokens: burst, filledAt: now, leftOut: 0 };
    allowance.tokens = Math.min(burst, allowance.tokens + (now - allowance.filledAt) / refillMs);
    allowance.filledAt = now;
    this.#remember(name, allowance);
    const allowed = allowance.tokens >= 1;
    if (allowed) {
      allowance.tokens -= 1;
    } else {
      allowance.leftOut += 1;
    }
    return { allowed, allowance };
  }

  #remember(name: string, allowance: Allowance): void {
    this.#all.delete(name);
    this.#all.set(name, allowance);
    const [oldest] = this.#all.keys();
    if (this.#all.size > MAX_REMEMBERED && oldest !== undefined) {
      this.#all.delete(oldest);
    }
  }
}

/**
 * A log in which lines about an Upgrade, about its pods, and about one namespace altogether are limited. The next line says as `leftOut` how many
 * are missing before it. Lines of the level `debug`, which somebody wants to see, and those that name no namespace are all written.
 */
export const pacedLog = (log: Log, clock: Pick<Clock, 'steady'>): Log =>
  paced(log, {}, { clock, ones: new Allowances(ONE), namespaces: new Allowances(NAMESPACE) });

interface Pace {
  readonly clock: Pick<Clock, 'steady'>;
  readonly ones: Allowances;
  readonly namespaces: Allowances;
}

function paced(log: Log, base: LogFields, pace: Pace): Log {
  const limited = (level: 'info' | 'warn' | 'error') => (message: string, fields?: LogFields) => {
    const leftOut = leftOutBefore({ ...base, ...fields }, pace);
    if (leftOut !== 'this too') {
      log[level](message, leftOut > 0 ? { ...fields, leftOut } : fields);
    }
  };
  return {
    debug: (message, fields) => log.debug(message, fields),
    info: limited('info'),
    warn: limited('warn'),
    error: limited('error'),
    with: (fields) => paced(log.with(fields), { ...base, ...fields }, pace),
  };
}

/** How many lines were left out before this one, if it may be written. */
function leftOutBefore(
  { namespace, name, pod }: LogFields,
  { clock, ones, namespaces }: Pace,
): number | 'this too' {
  if (namespace === undefined) {
    return 0;
  }
  const now = clock.steady();
  // Of a large workload hundreds of pods may be named, which must not cost the line that says how its attempt ended.
  const one = ones.take(`${namespace}/${name ?? ''}${pod === undefined ? '' : ' pods'}`, now);
  const all = one.allowed ? namespaces.take(String(namespace), now) : undefined;
  if (!all?.allowed) {
    return 'this too';
  }
  const leftOut = one.allowance.leftOut + all.allowance.leftOut;
  one.allowance.leftOut = 0;
  all.allowance.leftOut = 0;
  return leftOut;
}
