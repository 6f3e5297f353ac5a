/** What tests count while their results are recorded; see scripts/reliability-figures.ts. */
import { appendFileSync } from 'node:fs';
import { env } from 'node:process';
import type { FigureLine, FigureName } from '../../scripts/reliability-figures.ts';
import type { RecoveryLine } from '../../scripts/reliability-recovery.ts';

/** Adds to a figure. Figures of several tests with the same name are summed. As all here, does nothing unless FIGURES names a file. */
export function addFigure(name: FigureName, count: number): void {
  add({ name, count });
}

/**
 * Keeps how long an upgrade took to recover from a fault: how much later it ended than without the fault, or than the fault itself if that is
 * later. Of several the slowest counts; one that has not ended counts not at all, which is for its test to say.
 */
export function addRecovery(fault: string, time: RecoveryLine['time'], seconds: number): void {
  if (!Number.isNaN(seconds)) {
    add({ fault, time, seconds: Math.max(0, seconds) });
  }
}

function add(line: FigureLine | RecoveryLine): void {
  if (env['FIGURES']) {
    appendFileSync(env['FIGURES'], `${JSON.stringify(line)}\n`);
  }
}
