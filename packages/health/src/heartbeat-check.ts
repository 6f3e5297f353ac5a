/** Checks the age of a heartbeat file and whether its writer is alive. */
import { readFileSync, statSync, unlinkSync } from 'node:fs';
import { type HealthReply, healthCode, healthCodeTexts } from './health-codes.ts';

/** A modification time may be this far in the future, because file systems and clocks round differently. */
const FUTURE_TOLERANCE_MS = 2000;

/**
 * Checks the heartbeat at `path`: the age of its last beat, and whether its writer is alive. It changes nothing, so any
 * number of callers get the same result. It must run in the writer's PID namespace (the same container).
 *
 * A beat from the future (the clock was set back) does not count; the next beat corrects it.
 */
export function checkHeartbeat(path: string, maxAgeMs: number): HealthReply {
  return guarded(path, () => {
    const ageMs = Date.now() - statSync(path).mtimeMs;
    const content = readFileSync(path, 'utf8');
    const [, pid, sequence] = /^(\d{1,10}) (\d+)\n$/.exec(content) ?? [];
    if (pid === undefined) {
      return {
        code: healthCode.beatInvalid,
        message: `${path}: not a heartbeat: ${JSON.stringify(content.slice(0, 80))}`,
      };
    }
    if (ageMs < -FUTURE_TOLERANCE_MS) {
      return {
        code: healthCode.beatInvalid,
        message: `${path}: the last beat is ${seconds(-ageMs)} in the future; was the clock set back?`,
      };
    }
    if (!isAlive(Number(pid))) {
      return {
        code: healthCode.beatProcessGone,
        message: `${path}: process ${pid}, which wrote the last beat, no longer exists`,
      };
    }
    if (ageMs > maxAgeMs) {
      return {
        code: healthCode.beatTooOld,
        message: `${path}: the last beat is ${seconds(ageMs)} old, allowed are ${seconds(maxAgeMs)}`,
      };
    }
    return { code: healthCode.healthy, message: `beat ${sequence}, ${seconds(Math.max(0, ageMs))} old` };
  });
}

/**
 * The older way, with `rm FILE` as the probe: healthy if there was a beat to remove. A second caller (postcheck besides the
 * kubelet, or a person) would take the beat from the probe, so there must be exactly one, and it needs write access.
 */
export function consumeHeartbeat(path: string): HealthReply {
  return guarded(path, () => {
    unlinkSync(path);
    return { code: healthCode.healthy, message: 'beat consumed' };
  });
}

function guarded(path: string, judge: () => HealthReply): HealthReply {
  try {
    return judge();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT'
      ? { code: healthCode.beatMissing, message: `${path}: ${healthCodeTexts.beatMissing}` }
      : { code: healthCode.beatUnreadable, message: `${path}: ${message}` };
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists, and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
