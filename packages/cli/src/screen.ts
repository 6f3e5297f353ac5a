/** Redraws a picture in place, on the terminal's alternate screen; the last picture is printed on the normal screen at the end. */
import type { Io } from './io.ts';
import { fit, forTerminal, wrap } from './text.ts';

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[H\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** What is shown around the picture. */
interface Around {
  /** Above it; not printed at the end. */
  readonly head?: readonly string[];
  /** Sentences below it. */
  readonly foot?: readonly string[];
}

/** As many lines as there is room for; if that is more than one, the last one says how many there are not. */
const cutLines = (lines: readonly string[], room: number): readonly string[] =>
  lines.length <= room || room < 2
    ? lines.slice(0, room)
    : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines: enlarge the window`];

/** The beginning of wrapped sentences, with a mark if there is more. */
const beginning = (lines: readonly string[], room: number, width: number): readonly string[] =>
  lines.length <= room || room < 1
    ? lines.slice(0, room)
    : [...lines.slice(0, room - 1), fit(lines.slice(room - 1).join(' '), width)];

export class Screen {
  readonly #io: Io;
  #lines: readonly string[] = [];
  #around: Around = {};
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

  draw(lines: readonly string[], around: Around = {}): void {
    this.#lines = lines;
    this.#around = around;
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
    for (const line of [...this.#lines, ...(this.#around.foot ?? [])]) {
      this.#io.out(line);
    }
  }

  /**
   * Each line of the picture is cut to the width and the rest of it is erased, so that nothing flickers or wraps. The sentences below it say what
   * matters most: they are wrapped, and take up to half of a window that is too low for everything.
   */
  #paint(): void {
    if (!this.#isOpen) {
      return;
    }
    const [width, height] = [this.#io.columns(), this.#io.rows()];
    const { head = [], foot = [] } = this.#around;
    const maxLines = Math.max(1, height - 1);
    const sentences = [...foot, ...(this.#note === '' ? [] : ['', this.#note])].flatMap((line) =>
      wrap(forTerminal(line), width),
    );
    const whole = [...head, ...this.#lines];
    const isLow = whole.length + sentences.length > maxLines;
    const below = isLow
      ? beginning(sentences, Math.max(Math.floor(maxLines / 2), maxLines - this.#lines.length), width)
      : sentences;
    const above = isLow ? cutLines(this.#lines, maxLines - below.length) : whole;
    const text = [...above, ...below]
      .map((line) => `${fit(forTerminal(line), width)}${CLEAR_LINE}`)
      .join('\r\n');
    this.#io.write(`${HOME}${text}${CLEAR_BELOW}`);
  }
}
