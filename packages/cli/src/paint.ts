/** Colours in a terminal. */
import type { Class } from '../../../src/api/enums.ts';
import type { Io } from './io.ts';
import { classLook, type Look, SYMBOLS } from './looks.ts';

type Style = Parameters<Io['paint']>[0];

const STYLES: Readonly<Record<Look, Style>> = {
  good: 'green',
  bad: 'red',
  back: 'yellow',
  busy: 'cyan',
  unsure: 'magenta',
  still: 'gray',
};

/** Returns the words in the colour of that look. */
export const painted = (io: Io, look: Look, words: string): string => io.paint(STYLES[look], words);

/** Returns the symbol of a look, in its colour. */
export const symbol = (io: Io, look: Look): string => painted(io, look, SYMBOLS[look]);

export const paintedClass = (io: Io, of: Class, words: string = of): string =>
  painted(io, classLook(of), words);
