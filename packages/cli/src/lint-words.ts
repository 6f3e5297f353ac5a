/** What a schema says of a wrong value, in the words of people who write manifests. Pure. */
import { own } from '../../../src/api/own.ts';
import { listText } from './lint-effects.ts';
import { milliseconds } from './text.ts';

/** An error as the schema's validator reports it. */
export interface SchemaError {
  readonly keyword: string;
  readonly params: object;
  readonly message: string;
}

/** Returns what the value must be, and how to write it where that is known. */
export function plainText(
  { keyword, params, message }: SchemaError,
  value: unknown,
  word: string = String(value),
): string {
  const { limit = 0, pattern = '' } = params as { limit?: number; pattern?: string };
  switch (keyword) {
    case 'type':
      return typeText((params as { type: string }).type, value, word);
    case 'const':
    case 'enum':
      return allowedText(params) ?? message;
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

function typeText(type: string, value: unknown, word: string): string {
  switch (type) {
    case 'array':
      return typeof value === 'string' ? `must be a list: write ${listText(value)}` : 'must be a list';
    case 'object':
      return 'must be an object with fields';
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

/** Durations are whole numbers of seconds here; elsewhere in Kubernetes many are texts such as `10m`. */
function secondsText(value: unknown): string | undefined {
  if (typeof value === 'string' && /^\d+$/.test(value)) {
    return `must be a whole number: write ${value} without quotes`;
  }
  const ms = typeof value === 'string' && /^\d[\d.]*[a-z]/.test(value) ? milliseconds(value) : undefined;
  return ms === undefined ? undefined : `must be a whole number of seconds: write ${Math.ceil(ms / 1000)}`;
}

/** Returns the message for a field that accepts only some values. */
function allowedText(params: object): string | undefined {
  const { allowedValue, allowedValues } = params as { allowedValue?: unknown; allowedValues?: unknown[] };
  const values = allowedValues ?? (allowedValue === undefined ? [] : [allowedValue]);
  return values.length === 0 ? undefined : `must be ${values.join(' or ')}`;
}
