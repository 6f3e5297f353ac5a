/** How a watch ended, and whether it can resume. */
import type { WatchFailure } from '../../engine/ports.ts';
import type { OpenStream } from '../client/stream-client.ts';
import type { WatchLine } from './watch-line.ts';
import type { StreamEnd } from './watch-stream.ts';

/** How one stream ended; `closed` is the expected end. `progressed`: it delivered changes, and the next stream can resume from there. */
export interface Ending {
  readonly reason: 'closed' | WatchFailure;
  readonly message: string;
  readonly retryAfterMs: number;
  readonly progressed: boolean;
}

export type Lines = AsyncGenerator<WatchLine | StreamEnd>;
/** What ended the reading, and whether the cache may be wrong. */
export type Stop = Pick<Ending, 'reason' | 'message'> & {
  readonly relist: boolean;
  readonly retryAfterMs?: number;
};

/** Returns the next line; the end of the stream is a line too. */
export async function next(lines: Lines): Promise<WatchLine | StreamEnd> {
  const { value } = await lines.next();
  return value ?? { type: 'end', how: 'lost', message: 'read past the end' };
}

/** What the end of a stream, or a line that ends its use, means for the next stream. */
export function stopOf(line: Exclude<WatchLine | StreamEnd, { type: 'change' | 'bookmark' }>): Stop {
  switch (line.type) {
    case 'expired':
    case 'broken':
      return { reason: line.type, message: line.message, relist: true };
    case 'throttled':
      return { reason: line.type, message: line.message, relist: false, retryAfterMs: line.retryAfterMs };
    case 'end':
      return {
        reason: line.how === 'clean' ? 'closed' : line.how,
        message: line.message,
        relist: line.how === 'silent',
      };
  }
}

/** Reads the body of an error response: at most about 4 KiB, for at most 5 s. */
export async function shortBody(stream: OpenStream): Promise<string> {
  const timer = setTimeout(stream.cancel, 5_000);
  let body = '';
  try {
    for await (const chunk of stream.body) {
      body += (chunk as Buffer).toString('utf8');
      if (body.length > 4096) {
        break;
      }
    }
  } catch {
    // What has arrived is enough.
  } finally {
    clearTimeout(timer);
  }
  return body;
}
