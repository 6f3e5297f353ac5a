/** Small things that every picture uses. */
import type { JSX } from 'preact';
import { type Look, SYMBOLS } from '../src/looks.ts';

export function Pill({ look, text }: { look: Look; text: string }): JSX.Element {
  return (
    <span class={`pill look-${look}`}>
      <span aria-hidden="true">{SYMBOLS[look]}</span> {text}
    </span>
  );
}
