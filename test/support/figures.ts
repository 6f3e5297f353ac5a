/** What tests count while their results are recorded; see scripts/reliability-figures.ts. */
import { appendFileSync } from 'node:fs';
import { env } from 'node:process';
import type { FigureName } from '../../scripts/reliability-figures.ts';

/** Adds to a figure. Figures of several tests with the same name are summed. Does nothing unless FIGURES names a file. */
export function addFigure(name: FigureName, count: number): void {
  if (env['FIGURES']) {
    appendFileSync(env['FIGURES'], `${JSON.stringify({ name, count })}\n`);
  }
}
