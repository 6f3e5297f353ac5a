/** Plays all mutants of some files, however often a process has to be begun for that. */
import { type ChildProcess, fork } from 'node:child_process';
import type { PlayerMessage, Verdict, Work } from './player.ts';

/** A mutant from which nothing comes for so long never ends; the machine may do much else. */
const HUNG_MS = 300_000;

export type Result = Verdict | { readonly kind: 'hung' };

/** Returns by mutant how it ended. Throws when a test fails without any. */
export async function playAll(work: Work): Promise<ReadonlyMap<string, Result>> {
  const done = new Map<string, Result>();
  for (let left = work.mutants; left.length > 0; left = left.filter((mutant) => !done.has(mutant))) {
    await playSome({ ...work, mutants: left }, done);
  }
  return done;
}

/** Plays in one process as long as that is any good; the rest is for the next. */
function playSome(work: Work, done: Map<string, Result>): Promise<void> {
  const child: ChildProcess = fork(new URL('player.ts', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let playing: string | undefined;
  let isReady = false;
  let timer: NodeJS.Timeout | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill('SIGKILL'), HUNG_MS);
  };
  child.on('message', (message: PlayerMessage) => {
    watch();
    if (message.kind === 'ready') {
      isReady = true;
      if (message.failing.length > 0) {
        child.kill();
        reject(new Error(`without a mutant these fail, too: ${message.failing.join(', ')}`));
      }
    }
    if (message.kind === 'begun') {
      playing = message.mutant;
    }
    if (message.kind === 'done') {
      playing = undefined;
      done.set(message.mutant, message.verdict);
    }
  });
  child.on('exit', () => {
    clearTimeout(timer);
    if (playing !== undefined) {
      done.set(playing, { kind: 'hung' });
    }
    if (isReady) {
      resolve();
    } else {
      reject(new Error('the tests cannot run'));
    }
  });
  child.send(work);
  watch();
  return promise;
}
