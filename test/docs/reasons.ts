/** The words that can stand as a reason in a status, in a condition or on an event, read from the code itself. */
import { globSync, readFileSync } from 'node:fs';

const LITERAL = /'([A-Z][A-Za-z]+)'/g;
/** `reason: …` and `reason = …` up to their end; words in there are reasons, also when they are compared with. */
const ASSIGNED = /\breason(?::| =)\s*([^;,{}]*?)(?=[;,{}])/g;
/** Reasons that do not stand behind the word `reason`: ends, conditions, exit codes, and what the kubelet calls a container that cannot start. */
const ELSEWHERE = [
  /\bend\('([A-Z]\w+)'/g,
  /\['(?:True|False|Unknown)', '([A-Z]\w+)'/g,
  /\bat\('\w+', \w+, \w+, '([A-Z]\w+)'/g,
  /^ +\d+: \['([A-Z]\w+)'/gm,
  /^ {2}([A-Z]\w+): \d+,$/gm,
];
/** Other words in these places: conditions of pods and their values, classes of tries, phases, options. */
const NO_REASON: ReadonlySet<string> = new Set([
  'ContainersReady',
  'Fail',
  'Failed',
  'False',
  'Passed',
  'Ready',
  'Retry',
  'Rollback',
  'Skipped',
  'True',
  'Unknown',
]);

const words = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, word = '']) => word);

function reasonsIn(text: string): string[] {
  const assigned = words(text, ASSIGNED).flatMap((part) => words(part, LITERAL));
  return [...assigned, ...ELSEWHERE.flatMap((pattern) => words(text, pattern))];
}

/** Every reason that the operator can give by itself, sorted. */
export function reasonsInCode(): string[] {
  const files = [...globSync('src/core/**/*.ts'), 'src/engine/reconciler.ts'].filter(
    (file) => !file.endsWith('.test.ts'),
  );
  const found = files.flatMap((file) => reasonsIn(readFileSync(file, 'utf8')));
  return [...new Set(found)].filter((word) => !NO_REASON.has(word)).sort();
}

/** Every CamelCase word that the core has in quotes: what a page may speak of. */
export function wordsInCode(): Set<string> {
  return new Set(
    globSync('src/{core,api}/**/*.ts').flatMap((file) => words(readFileSync(file, 'utf8'), LITERAL)),
  );
}
