/** Finds text for people in a source file, by its syntax and not by its lines. */
import { parseSync } from '@swc/core';

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

/** What stands between the pieces of a template. */
const VALUE = '\u0000';
/** Two words beside each other, or a word beside a value: names, keys and formats of data have neither. */
const SENTENCE = /[A-Za-z]{2,}[,;:.]? (?:[a-z]{2,}|\0)|\0[,;:.]? [a-z]{2,}/;

const quasi = (part: unknown): string => String((part as { readonly raw?: unknown }).raw ?? '');

/** The text of a literal, values left out. Paths of modules and types are no text. */
function textOf(node: Node): string | undefined {
  if (node.type === 'StringLiteral') {
    return String(node['value']);
  }
  return node.type === 'TemplateLiteral' && Array.isArray(node['quasis'])
    ? node['quasis'].map(quasi).join(VALUE)
    : undefined;
}

const isSkipped = ({ type }: Node): boolean => /^(Ts|Import|Export(All|Named))/.test(type);

/** A cast has an expression within a type's name. */
const isWrapper = ({ type }: Node): boolean => /^Ts(As|NonNull|Satisfies|Const)/.test(type);

function* texts(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    for (const one of value) {
      yield* texts(one);
    }
    return;
  }
  if (typeof value !== 'object' || value === null) {
    return;
  }
  if (isNode(value) && isSkipped(value) && !isWrapper(value)) {
    return;
  }
  const text = isNode(value) ? textOf(value) : undefined;
  if (text !== undefined) {
    yield text;
  }
  for (const [key, child] of Object.entries(value)) {
    if (key !== 'typeAnnotation') {
      yield* texts(child);
    }
  }
}

/** The literals of a TypeScript file that are text for people. */
export const sentencesIn = (source: string): string[] =>
  [...texts(parseSync(source, { syntax: 'typescript' }).body)]
    .filter((text) => SENTENCE.test(text))
    .map((text) => text.replaceAll(VALUE, '…'));
