/** What is valid YAML, and still not what was meant, or what kubectl reads differently. */
import { type Document, isMap, isScalar, isSeq, type LineCounter, visit } from 'yaml';
import type { Path } from './lint-path.ts';

/** As the parser reports a mistake of syntax. */
export interface AliasFault {
  readonly linePos: readonly { readonly line: number }[];
  readonly message: string;
}

/** Finds what makes a document without a mistake of syntax unreadable: an alias of nothing, often a text that begins with `*`, or too many. */
export function aliasFaults(document: Document, lines: LineCounter): AliasFault[] {
  const found: AliasFault[] = [];
  visit(document, {
    Alias(_, alias) {
      if (!alias.resolve(document)) {
        const message = `*${alias.source} refers to an anchor &${alias.source}, and there is none before it: quote it if it is text`;
        found.push({ linePos: [lines.linePos(alias.range?.[0] ?? 0)], message });
      }
    },
  });
  return found.length > 0 || isExpandable(document)
    ? found
    : [{ linePos: [], message: 'its aliases repeat too much: write out what they stand for' }];
}

function isExpandable(document: Document): boolean {
  try {
    document.toJS();
    return true;
  } catch {
    return false;
  }
}

/** Plain words that YAML 1.1, which kubectl reads, takes for booleans. */
const BOOLEAN_WORD = /^(y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/;

/** Finds unquoted words that kubectl would send as booleans, where this file means text. */
export function booleanWords(node: unknown, path: Path): [Path, string][] {
  if (isMap(node)) {
    return node.items.flatMap(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : '';
      return [...booleanWords(key, [...path, name]), ...booleanWords(value, [...path, name])];
    });
  }
  if (isSeq(node)) {
    return node.items.flatMap((item, index) => booleanWords(item, [...path, index]));
  }
  const word = isScalar(node) && node.type === 'PLAIN' ? node.value : undefined;
  return typeof word === 'string' && BOOLEAN_WORD.test(word)
    ? [[path, `kubectl reads ${word} as a boolean: quote it, "${word}"`]]
    : [];
}
