/** Parses flags like Go programs: `--name value`, `--name=value`, one dash or two, and switches alone or with `=false`. */

import { editDistance } from './api/edit-distance.ts';
import { own } from './api/own.ts';

export interface Flag {
  /** The placeholder for the value in the help; without it the flag is a switch. */
  readonly value?: string;
  readonly initial?: string;
  readonly help: string;
}

export interface Given {
  /** By the flag's name; the last value of a repeated flag. */
  readonly values: ReadonlyMap<string, string>;
  /** Arguments that are not flags. */
  readonly words: readonly string[];
  readonly mistakes: readonly string[];
}

type Flags = Readonly<Record<string, Flag>>;

/** Parses arguments; `--` ends the flags. Never throws. */
export function readFlags(args: readonly string[], flags: Flags): Given {
  const parser = new FlagParser(args, flags);
  while (parser.hasMore()) {
    parser.parseNext();
  }
  return parser;
}

class FlagParser implements Given {
  readonly values = new Map<string, string>();
  readonly words: string[] = [];
  readonly mistakes: string[] = [];
  readonly #left: string[];
  readonly #flags: Flags;

  constructor(args: readonly string[], flags: Flags) {
    this.#left = [...args];
    this.#flags = flags;
  }

  hasMore(): boolean {
    return this.#left.length > 0;
  }

  parseNext(): void {
    const word = this.#left.shift() ?? '';
    const [, given, inline] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (given !== undefined) {
      this.#flag(given === 'h' ? 'help' : given, inline);
    } else if (word === '--') {
      this.words.push(...this.#left.splice(0));
    } else {
      this.words.push(word);
    }
  }

  #flag(name: string, inline: string | undefined): void {
    const flag = own(this.#flags, name);
    if (!flag) {
      this.mistakes.push(unknownFlag(name, Object.keys(this.#flags)));
    }
    if (flag && flag.value === undefined) {
      this.values.set(name, inline ?? 'true');
      return;
    }
    // The word after an unknown flag is most likely its value, not a command.
    const value = inline ?? this.#nextValue();
    if (flag && value === undefined) {
      this.mistakes.push(`--${name} needs a value: --${name}=${flag.value}`);
    } else if (flag) {
      this.values.set(name, value ?? '');
    }
  }

  #nextValue(): string | undefined {
    return this.#left[0]?.startsWith('-') ? undefined : this.#left.shift();
  }
}

function unknownFlag(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `unknown flag --${name}${meant === undefined ? '' : `: did you mean --${meant}?`}`;
}

/** Returns the known word that this one most likely stands for; `undefined` if none is similar. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, '');
  const wanted = plain(word).slice(0, 64);
  const ranked = known
    .map((one) => ({ one, away: editDistance(wanted, plain(one)) }))
    .sort((a, b) => a.away - b.away);
  const [best] = ranked;
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  return best && best.away <= limit
    ? best.one
    : known.find((one) => wanted.length > 3 && plain(one).includes(wanted));
}
