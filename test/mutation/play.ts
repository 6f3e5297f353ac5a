/** Plays all mutants of some files, however often a process has to be begun for that. */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { cpuSecondsOf } from '../support/cpu-seconds.ts';
import type { PlayerMessage, Verdict, Work } from './player.ts';

/** A mutant that takes the processor for so long never ends; how long that lasts depends on what else the machine does. */
const HUNG_CPU_SECONDS = 120;
/** One that waits for so long and hardly takes the processor waits for nothing. */
const IDLE = { ms: 300_000, cpuSeconds: 1 };
/** Before the first mutant every test runs once. */
const MEASURING_CPU_SECONDS = 900;
const LOOK_EVERY_MS = 5_000;

export type Result = Verdict | { readonly kind: 'hung' };

type Ended = (mutant: string, result: Result) => void;

/** Returns by mutant how it ended, and tells it meanwhile. Throws when a test fails without any. */
export async function playAll(
  work: Work,
  ended: Ended = () => undefined,
): Promise<ReadonlyMap<string, Result>> {
  const shares = Math.min(availableParallelism(), work.mutants.length);
  const ends = await Promise.all(
    Array.from({ length: shares }, (_, share) => {
      const mutants = work.mutants.filter((_mutant, index) => index % shares === share);
      return playShare({ ...work, mutants }, ended);
    }),
  );
  return new Map(ends.flatMap((done) => [...done]));
}

async function playShare(work: Work, ended: Ended): Promise<ReadonlyMap<string, Result>> {
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
  let last = { at: performance.now(), cpuSeconds: 0 };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isNew = true;
  const timer = setInterval(() => {
    const now = { at: performance.now(), cpuSeconds: cpuSecondsOf(child.pid as number) };
    last = isNew ? now : last;
    isNew = false;
    const used = now.cpuSeconds - last.cpuSeconds;
    const isIdle = now.at - last.at > IDLE.ms && used < IDLE.cpuSeconds;
    if (isIdle || used > (isReady ? HUNG_CPU_SECONDS : MEASURING_CPU_SECONDS)) {
      child.kill('SIGKILL');
    }
  }, LOOK_EVERY_MS);
  child.on('message', (message: PlayerMessage) => {
    isReady ||= message.kind === 'ready';
    isNew = true;
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
    clearInterval(timer);
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
  return promise;
}
