/** Finds annotations that look like commands and are none: the API server stores any, and the operator reads only its own. Pure. */
import { editDistance } from '../../../src/api/edit-distance.ts';
import { GROUP } from '../../../src/api/names.ts';
import { ANNOTATIONS, VERBS, type Verb } from '../../../src/api/verbs.ts';
import { nearest } from './text.ts';

const COMMANDS = Object.values(ANNOTATIONS);

/** Whether the prefix is the operator's, or was probably meant to be. */
function hasOurPrefix(key: string): boolean {
  const prefix = key.slice(0, Math.max(0, key.indexOf('/'))).toLowerCase();
  return prefix.startsWith('postcheck') || editDistance(prefix, GROUP) <= 2;
}

/** Annotations with such a prefix that the operator does not read, each with the reason and the one that was probably meant. */
export const unreadAnnotations = (keys: readonly string[]): (readonly [key: string, message: string])[] =>
  keys
    .filter((key) => hasOurPrefix(key) && !COMMANDS.includes(key))
    .map((key) => {
      const meant = nearest(key.slice(key.indexOf('/') + 1), VERBS) as Verb | undefined;
      return [
        key,
        `postcheck reads no such annotation${meant ? `; did you mean ${ANNOTATIONS[meant]}?` : ''}`,
      ];
    });

/** Annotations with such a prefix of an object of another kind, each with the reason why it does nothing. */
export const misplacedAnnotations = (
  kind: string,
  keys: readonly string[],
): (readonly [key: string, message: string])[] =>
  keys
    .filter(hasOurPrefix)
    .map((key) => [key, `postcheck reads annotations of Upgrades alone, not those of a ${kind}`]);

/** Commands that were set on the workload, where nobody reads them. */
export const misplacedLines = (
  workload: string,
  annotations: Readonly<Record<string, string>> = {},
): string[] =>
  COMMANDS.filter((key) => Object.hasOwn(annotations, key)).map(
    (key) => `${key} of ${workload}: commands are read from the Upgrade, not from its workload`,
  );

/** How many annotations are listed. */
const MAX_LISTED = 3;

/** The unread annotations of an object as lines; an object may have thousands. */
export function unreadLines(annotations: Readonly<Record<string, string>> = {}): string[] {
  const all = unreadAnnotations(Object.keys(annotations));
  const more = all.length - MAX_LISTED;
  return [
    ...all.slice(0, MAX_LISTED).map(([key, message]) => `${key}: ${message}`),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}
