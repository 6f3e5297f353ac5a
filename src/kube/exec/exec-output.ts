/** Collects the output of a command within a limit. */
import { printable } from '../../api/printable.ts';

const MARKER = '\n[...]\n';
/** Below this size there is no room for the marker. */
const SMALLEST_MARKED = 32;

/**
 * Keeps the head and the tail of an output of any length in limited memory and at constant cost per byte; the middle is dropped as it arrives.
 * Never keeps or returns more than `maxBytes`.
 */
export class OutputCollector {
  readonly #head: Buffer;
  readonly #tail: Buffer;
  #total = 0;

  constructor(maxBytes: number) {
    const headBytes = Math.ceil(maxBytes / 2);
    this.#head = Buffer.alloc(headBytes);
    this.#tail = Buffer.alloc(maxBytes - headBytes);
  }

  push(chunk: Buffer): void {
    const intoHead = this.#total < this.#head.length ? chunk.copy(this.#head, this.#total) : 0;
    this.#total += intoHead;
    if (this.#tail.length > 0) {
      this.#pushTail(chunk.subarray(intoHead));
    } else {
      this.#total += chunk.length - intoHead;
    }
  }

  /** The tail is a ring; only its last bytes of a chunk are ever copied. */
  #pushTail(chunk: Buffer): void {
    if (chunk.length === 0) {
      return;
    }
    const size = this.#tail.length;
    this.#total += Math.max(0, chunk.length - size);
    const kept = chunk.subarray(Math.max(0, chunk.length - size));
    const start = (this.#total - this.#head.length) % size;
    const first = kept.copy(this.#tail, start);
    kept.copy(this.#tail, 0, first);
    this.#total += kept.length;
  }

  /** Returns what was kept, as text fit for a status, a log or a terminal; `[...]` marks where bytes were dropped. */
  text(): string {
    const head = this.#head.subarray(0, Math.min(this.#total, this.#head.length));
    const size = this.#tail.length;
    const behind = this.#total - head.length;
    if (behind <= size) {
      return sanitize(Buffer.concat([head, this.#tail.subarray(0, behind)]));
    }
    const from = behind % size || 0;
    const tail =
      size === 0 ? this.#tail : Buffer.concat([this.#tail.subarray(from), this.#tail.subarray(0, from)]);
    if (head.length + size < SMALLEST_MARKED) {
      return sanitize(head) + sanitize(tail);
    }
    return sanitize(head) + MARKER + sanitize(tail.subarray(MARKER.length));
  }
}

function sanitize(bytes: Buffer): string {
  return printable(bytes.toString('utf8'));
}
