/** Converts the code registry of a readiness hook to the `exitCodes` of an Upgrade's check. See docs/guides/writing-a-post-check.md. */
import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  stringify,
  type YAMLMap,
} from 'yaml';

const CLASSES = ['Retry', 'Fail', 'Skip', 'Pass'];
const KEYS = ['code', 'reason', 'message', 'class'];
const MAX_RULES = 32;

const RESERVED: readonly (readonly [from: number, to: number, meaning: string])[] = [
  [0, 0, '0 means ready'],
  [1, 1, '1 is reserved for crashes: a Python program that raises an exception exits with it'],
  [2, 2, '2 means that the start service has not succeeded'],
  [120, 255, '120 and above belong to the readiness script and to signals'],
];

/** One entry of `postCheck.checks[].exitCodes`. */
export interface ExitCodeRule {
  codes: string;
  class: string;
  reason: string;
  message: string;
}

export type Registry = { readonly rules: readonly ExitCodeRule[] } | { readonly mistakes: readonly string[] };

interface Range {
  low: number;
  high: number;
  line: number;
}

/** Parses the text of a registry. Returns its rules, or every mistake in it with its line. */
export function readRegistry(text: string): Registry {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const lineOf = (node: unknown) => lines.linePos((node as Node | null)?.range?.[0] ?? 0).line;
  if (document.errors.length > 0) {
    return {
      mistakes: document.errors.map(
        (error) => `line ${error.linePos?.[0].line ?? 1}: ${firstLine(error.message)}`,
      ),
    };
  }
  const list = isMap(document.contents) ? document.contents.get('codes') : undefined;
  if (!isSeq(list) || list.items.length === 0) {
    return { mistakes: ['line 1: must have a list called "codes" with at least one entry'] };
  }

  const mistakes = (document.contents as YAMLMap).items.flatMap((pair) =>
    unknownKey(pair, ['codes'], lineOf),
  );
  if (list.items.length > MAX_RULES) {
    mistakes.push(
      `line ${lineOf(list)}: has ${list.items.length} entries; an Upgrade allows ${MAX_RULES}: combine codes to ranges`,
    );
  }
  const ranges: Range[] = [];
  const rules = list.items.map((item) => readEntry(item, lineOf, ranges, mistakes));
  return mistakes.length > 0 ? { mistakes } : { rules };
}

function readEntry(
  item: unknown,
  lineOf: (node: unknown) => number,
  ranges: Range[],
  mistakes: string[],
): ExitCodeRule {
  const line = lineOf(item);
  const rule = { codes: '', class: 'Retry', reason: '', message: '' };
  if (!isMap(item)) {
    mistakes.push(`line ${line}: must be an entry with code, reason and message`);
    return rule;
  }
  const value = (key: string) => {
    const node = item.get(key, true) as Node | undefined;
    return isScalar(node) && node.value !== null ? String(node.value).trim() : '';
  };
  mistakes.push(...item.items.flatMap((pair) => unknownKey(pair, KEYS, lineOf)));
  Object.assign(rule, {
    codes: value('code'),
    class: value('class') || 'Retry',
    reason: value('reason'),
    message: value('message'),
  });
  mistakes.push(
    ...codeMistakes(rule.codes, line, ranges),
    ...textMistakes(rule).map((mistake) => `line ${line}: ${mistake}`),
  );
  return rule;
}

function codeMistakes(codes: string, line: number, ranges: Range[]): string[] {
  const match = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(codes);
  if (match === null) {
    return [`line ${line}: code must be a number such as 17 or a range such as 20-29, not "${codes}"`];
  }
  const [low, high] = [Number(match[1]), Number(match[2] ?? match[1])];
  if (low > high) {
    return [`line ${line}: range ${codes} must have the smaller code first`];
  }
  const reserved = RESERVED.filter(([from, to]) => low <= to && from <= high).map(([, , meaning]) => meaning);
  if (high > 255) {
    reserved.push('an exit code cannot exceed 255');
  }
  const overlap = ranges
    .filter((range) => low <= range.high && range.low <= high)
    .map((range) => `overlaps with line ${range.line}`);
  ranges.push({ low, high, line });
  return [
    ...(reserved.length > 0 ? [`is reserved: ${reserved.join('; ')}. A hook's own codes are 3 to 119`] : []),
    ...overlap,
  ].map((text) => `line ${line}: code ${codes} ${text}`);
}

function textMistakes(rule: ExitCodeRule): string[] {
  const mistakes: string[] = [];
  if (!CLASSES.includes(rule.class)) {
    mistakes.push(`class must be one of ${CLASSES.join(', ')}, not "${rule.class}"`);
  }
  if (!/^[A-Z][A-Za-z0-9]{0,63}$/.test(rule.reason)) {
    mistakes.push(`reason must be one CamelCase word of at most 64 characters, not "${rule.reason}"`);
  }
  if (rule.message === '') {
    mistakes.push('message is missing: say what the code means');
  }
  if (rule.message.length > 256) {
    mistakes.push(`message has ${rule.message.length} characters, at most 256 are allowed`);
  }
  return mistakes;
}

function unknownKey(pair: Pair, known: readonly string[], lineOf: (node: unknown) => number): string[] {
  const key = String(pair.key);
  return known.includes(key)
    ? []
    : [`line ${lineOf(pair.key)}: unknown key "${key}"; known keys are ${known.join(', ')}`];
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? text;
}

/** Formats the rules as YAML for `spec.postCheck.checks[]`. */
export function printRules(rules: readonly ExitCodeRule[]): string {
  return stringify({ exitCodes: rules }, { lineWidth: 0, indentSeq: false });
}
