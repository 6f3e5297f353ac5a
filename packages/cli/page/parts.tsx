/** Small things that every picture uses. */
import type { JSX } from 'preact';
import type { Look } from '../src/dashboard/model.ts';

const SYMBOLS: Readonly<Record<Look, string>> = {
  good: '✔',
  bad: '✖',
  back: '↩',
  busy: '◌',
  unsure: '?',
  still: '○',
};

/** Colours are never the only sign. */
export const symbolFor = (look: Look): string => SYMBOLS[look];

export function Pill({ look, text }: { look: Look; text: string }): JSX.Element {
  return (
    <span class={`pill look-${look}`}>
      <span aria-hidden="true">{symbolFor(look)}</span> {text}
    </span>
  );
}

export const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
