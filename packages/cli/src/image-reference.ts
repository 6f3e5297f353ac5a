/** Recognizes image references that no kubelet accepts (InvalidImageName), which the API server stores. Pure. */

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,}$/i;

/** The first part of a name is a registry if it looks like a host. */
const isHost = (part: string): boolean => /[.:]/.test(part) || part === 'localhost';

/** Returns what is wrong with an image reference; `undefined` if it is valid, whether or not the image exists. */
export function imageProblem(image: string): string | undefined {
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
