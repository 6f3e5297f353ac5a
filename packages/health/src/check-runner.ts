/** Runs the application's check, at most once at a time and within its time limit. */
import { type HealthReply, healthCode } from './health-codes.ts';

/** True or 0: healthy. False: unhealthy. A whole number up to 255: an application code; use 3–99. */
export type HealthVerdict = boolean | number;

/** The check of the application. It may be asynchronous; it should not block, and needs no time limit of its own. */
export type HealthCheck = () => HealthVerdict | Promise<HealthVerdict>;

export interface CheckLimits {
  /** How long one run of the check may take. */
  readonly checkTimeoutMs: number;
  /** How long a result is reused without another run; keep it below the probe's period. */
  readonly cacheMs: number;
}

/**
 * Shares one check between any number of callers: at most one run at a time, and its result is reused for `cacheMs`.
 *
 * A run that hangs stays the only one, because a new run for each probe would pile up; callers meanwhile get
 * checkTimedOut as soon as the run exceeds its limit. The returned function never rejects.
 */
export function checkRunner(check: HealthCheck, limits: CheckLimits): () => Promise<HealthReply> {
  let running: { readonly startedMs: number; readonly reply: Promise<HealthReply> } | undefined;
  let kept: { readonly untilMs: number; readonly reply: HealthReply } | undefined;

  function start(): { readonly startedMs: number; readonly reply: Promise<HealthReply> } {
    const reply = runOnce(check).then((answer) => {
      running = undefined;
      kept = { untilMs: performance.now() + limits.cacheMs, reply: answer };
      return answer;
    });
    return { startedMs: performance.now(), reply };
  }

  return async () => {
    if (kept !== undefined && performance.now() < kept.untilMs) {
      return kept.reply;
    }
    running ??= start();
    return withinLimit(
      running.reply,
      running.startedMs + limits.checkTimeoutMs - performance.now(),
      limits.checkTimeoutMs,
    );
  };
}

async function runOnce(check: HealthCheck): Promise<HealthReply> {
  try {
    // Awaited: the truth value of a promise would always mean "healthy".
    return replyTo(await check());
  } catch (error) {
    return {
      code: healthCode.checkFailed,
      message: `the check failed: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

function replyTo(verdict: unknown): HealthReply {
  if (verdict === true || verdict === 0) {
    return { code: healthCode.healthy, message: 'healthy' };
  }
  if (verdict === false) {
    return { code: healthCode.unhealthy, message: 'unhealthy' };
  }
  if (Number.isInteger(verdict) && Number(verdict) > 0 && Number(verdict) <= 255) {
    return { code: Number(verdict), message: `unhealthy, code ${verdict}` };
  }
  // An exit code wraps modulo 256, and 256 would become "healthy", so it is invalid.
  return {
    code: healthCode.checkFailed,
    message: `the check returned ${String(verdict)}; it must return true, false or an integer from 0 to 255`,
  };
}

async function withinLimit(
  reply: Promise<HealthReply>,
  leftMs: number,
  limitMs: number,
): Promise<HealthReply> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<HealthReply>((resolve) => {
    const answer = {
      code: healthCode.checkTimedOut,
      message: `the check has not ended within ${limitMs} ms`,
    };
    timer = setTimeout(resolve, Math.max(0, leftMs), answer);
    timer.unref();
  });
  try {
    return await Promise.race([reply, late]);
  } finally {
    clearTimeout(timer);
  }
}
