/** What a schema says of a wrong value, in the words of people who write manifests. Pure. */
import { own } from '../../../src/api/own.ts';
import { listText } from './lint-effects.ts';
import { milliseconds, nearest } from './text.ts';

/** An error as the schema's validator reports it. */
export interface SchemaError {
  readonly keyword: string;
  readonly params: object;
  readonly message: string;
}

/** A wrong value. */
export interface WrongValue {
  readonly value: unknown;
  /** As it is written in the file, such as `2.0`. */
  readonly word?: string | undefined;
  /** The fields that the schema has in its place. */
  readonly fields?: readonly string[];
}

/** Returns what the value must be, and how to write it where that is known. */
export function plainText({ keyword, params, message }: SchemaError, wrong: WrongValue): string {
  const { limit = 0, pattern = '' } = params as { limit?: number; pattern?: string };
  switch (keyword) {
    case 'type':
      return typeText((params as { type: string }).type, wrong);
    case 'const':
    case 'enum':
      return allowedText(params, wrong) ?? message;
    case 'required':
      return `has no ${(params as { requiredProperties: string[] }).requiredProperties.join(' and no ')}, which is required`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minItems':
      return limit === 1 ? 'must have at least one entry' : `must have at least ${limit} entries`;
    case 'maxItems':
      return `must have at most ${limit} entries`;
    case 'pattern':
      return own(PATTERNS, pattern) ?? message;
    default:
      return message;
  }
}

const PATTERNS: Readonly<Record<string, string>> = {
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$':
    'must be lower case letters, digits and -, and begin and end with a letter or digit',
  '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$':
    'must be lower case letters, digits, - and ., and begin and end with a letter or digit',
  '^[A-Z][A-Za-z0-9]*$': 'must be one word in CamelCase, such as PortClosed',
  '^(<|<=|>|>=|==|!=) *-?[0-9]+([.][0-9]+)?$': 'must be a comparison with a number, such as "< 0.05"',
  '^[A-Za-z0-9_+/-]+$': 'must be the IANA name of a time zone, such as Asia/Taipei, or UTC',
  '^([01][0-9]|2[0-3]):[0-5][0-9]$': 'must be a time of day such as "22:00"',
};

function typeText(type: string, { value, word = String(value), fields = [] }: WrongValue): string {
  switch (type) {
    case 'array':
      return typeof value === 'string' ? `must be a list: write ${listText(value)}` : 'must be a list';
    case 'object':
      return `must be an object${fieldsText(value, fields)}`;
    case 'integer':
      return secondsText(value) ?? 'must be a whole number';
    case 'boolean':
      return 'must be true or false';
    case 'string':
      return typeof value === 'number' || typeof value === 'boolean'
        ? `must be text: write "${word}" in quotes`
        : 'must be text';
    default:
      return `must be ${type}`;
  }
}

/** How many fields of an object are named. */
const MAX_FIELDS = 4;

/** A program alone is written where a command belongs. */
function fieldsText(value: unknown, fields: readonly string[]): string {
  if (typeof value === 'string' && fields.includes('command')) {
    return `: write {command: ${listText(value)}}`;
  }
  if (fields.length === 0) {
    return ' with fields';
  }
  const named = fields
    .slice(0, MAX_FIELDS)
    .join(', ')
    .replace(/, (?=[^,]*$)/, ' and ');
  return ` with ${fields.length > MAX_FIELDS ? 'fields such as' : 'the fields'} ${named}`;
}

/** Durations are whole numbers of seconds here; elsewhere in Kubernetes many are texts such as `10m`. */
function secondsText(value: unknown): string | undefined {
  if (typeof value === 'string' && /^\d+$/.test(value)) {
    return `must be a whole number: write ${value} without quotes`;
  }
  const ms = typeof value === 'string' && /^\d[\d.]*[a-z]/.test(value) ? milliseconds(value) : undefined;
  return ms === undefined ? undefined : `must be a whole number of seconds: write ${Math.ceil(ms / 1000)}`;
}

/** The allowed value that is spelled like this one, or the one that begins with it. */
function meantOf(value: string, allowed: readonly string[]): string | undefined {
  const longer = allowed.filter((one) => one.toLowerCase().startsWith(value.toLowerCase()));
  return nearest(value, allowed) ?? (longer.length === 1 ? longer[0] : undefined);
}

/** Returns the message for a field that accepts only some values. */
function allowedText(params: object, { value }: WrongValue): string | undefined {
  const { allowedValue, allowedValues } = params as { allowedValue?: unknown; allowedValues?: unknown[] };
  const values = allowedValues ?? (allowedValue === undefined ? [] : [allowedValue]);
  const meant =
    values.length > 1 && typeof value === 'string' ? meantOf(value, values.map(String)) : undefined;
  return values.length === 0
    ? undefined
    : `must be ${values.join(' or ')}${meant === undefined ? '' : `: write ${meant}`}`;
}
