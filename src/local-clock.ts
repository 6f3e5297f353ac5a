/** The clock of this process: spans of time, timers and chance. */
import type { Clock } from './engine/ports.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Everything except the wall clock, which is the API server's. */
export const LOCAL_CLOCK: Omit<Clock, 'now'> = {
  steady: () => performance.now(),
  random: () => Math.random(),
  after: (delayMs, run) => {
    // What was due a moment ago is due now; Node would warn about a negative delay.
    if (delayMs <= 0) {
      const immediate = setImmediate(run);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(run, Math.min(delayMs, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
