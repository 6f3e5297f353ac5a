/**
 * Limits the log lines that a tenant causes. What runs an operator keeps only the newest of its log, so lines without end about one namespace
 * would push out those about all others.
 */
import { type BucketLimit, TokenBuckets, takeToken } from '../api/token-buckets.ts';
import type { Clock } from './ports.ts';
import type { Log, LogFields } from './telemetry-ports.ts';

/** Far more lines at once than an attempt has. */
const ONE: BucketLimit = { burst: 60, refillMs: 10_000 };
/** Also of names that are used once; the burst is that of a thousand Upgrades which are applied together. */
const NAMESPACE: BucketLimit = { burst: 10_000, refillMs: 500 };
/** Besides its tokens, a bucket counts the lines left out since the last one that was written. */
const bucketsOf = (limit: BucketLimit) => new TokenBuckets(limit, () => ({ leftOut: 0 }));
type Buckets = ReturnType<typeof bucketsOf>;

/**
 * A log in which lines about an Upgrade, about its pods, and about one namespace altogether are limited. The next line says as `leftOut` how many
 * are missing before it. Lines of the level `debug`, which somebody wants to see, and those that name no namespace are all written.
 */
export const pacedLog = (log: Log, clock: Pick<Clock, 'steady'>): Log =>
  paced(log, {}, { clock, ones: bucketsOf(ONE), namespaces: bucketsOf(NAMESPACE) });

interface Pace {
  readonly clock: Pick<Clock, 'steady'>;
  readonly ones: Buckets;
  readonly namespaces: Buckets;
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
  const one = ones.of(`${namespace}/${name ?? ''}${pod === undefined ? '' : ' pods'}`, now);
  if (!takeToken(one)) {
    one.leftOut += 1;
    return 'this too';
  }
  const all = namespaces.of(String(namespace), now);
  if (!takeToken(all)) {
    all.leftOut += 1;
    return 'this too';
  }
  const leftOut = one.leftOut + all.leftOut;
  one.leftOut = 0;
  all.leftOut = 0;
  return leftOut;
}
