/** Reads a watch line by line. */
import { errorText } from '../client/errors.ts';
import type { OpenStream } from '../client/stream-client.ts';
import { LineSplitter } from './line-splitter.ts';
import { readWatchLine, type WatchLine } from './watch-line.ts';

/** The last item of every stream. `clean`: the server ended it as expected; `silent`: nothing arrived for too long. */
export interface StreamEnd {
  readonly type: 'end';
  readonly how: 'clean' | 'lost' | 'silent';
  readonly message: string;
}

const LONGEST_LINE_BYTES = 16 * 1024 * 1024;

/** Reads a watch line by line. However it ends, the last item is a `StreamEnd`. `silentMs`: longest time without a byte. */
export async function* watchLines(
  stream: OpenStream,
  silentMs: number,
): AsyncGenerator<WatchLine | StreamEnd> {
  const splitter = new LineSplitter(LONGEST_LINE_BYTES);
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    stream.cancel();
    stream.body.destroy();
  }, silentMs);
  try {
    for await (const chunk of stream.body) {
      timer.refresh();
      for (const line of splitter.push(chunk as Buffer)) {
        yield readWatchLine(line);
      }
    }
    yield { type: 'end', ...(silent ? silence(silentMs) : splitter.empty ? CLEAN : HALF_LINE) };
  } catch (error) {
    yield { type: 'end', ...(silent ? silence(silentMs) : { how: 'lost', message: errorText(error) }) };
  } finally {
    clearTimeout(timer);
  }
}

const CLEAN = { how: 'clean', message: '' } as const;
const HALF_LINE = { how: 'lost', message: 'connection lost in the middle of a line' } as const;

function silence(silentMs: number): Omit<StreamEnd, 'type'> {
  return { how: 'silent', message: `nothing received for ${Math.round(silentMs / 1000)} s` };
}
