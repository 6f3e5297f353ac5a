/** What is valid YAML, and still not what was meant, or what kubectl reads differently. */
import { type Document, isCollection, isMap, isScalar, isSeq, type LineCounter, visit } from 'yaml';
import type { Path } from './lint-path.ts';

/** As the parser reports a mistake of syntax. */
export interface YamlFault {
  readonly linePos: readonly { readonly line: number }[];
  readonly message: string;
}

/** Finds aliases that make a document without a mistake of syntax unreadable: of nothing, often a text that begins with `*`, of what they are in, or too many. */
export function aliasFaults(document: Document, lines: LineCounter): YamlFault[] {
  const found: YamlFault[] = [];
  visit(document, {
    Alias(_, alias, parents) {
      const anchored = alias.resolve(document);
      const message = anchored
        ? `*${alias.source} is inside of what &${alias.source} stands for, so it would never end`
        : `*${alias.source} refers to an anchor &${alias.source}, and there is none before it: quote it if it is text`;
      if (!anchored || parents.includes(anchored)) {
        found.push({ linePos: [lines.linePos(alias.range?.[0] ?? 0)], message });
      }
    },
  });
  return found.length > 0 || isExpandable(document)
    ? found
    : [{ linePos: [], message: 'its aliases repeat too much: write out what they stand for' }];
}

/** An action of a template, such as `{{ .Values.image }}`, in a line before any quote or comment. */
const ACTION = /^[^#"'\n]*\{\{/m;

/** Finds that a text with an Upgrade is a template, which is YAML only once it is rendered: what YAML says of its braces helps nobody. */
export function templateFaults(
  text: string,
  documents: readonly Document[],
  lines: LineCounter,
): YamlFault[] {
  const isBroken = documents.some(({ errors }) => errors.length > 0);
  const offset = isBroken
    ? ACTION.exec(text)?.index
    : documents.filter(isOfUpgrade).flatMap(collectionKeys)[0];
  const message = 'is a template: render it first, as in `helm template … | kubectl postcheck lint -f -`';
  return offset === undefined ? [] : [{ linePos: [lines.linePos(offset)], message }];
}

/** Finds a list of Upgrades in place of an object. */
export function listFaults({ contents }: Document, lines: LineCounter): YamlFault[] {
  const hasUpgrade =
    isSeq(contents) && contents.items.some((item) => isMap(item) && item.get('kind') === 'Upgrade');
  const message =
    'is a list, which kubectl does not read: separate the objects with `---`, or write `kind: List` and `items`';
  return hasUpgrade ? [{ linePos: [lines.linePos(contents?.range?.[0] ?? 0)], message }] : [];
}

const isOfUpgrade = ({ contents }: Document): boolean =>
  isMap(contents) && contents.get('kind') === 'Upgrade';

/** Where a key is a map or a list, which an object of Kubernetes never has: `{{ .Values.image }}` is a map in a map. */
function collectionKeys(document: Document): number[] {
  const found: number[] = [];
  visit(document, {
    Pair(_, { key }) {
      if (isCollection(key)) {
        found.push(key.range?.[0] ?? 0);
      }
    },
  });
  return found;
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
