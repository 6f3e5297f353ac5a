/** How late the event loop of another process was. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { execPath } from 'node:process';
import type { LoopLag } from './loop-lag.ts';

export type { LoopLag };

const PROGRAM = stripTypeScriptTypes(readFileSync(join(import.meta.dirname, 'loop-lag.ts'), 'utf8'));

/**
 * Flags of Node with which a process measures it; it needs an IPC channel. In JavaScript: a process that strips types itself takes 17 MiB more, which
 * would be measured as the operator's.
 */
export const MEASURES_LAG: readonly string[] = [
  '--import',
  `data:text/javascript,${encodeURIComponent(PROGRAM)}`,
];

/** Since the last time that it was told. */
export async function lagOf(child: ChildProcess): Promise<LoopLag> {
  const told = once(child, 'message');
  child.send('tell');
  return ((await told) as [LoopLag])[0];
}

/** Does nothing but measure: it tells how much of the lag of others is the machine's. */
export class IdleProcess {
  readonly #child = spawn(execPath, [...MEASURES_LAG, '--eval', 'setInterval(() => {}, 60_000)'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

  lag = (): Promise<LoopLag> => lagOf(this.#child);

  end(): void {
    this.#child.kill();
  }
}
