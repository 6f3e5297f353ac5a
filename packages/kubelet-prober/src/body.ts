/** Reads the body of a response, up to its limit. */
import type { Readable } from 'node:stream';
import { errorText } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { OUTPUT_LIMIT_BYTES } from './result.ts';

export type Body =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string };

/** Reads the first 10 KiB of a body and no more, so that an endless body costs no more than that. A stream that breaks before is not ok. */
export async function readBody(stream: Readable, deadline: Deadline): Promise<Body> {
  const forget = deadline.onEnd(() =>
    stream.destroy(new Error(deadline.aborted ? 'aborted' : 'timed out while reading the body')),
  );
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of stream) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= OUTPUT_LIMIT_BYTES) {
        break;
      }
    }
  } catch (error) {
    return { ok: false, why: errorText(error as Error) };
  } finally {
    forget();
  }
  const kept = Buffer.concat(pieces).subarray(0, OUTPUT_LIMIT_BYTES);
  return {
    ok: true,
    text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(kept, { stream: bytes > OUTPUT_LIMIT_BYTES }),
  };
}
