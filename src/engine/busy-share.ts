/** How much of the time work may take that holds up everything else in the process: what is expensive is followed by a rest. Used by the queue and by `Turns`. */

/** At most one part in so many. */
export const BUSY_SHARE = 10;
/** Nothing rests after cheaper work. */
export const EXPENSIVE_MS = 1;
/** The longest rest: nobody waits longer for what takes even more, nor for minutes after a stall of the machine. */
export const REST_MAX_MS = 1000;
