/** Parses one line of a watch. */
import { at, count, type Raw, record, text } from '../client/json.ts';

/** What one line of a watch can be. */
export type WatchLine =
  | {
      readonly type: 'change';
      readonly deleted: boolean;
      readonly object: Raw;
      readonly resourceVersion: string;
    }
  /** `initialEnd`: everything that existed when the watch began has been sent. */
  | { readonly type: 'bookmark'; readonly resourceVersion: string; readonly initialEnd: boolean }
  /** The server no longer has our resourceVersion (410). */
  | { readonly type: 'expired'; readonly message: string }
  | { readonly type: 'throttled'; readonly message: string; readonly retryAfterMs: number }
  /** An error event, or not a watch event at all: nothing after it can be trusted. */
  | { readonly type: 'broken'; readonly message: string };

/** Reads one line. client-node skips lines it cannot parse and ignores most error events; its watches then silently miss changes. */
export function readWatchLine(line: string): WatchLine {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return { type: 'broken', message: 'a line that is not JSON' };
  }
  const { type, object } = record(parsed);
  const resourceVersion = text(at(object, 'metadata', 'resourceVersion'));
  if (type === 'ERROR') {
    return readError(record(object));
  }
  if (resourceVersion === '') {
    return { type: 'broken', message: 'an event without an object' };
  }
  if (type === 'BOOKMARK') {
    const initialEnd = at(object, 'metadata', 'annotations', 'k8s.io/initial-events-end') === 'true';
    return { type: 'bookmark', resourceVersion, initialEnd };
  }
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') {
    return { type: 'change', deleted: type === 'DELETED', object: record(object), resourceVersion };
  }
  return { type: 'broken', message: 'an event of unknown type' };
}

function readError(status: Raw): WatchLine {
  const message = text(status.message) || 'no message';
  if (status.code === 410 || status.reason === 'Expired' || status.reason === 'Gone') {
    return { type: 'expired', message };
  }
  if (status.code === 429) {
    return {
      type: 'throttled',
      message,
      retryAfterMs: Math.min(count(at(status, 'details', 'retryAfterSeconds'), 1) * 1000, 60_000),
    };
  }
  return { type: 'broken', message: `the server reported an error: ${message}` };
}
