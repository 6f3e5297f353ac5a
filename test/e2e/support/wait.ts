/** Waiting for the cluster to show something, with a failure that says what it showed instead. */
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 500;

export class TimedOut extends Error {}

/** Looks until `accept` takes what `look` gives, and gives that. `what` completes "waited N s for …". */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T>,
  accept: (seen: T) => unknown,
  { timeoutSeconds = 60, everyMs = LOOK_EVERY_MS }: { timeoutSeconds?: number; everyMs?: number } = {},
): Promise<T> {
  const end = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const seen = await look();
    if (accept(seen)) {
      return seen;
    }
    if (Date.now() > end) {
      throw new TimedOut(
        `waited ${timeoutSeconds} s for ${what}; last seen: ${JSON.stringify(seen)?.slice(0, 2000)}`,
      );
    }
    await sleep(everyMs);
  }
}
