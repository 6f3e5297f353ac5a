/**
 * One sentence a line in every Markdown page, so that a change of a sentence is the change of a line: `node scripts/prose.ts` lays the pages
 * out so. Code, tables, headings, comments and generated pages are left as they are; test/structure.test.ts holds the rest to it.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const FENCE = /^\s*(```|~~~)/;
const NO_PROSE = /^\s*(#|\||<|!\[|---|===|>)/;
const ITEM = /^\s*([-*]|\d+\.)\s+/;
/** Code, links and what stands in brackets hold no end of a sentence; a bold word at the beginning is a label. */
const HIDDEN =
  /^\s*(?:(?:[-*]|\d+\.)\s+)?\*\*[^*]+\*\*|^\s*\d+\.|`[^`]*`|\[[^\]]*\]\([^)]*\)|\((?:[^()]|\([^()]*\))*\)|\b(?:e\.g|i\.e|etc|vs|cf|No)\.(?=\s)/g;
const END = /[.!?]["”*_)]*\s+(?=["“*_[\uE000A-Z]|postcheck\b)/g;
const ENDS = /[.!?:;,—·]["”*_)`]*\s*$|\)\s*$/;

interface Prose {
  readonly text: string;
  /** It goes on from the line before: neither a list item nor a paragraph begins here. */
  readonly continues: boolean;
}

/** Each line of a page that is prose, by its index. */
function proseOf(lines: readonly string[]): Map<number, Prose> {
  const prose = new Map<number, Prose>();
  let isCode = false;
  let isOpen = false;
  for (const [index, text] of lines.entries()) {
    const isFence = FENCE.test(text);
    isCode = isFence ? !isCode : isCode;
    const isIndentedCode = /^ {4}/.test(text) && !isOpen;
    if (isFence || isCode || text.trim() === '' || NO_PROSE.test(text) || isIndentedCode) {
      isOpen = false;
      continue;
    }
    prose.set(index, { text, continues: isOpen && !ITEM.test(text) });
    isOpen = true;
  }
  return prose;
}

/** The sentences of a line. */
function sentencesOf(text: string): string[] {
  const hidden = text.replace(HIDDEN, (part) => '\uE000'.repeat(part.length));
  const starts = [0, ...[...hidden.matchAll(END)].map(({ index, 0: end }) => index + end.length)];
  return starts.map((start, nth) => text.slice(start, starts[nth + 1]).trimEnd());
}

/** The pages that are written by hand. */
export const pages = (): string[] =>
  globSync('{*.md,docs/**/*.md,charts/**/*.md,packages/*/*.md,examples/**/*.md,test/**/*.md,deploy/**/*.md}')
    .filter((page) => !page.includes('node_modules') && page !== 'CHANGELOG.md')
    .filter((page) => !/^<!-- generated/i.test(readFileSync(page, 'utf8')));

/** Lines that hold more than one sentence, or less: `3: …`. */
export function mistakes(page: string): string[] {
  const lines = page.split('\n');
  return [...proseOf(lines)]
    .filter(
      ([index, { text, continues }]) =>
        sentencesOf(text).length > 1 || (continues && !ENDS.test(lines[index - 1] ?? '')),
    )
    .map(([index, { text }]) => `${index + 1}: ${text.trim()}`);
}

/** The page with one sentence a line. */
export function laidOut(page: string): string {
  const lines = page.split('\n');
  const written = proseOf(lines);
  const paragraphs: string[] = [];
  for (const [index, line] of lines.entries()) {
    const before = paragraphs.length - 1;
    if (written.get(index)?.continues) {
      paragraphs[before] = `${paragraphs[before]} ${line.trim()}`;
    } else {
      paragraphs.push(line.trimEnd());
    }
  }
  const prose = proseOf(paragraphs);
  return paragraphs.flatMap((text, index) => (prose.has(index) ? indented(text) : [text])).join('\n');
}

function indented(paragraph: string): string[] {
  const [first = '', ...rest] = sentencesOf(paragraph);
  const indent = ' '.repeat((ITEM.exec(first) ?? /^\s*/.exec(first))?.[0].length ?? 0);
  return [first, ...rest.map((sentence) => `${indent}${sentence}`)];
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of pages()) {
    const before = readFileSync(page, 'utf8');
    const after = laidOut(before);
    if (after !== before) {
      writeFileSync(page, after);
    }
  }
}
