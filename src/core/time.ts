/** Milliseconds since the epoch; NaN if the text is no RFC 3339 time. */
export const fromIso = (time: string): number => Date.parse(time);

/** The last time with a year of four digits: RFC 3339 has no later one, and the API server stores none. */
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** RFC 3339 with milliseconds, which short deadlines need and the API server preserves. A later time than it can express is the last one. */
export const toIso = (ms: number): string => new Date(Math.min(ms, LAST_MS)).toISOString();

/** The latest of the given times; undefined ones are ignored. */
export const latest = (...times: (number | undefined)[]): number =>
  Math.max(...times.filter((time) => time !== undefined));

/** The earliest of the given times; `undefined` if there is none. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const defined = times.filter((time) => time !== undefined);
  return defined.length > 0 ? Math.min(...defined) : undefined;
}

/** A duration as text: `850ms`, `12s`, `3m10s`, `2h5m`. */
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
