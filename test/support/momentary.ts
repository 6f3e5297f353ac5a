/**
 * Environment of a Go program that runs for a moment, as kubectl and helm do: it collects no garbage before it has a lot, and starts no threads for that.
 * Thousands of them run with all tests, and each takes a third less of the processor so (kubectl get: 61 ms instead of 93 ms).
 */
export const MOMENTARY = { GOGC: 'off', GOMEMLIMIT: '1GiB', GOMAXPROCS: '1' } as const;
