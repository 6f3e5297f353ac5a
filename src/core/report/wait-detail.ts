/** The details of what an attempt, or its next stage, waits for. */
import type { Wait } from '../wait.ts';
import { DAYS, wallAt } from '../windows.ts';

/** `Sat 2026-11-28 22:00 Asia/Taipei (2026-11-28 14:00 UTC)`. */
export function momentText(at: number, timeZone: string): string {
  const wall = new Date(wallAt(at, timeZone));
  const minute = (date: Date) => date.toISOString().slice(0, 16).replace('T', ' ');
  const there = `${DAYS[wall.getUTCDay()]} ${minute(wall)} ${timeZone}`;
  return timeZone === 'UTC' ? there : `${there} (${minute(new Date(at))} UTC)`;
}

const phaseText = (phase: Extract<Wait, { reason: 'DependencyNotReady' }>['phase']): string =>
  phase === 'Outdated' ? 'not verified for its current spec' : phase;

/** `undefined` if the reason says everything. */
export function waitDetail(wait: Wait): string | undefined {
  switch (wait.reason) {
    case 'WindowClosed':
      return momentText(wait.until, wait.timeZone);
    case 'DependencyNotReady': {
      const more = wait.others > 0 ? ` and ${wait.others} more` : '';
      return `Upgrade ${wait.upgrade}, which is ${phaseText(wait.phase)}${more}`;
    }
    case 'PartitionSet':
      return `updateStrategy.rollingUpdate.partition ${wait.partition}`;
    case 'Queued':
      return 'its turn';
    case 'Soaking':
    case 'AwaitingApproval':
      return undefined;
  }
}
