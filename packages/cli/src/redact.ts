/** Removes secrets from what is attached to a ticket. When in doubt, it removes. */
import { type Raw, record } from '../../../src/kube/client/json.ts';

const LEFT_OUT = '<removed>';
/** Keys whose values are secrets everywhere. */
const SECRET_KEY = /passw|secret|token|api[-_]?key|credential|authorization|cookie|private[-_]?key/i;
/**
 * Anybody may write a megabyte of blanks, or of what begins like a secret, into an annotation or a log: where one beginning follows another, the
 * first one ends, and blanks are counted, so that the time grows with the text and not with its square.
 */
const SECRET_TEXT: readonly RegExp[] = [
  /\bBearer\s+\S+/gi,
  /\beyJ(?:(?!-eyJ)[\w-]){8,}\.[\w-]+\.[\w-]*/g,
  /(?<=:\/\/)[^/\s@]+(?=@)/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----BEGIN)[\s\S])*?-----END [A-Z ]*PRIVATE KEY-----/g,
  /(?<=\b(?:[\w-]*(?:passw(?:or)?d|secret|token|api[-_]?key)[\w-]*)["']?\s{0,64}[=:]\s{0,64}["']?)[^\s"',;&]+/gi,
  /\bAKIA[0-9A-Z]{16}\b/g,
];

/** Returns the object with its secrets replaced: environment values, headers, and values whose key indicates a secret. */
export function redacted(raw: Raw): Raw {
  return record(walk(raw, ''));
}

function walk(value: unknown, key: string): unknown {
  if (Array.isArray(value)) {
    return value.map((inner) =>
      key === 'env' || key === 'httpHeaders' ? withoutValue(inner) : walk(inner, key),
    );
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => name !== 'kubectl.kubernetes.io/last-applied-configuration')
        .map(([name, inner]) => [name, isSecret(name, inner) ? LEFT_OUT : walk(inner, name)]),
    );
  }
  return typeof value === 'string' ? redactedText(value) : value;
}

/** The token of a retry is not a secret, and names of Secrets are needed to understand a pod. */
const isSecret = (key: string, value: unknown): boolean =>
  typeof value === 'string' && SECRET_KEY.test(key) && !/Name$|^token$/.test(key);

function withoutValue(entry: unknown): unknown {
  const { value, ...rest } = record(entry);
  return value === undefined ? entry : { ...rest, value: LEFT_OUT };
}

/** Returns the text with everything replaced that looks like a secret. */
export const redactedText = (text: string): string =>
  SECRET_TEXT.reduce((rest, pattern) => rest.replace(pattern, LEFT_OUT), text);
