/** How a watch ended, and whether it can resume. */
import type { WatchFailure } from '../../engine/ports.ts';
import type { OpenStream } from '../client/stream-client.ts';
import type { WatchLine } from './watch-line.ts';
import type { StreamEnd } from './watch-lines.ts';

/** How one stream ended; `closed` is the end that was agreed. `progressed`: it delivered changes and can resume from there. */
export interface Ending {
  readonly reason: 'closed' | WatchFailure;
  readonly message: string;
  readonly retryAfterMs: number;
  readonly progressed: boolean;
}

export type Lines = AsyncGenerator<WatchLine | StreamEnd>;
/** What ended the reading, and whether what is known may be wrong. */
export type Stop = Pick<Ending, 'reason' | 'message'> & {
  readonly relist: boolean;
  readonly retryAfterMs?: number;
};

/** The next line; the stream's end is a line too. */
export async function next(lines: Lines): Promise<WatchLine | StreamEnd> {
  const { value } = await lines.next();
  return value ?? { type: 'end', how: 'lost', message: 'read past the end' };
}

/** What the end of a stream, or a line that ends its use, means for what comes after it. */
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

/** Resource versions are comparable numbers (KEP-5504); one below ours means a restored backup. */
export function goesBack(next: string, last: string): boolean {
  return next.length < last.length || (next.length === last.length && next < last);
}

/** At most about 4 KiB of a refusal's body, and at most what comes within 5 s. */
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
    // What came is enough.
  } finally {
    clearTimeout(timer);
  }
  return body;
}
