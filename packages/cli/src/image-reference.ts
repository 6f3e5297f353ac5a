/** Recognizes image references that no kubelet accepts (InvalidImageName), or that hardly anybody means; the API server stores both. Pure. */

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,}$/i;

/** The first part of a name is a registry if it looks like a host. */
const isHost = (part: string): boolean => /[.:]/.test(part) || part === 'localhost';

/** The first character that a person cannot see, as `U+200B`; `undefined` if there is none. */
export function invisible(text: string): string | undefined {
  const [found] = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(text) ?? [];
  return found && codePoint(found);
}

const codePoint = (character: string): string =>
  `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`;

/** A version, such as `2.0` or `v1.10.3-rc.1`. */
const VERSION = /^v?\d+(\.\d+)+([-+][\w.+-]*)?$/i;

/** Returns why no pod can run an image that is written as `word`; `undefined` if one may. */
export function imageError(image: string, word = image): string | undefined {
  const problem = imageProblem(image);
  return problem === undefined ? undefined : `no kubelet accepts ${word}: ${problem}`;
}

/** Returns a warning about an image that is written as `word`; `undefined` if there is none. */
export function imageWarning(image: string, word = image): string | undefined {
  if (VERSION.test(image)) {
    return `${word} is the name of an image, not a tag: write the whole image, such as registry.example/web:${image}`;
  }
  return isLatest(image)
    ? `${word} ${image.endsWith(':latest') ? 'is' : 'has no tag, so it is'} whatever the registry has as latest when a pod starts: a fallback to it may bring back something else`
    : undefined;
}

/** Whether the tag is `latest`, which an image without a tag has too. */
const isLatest = (image: string): boolean => !image.includes('@') && /(^|\/)[^:/]+(:latest)?$/.test(image);

/** Returns what is wrong with an image reference; `undefined` if it is valid, whether or not the image exists. */
export function imageProblem(image: string): string | undefined {
  const [foreign] = /[^!-~]/u.exec(image) ?? [];
  return foreign === undefined
    ? referenceProblem(image)
    : `it contains ${invisible(foreign) ? 'the invisible character' : foreign} ${codePoint(foreign)}`;
}

function referenceProblem(image: string): string | undefined {
  const [scheme] = SCHEME.exec(image) ?? [];
  if (scheme !== undefined) {
    return `an image reference has no ${scheme}: write ${image.slice(scheme.length)}`;
  }
  const [named = '', ...digests] = image.split('@');
  const [, name = '', tag] = /^(.*?)(?::([^/]*))?$/s.exec(named) ?? [];
  const parts = name.split('/');
  const repository = parts.length > 1 && isHost(parts[0] ?? '') ? parts.slice(1) : parts;
  const wrong = repository.find((part) => !COMPONENT.test(part));
  if (wrong !== undefined) {
    const lower = wrong.toLowerCase();
    return COMPONENT.test(lower)
      ? `a repository has only lower case letters: ${lower} instead of ${wrong}`
      : 'it is not a valid image reference';
  }
  if (tag !== undefined && !TAG.test(tag)) {
    return 'its tag is not valid';
  }
  return digests.length <= 1 && digests.every((digest) => DIGEST.test(digest))
    ? undefined
    : 'its digest is not valid';
}
