/** How late the event loop of another process was. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { execPath } from 'node:process';
import type { LoopLag } from './loop-lag.ts';

export type { LoopLag };

/** Flags of Node with which a process measures it; it needs an IPC channel. */
export const MEASURES_LAG: readonly string[] = ['--import', join(import.meta.dirname, 'loop-lag.ts')];

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
