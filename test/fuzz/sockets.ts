/** Clients of the product against hostile peers on real sockets, each case of its own seed. */
import { hostileExecs } from './exec-peer.ts';
import { type Fuzzed, replayOf } from './fuzz.ts';
import { hostileHealth } from './grpc-peer.ts';
import { hostileWatches } from './watch-peer.ts';

/** A client and its peer. */
export interface Hostile {
  /** Plays the case of this seed; returns what is wrong with how it ended, if anything is. */
  readonly play: (seed: number) => Promise<string | undefined>;
  /** How the cases so far ended. */
  readonly outcomes: ReadonlySet<string>;
  readonly openSockets: () => number;
  readonly close: () => void | Promise<void>;
}

export interface Client {
  readonly name: string;
  readonly start: () => Promise<Hostile>;
  readonly atOnce: number;
  /** Enough cases end in each of these ways. */
  readonly ends: readonly string[];
}

export const CLIENTS: readonly Client[] = [
  {
    name: 'exec',
    start: hostileExecs,
    atOnce: 16,
    ends: ['exit', 'missing', 'gone', 'broken', 'notUpgraded'],
  },
  { name: 'gRPC health check', start: hostileHealth, atOnce: 16, ends: ['success', 'failure'] },
  { name: 'watch', start: hostileWatches, atOnce: 1, ends: ['change', 'synced', 'failed'] },
];

const MOST_FAILURES = 3;

/** Case n of a run has the seed `seed + n`. No connection may be left of any. */
export async function fuzzSockets(
  { name, start, atOnce }: Client,
  seed: number,
  cases: number,
): Promise<Fuzzed & Pick<Hostile, 'outcomes'>> {
  const hostile = await start();
  const failures: string[] = [];
  let next = 0;
  const some = async (): Promise<void> => {
    while (next < cases && failures.length < MOST_FAILURES) {
      const own = seed + next++;
      const wrong = await hostile.play(own);
      if (wrong !== undefined) {
        failures.push(`${name}, case ${own}: ${wrong}\n  ${replayOf(name, own)}`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, some));
    // A connection that a client has given up ends as soon as the peer is told.
    while (failures.length === 0 && hostile.openSockets() > 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } finally {
    await hostile.close();
  }
  return { name, cases: next, failures, outcomes: hostile.outcomes };
}
