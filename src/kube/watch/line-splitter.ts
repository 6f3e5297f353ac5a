/**
 * Splits a byte stream into lines. A line longer than `limitBytes` throws, so that a stream without line ends cannot fill the memory.
 * Every byte is copied once, however small the chunks are.
 */
export class LineSplitter {
  readonly #limitBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The lines that end in this chunk, without their line ends. */
  *push(chunk: Buffer): Generator<string> {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, end));
      yield this.#take();
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** True between lines. */
  get empty(): boolean {
    return this.#bytes === 0;
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#limitBytes) {
      throw new RangeError(`line longer than ${this.#limitBytes} bytes`);
    }
    if (part.length > 0) {
      this.#parts.push(part);
    }
  }

  #take(): string {
    const line = Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }
}
