/** Milliseconds since the epoch of an RFC 3339 time; NaN for text that is none. */
export const fromIso = (time: string): number => Date.parse(time);

/** RFC 3339 with milliseconds: short deadlines need them, and the API server stores them as they are. */
export const toIso = (ms: number): string => new Date(ms).toISOString();

/** The latest of the given times; absent ones do not count. */
export const latest = (...times: (number | undefined)[]): number =>
  Math.max(...times.filter((time) => time !== undefined));

/** The earliest of the given times; `undefined` when there is none. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** A span as people say it: `850ms`, `12s`, `3m10s`, `2h5m`. */
export function spanText(ms: number): string {
  if (ms < 1000) {
    return `${Math.max(0, Math.round(ms))}ms`;
  }
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) {
    return `${seconds}s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return seconds % 60 ? `${minutes}m${seconds % 60}s` : `${minutes}m`;
  }
  return minutes % 60 ? `${Math.floor(minutes / 60)}h${minutes % 60}m` : `${Math.floor(minutes / 60)}h`;
}
