/** Commands that messages name: each one can be pasted into a shell, whatever the current namespace is. */

/** Characters that no shell acts on. */
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** Quotes a word of a command if a shell would split or evaluate it: an image in a pod may be any text. */
export const shellWord = (word: string): string =>
  PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Returns the kubectl command for an object in this namespace. */
export const kubectl = (namespace: string, ...words: readonly string[]): string =>
  ['kubectl', ...words, '-n', namespace].map(shellWord).join(' ');
