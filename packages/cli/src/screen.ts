/** A picture that is redrawn in place, on the terminal's second screen; what was seen last stays on the first one when it ends. */
import type { Io } from './io.ts';
import { fit } from './text.ts';

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[H\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export class Screen {
  readonly #io: Io;
  #lines: readonly string[] = [];
  #head: readonly string[] = [];
  #note = '';
  #isOpen = false;
  #forget: (() => void) | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  open(): void {
    this.#io.write(ENTER);
    this.#isOpen = true;
    const ends = [this.#io.onResize(() => this.#paint()), this.#io.onExit(() => this.close())];
    this.#forget = () => {
      for (const end of ends) {
        end();
      }
    };
  }

  /** `head` is shown above the picture, and not kept when it ends. */
  draw(lines: readonly string[], head: readonly string[] = []): void {
    this.#lines = lines;
    this.#head = head;
    this.#paint();
  }

  /** A line below the picture, such as that the connection is lost. */
  say(note: string): void {
    this.#note = note;
  }

  close(): void {
    if (!this.#isOpen) {
      return;
    }
    this.#isOpen = false;
    this.#forget?.();
    this.#io.write(LEAVE);
    for (const line of this.#lines) {
      this.#io.out(line);
    }
  }

  /** Each line is cut to the width and the rest of it erased, so that nothing flickers and nothing wraps. */
  #paint(): void {
    if (!this.#isOpen) {
      return;
    }
    const [width, height] = [this.#io.columns(), this.#io.rows()];
    const picture = [...this.#head, ...this.#lines];
    const all = this.#note === '' ? picture : [...picture, '', this.#note];
    const room = Math.max(1, height - 1);
    const shown =
      all.length > room
        ? [...all.slice(0, room - 1), `… ${all.length - room + 1} more lines: enlarge the window`]
        : all;
    const text = shown.map((line) => `${fit(line, width)}${CLEAR_LINE}`).join('\r\n');
    this.#io.write(`${HOME}${text}${CLEAR_BELOW}`);
  }
}
