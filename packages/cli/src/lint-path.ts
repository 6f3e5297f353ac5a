/** Places in a manifest, as the findings of lint name them. */

/** The keys and indexes on the way to a value. */
export type Path = readonly (string | number)[];

/** A part of a JSON pointer. */
export const unescaped = (part: string): string | number =>
  /^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~');

/** The inverse of `pathText`. */
export const pathOf = (text: string): Path =>
  text
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));

/** Such as `spec.postCheck.checks[0].exec`. */
export const pathText = (path: Path): string =>
  path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
