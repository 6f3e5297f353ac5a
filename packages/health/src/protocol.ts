/**
 * The health protocol: lines of text over a stream socket.
 *
 *     client → server   hc\n
 *     server → client   <code>[ <message>]\n
 *
 * - `code` is one to three decimal digits, 0–255: the exit code of the probe. 0 is healthy.
 * - `message` is one line for a person; control characters become spaces.
 * - A line is complete when its newline has arrived, in any number of pieces. A request has at most 64 bytes, a response
 *   at most 1,024, including the newline; the receiver of a longer one closes the connection.
 * - One response per request, in order. A client may half-close after its request (`printf 'hc\n' | nc -U …`).
 * - The server responds to any other request with `112 unknown request`, and closes.
 */
import { type HealthReply, healthCode } from './health-codes.ts';

export const HEALTH_REQUEST = 'hc';
export const REQUEST_LIMIT_BYTES = 64;
export const REPLY_LIMIT_BYTES = 1024;

/** Formats the line of a response with its newline; a message that is too long is truncated. */
export function formatReply(reply: HealthReply): string {
  const message = reply.message.replace(/\p{Cc}+/gu, ' ').trim();
  const line = Buffer.from(`${reply.code} ${message}`.trimEnd()).subarray(0, REPLY_LIMIT_BYTES - 4);
  // A multi-byte character cut in two decodes to U+FFFD, three bytes: hence the room left above.
  return `${line.toString('utf8')}\n`;
}

/** Parses the line of a response (without its newline). Anything else becomes a protocolError, never a code by accident. */
export function parseReply(line: string): HealthReply {
  const match = /^(0|[1-9]\d{0,2})(?: (.*))?$/.exec(line);
  const code = Number(match?.[1] ?? Number.NaN);
  if (!(code <= 255)) {
    return {
      code: healthCode.protocolError,
      message: `not a response of the health protocol: ${JSON.stringify(line.slice(0, 80))}`,
    };
  }
  return { code, message: match?.[2] ?? '' };
}

/** Splits a byte stream into lines of at most `limitBytes`, including the newline. */
export class LineReader {
  readonly #limitBytes: number;
  #rest = Buffer.alloc(0);

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Adds the next piece. Returns the completed lines, and whether a line (complete or not) exceeds the limit. */
  push(piece: Buffer): { lines: string[]; tooLong: boolean } {
    let rest = Buffer.concat([this.#rest, piece]);
    const lines: string[] = [];
    for (let end = rest.indexOf(10); end >= 0 && end < this.#limitBytes; end = rest.indexOf(10)) {
      lines.push(rest.toString('utf8', 0, end));
      rest = rest.subarray(end + 1);
    }
    this.#rest = rest;
    return { lines, tooLong: rest.length >= this.#limitBytes };
  }
}
