/** Runs the application's check, at most once at a time and within its time limit. */
import { type HealthReply, healthCode } from './health-codes.ts';

/** True or 0: healthy. False: unhealthy. A whole number up to 255: a code of the application's own; use 3–99. */
export type HealthVerdict = boolean | number;

/** The application's own check. May be asynchronous; it should not block, and need not have a limit of its own. */
export type HealthCheck = () => HealthVerdict | Promise<HealthVerdict>;

export interface CheckLimits {
  /** How long one run of the check may take. */
  readonly checkTimeoutMs: number;
  /** How long an answer is given again without another run; keep it below the probe's period. */
  readonly cacheMs: number;
}

/**
 * Makes one check answer any number of askers: at most one run at a time, its answer kept for `cacheMs`.
 *
 * A run that hangs stays the only one (a fresh run per probe would pile them up); everybody who asks meanwhile is told
 * checkTimedOut once the run is older than its limit. The function it gives never rejects.
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
    // Awaited: a promise taken for its truth value would say "healthy" for ever.
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
  // An exit code wraps modulo 256, and 256 would become "healthy": so it is no answer at all.
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
