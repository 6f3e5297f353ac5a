/** Redraws a picture in place, on the terminal's alternate screen; the last picture is printed on the normal screen at the end. */
import type { Io } from './io.ts';
import { fit, forTerminal } from './text.ts';

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
  #removeListeners: (() => void) | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  open(): void {
    this.#io.write(ENTER);
    this.#isOpen = true;
    const removals = [this.#io.onResize(() => this.#paint()), this.#io.onExit(() => this.close())];
    this.#removeListeners = () => {
      for (const remove of removals) {
        remove();
      }
    };
  }

  /** `head` is shown above the picture, and not printed at the end. */
  draw(lines: readonly string[], head: readonly string[] = []): void {
    this.#lines = lines;
    this.#head = head;
    this.#paint();
  }

  /** Sets a line below the picture, such as that the connection is lost. */
  setNote(note: string): void {
    this.#note = note;
  }

  close(): void {
    if (!this.#isOpen) {
      return;
    }
    this.#isOpen = false;
    this.#removeListeners?.();
    this.#io.write(LEAVE);
    for (const line of this.#lines) {
      this.#io.out(line);
    }
  }

  /** Each line is cut to the width and the rest of it is erased, so that nothing flickers or wraps. */
  #paint(): void {
    if (!this.#isOpen) {
      return;
    }
    const [width, height] = [this.#io.columns(), this.#io.rows()];
    const picture = [...this.#head, ...this.#lines];
    const all = this.#note === '' ? picture : [...picture, '', this.#note];
    const maxLines = Math.max(1, height - 1);
    const shown =
      all.length > maxLines
        ? [...all.slice(0, maxLines - 1), `… ${all.length - maxLines + 1} more lines: enlarge the window`]
        : all;
    const text = shown.map((line) => `${fit(forTerminal(line), width)}${CLEAR_LINE}`).join('\r\n');
    this.#io.write(`${HOME}${text}${CLEAR_BELOW}`);
  }
}
