/** Plays all mutants of some files, however often a process has to be begun for that. */
import { type ChildProcess, fork } from 'node:child_process';
import type { PlayerMessage, Verdict, Work } from './player.ts';

/** A mutant from which nothing comes for so long never ends; the machine may do much else. */
const HUNG_MS = 300_000;
/** Before the first mutant every test runs once. */
const MEASURING_MS = 1_800_000;

export type Result = Verdict | { readonly kind: 'hung' };

type Ended = (mutant: string, result: Result) => void;

/** Returns by mutant how it ended, and tells it meanwhile. Throws when a test fails without any. */
export async function playAll(
  work: Work,
  ended: Ended = () => undefined,
): Promise<ReadonlyMap<string, Result>> {
  const done = new Map<string, Result>();
  for (let left = work.mutants; left.length > 0; left = left.filter((mutant) => !done.has(mutant))) {
    await playSome({ ...work, mutants: left }, (mutant, result) => {
      done.set(mutant, result);
      ended(mutant, result);
    });
  }
  return done;
}

/** Plays in one process as long as that is any good; the rest is for the next. */
function playSome(work: Work, ended: Ended): Promise<void> {
  const child: ChildProcess = fork(new URL('player.ts', import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let playing: string | undefined;
  let isReady = false;
  let timer: NodeJS.Timeout | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill('SIGKILL'), isReady ? HUNG_MS : MEASURING_MS);
  };
  child.on('message', (message: PlayerMessage) => {
    isReady ||= message.kind === 'ready';
    watch();
    if (message.kind === 'ready') {
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
      ended(message.mutant, message.verdict);
    }
  });
  child.on('exit', () => {
    clearTimeout(timer);
    if (playing !== undefined) {
      ended(playing, { kind: 'hung' });
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
