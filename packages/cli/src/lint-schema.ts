/** What a schema says of a value beyond types: unknown fields, entries with the same identity, and CEL rules that do not hold. */
import { Environment } from '@marcbachmann/cel-js';
import type { TSchema } from 'typebox';
import { own } from '../../../src/api/own.ts';
import { SpecSchema } from '../../../src/api/schema-spec.ts';
import { invisible } from './image-reference.ts';
import { type Path, pathText } from './lint-path.ts';
import { nearest } from './text.ts';

/** An object of a manifest, as it was read. */
export type Json = Record<string, unknown>;
/** Whether a value is an object, and no list. */
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value as the API server reads it: it removes fields that are null, and keeps entries of lists. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutNulls);
  }
  return isObject(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, inner]) => inner !== null)
          .map(([key, inner]) => [key, withoutNulls(inner)]),
      )
    : value;
}

interface Shape {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly items?: TSchema;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly { rule: string; message: string; fieldPath?: string }[];
}

/** Walks through this value and every value below it whose schema is known, with that schema. */
function* parts(schema: TSchema, value: unknown, path: Path): Generator<[TSchema, unknown, Path]> {
  yield [schema, value, path];
  const { properties, items } = schema as Shape;
  for (const [key, known] of Object.entries(properties ?? {})) {
    if (isObject(value) && value[key] !== undefined) {
      yield* parts(known, value[key], [...path, key]);
    }
  }
  for (const [index, inner] of items && Array.isArray(value) ? value.entries() : []) {
    yield* parts(items as TSchema, inner, [...path, index]);
  }
}

/** Finds fields that the schema does not have: the API server drops them, and warns only some clients. */
export function* unknownFields(schema: TSchema, whole: unknown): Generator<[Path, string]> {
  for (const [part, value, path] of parts(schema, whole, [])) {
    const known = Object.keys((part as Shape).properties ?? {});
    const unknown =
      known.length > 0 && isObject(value) ? Object.keys(value).filter((key) => !known.includes(key)) : [];
    for (const key of unknown) {
      yield [[...path, key], `unknown field${placeText(key, part, value as Json, path)}`];
    }
  }
}

/** Finds fields that are written without a value, such as `checks:` of which every entry is commented out. */
export function* emptyFields(schema: TSchema, whole: unknown): Generator<[Path, string]> {
  for (const [, value, path] of parts(schema, whole, [])) {
    if (value === null && typeof path.at(-1) === 'string') {
      yield [path, 'has no value, so it counts as not written'];
    }
  }
}

/** How many places of a field are named. */
const MAX_PLACES = 2;

/** A field that exists below this object, or elsewhere in the spec, was most likely only misplaced, and otherwise mistyped. */
function placeText(key: string, part: TSchema, value: Json, path: Path): string {
  const below = [...placesOf(key, part, path)];
  const places = below.length > 0 ? below : [...placesOf(key, SpecSchema, ['spec'])];
  const least = Math.min(...places.map(({ length }) => length));
  const nearby = places.filter(({ length }) => length === least).slice(0, MAX_PLACES);
  if (nearby.length > 0) {
    return `; it belongs to ${nearby.map(pathText).join(' or ')}`;
  }
  const meant = meantBy(key, part, value);
  return meant ? `; did you mean ${meant}?` : '';
}

/** The field that is spelled like this one, or begins with it, or is the only one that is required and missing. */
function meantBy(key: string, part: TSchema, value: Json): string | undefined {
  const { properties = {}, required = [] } = part as Shape;
  const known = Object.keys(properties);
  const longer = known.filter((field) => field.startsWith(key) || key.startsWith(field));
  const missing = required.filter((field) => value[field] === undefined);
  const only = (fields: readonly string[]): string | undefined =>
    fields.length === 1 ? fields[0] : undefined;
  return nearest(key, known) ?? only(longer) ?? only(missing);
}

/** Where the schema has a field of this name; in a list, in its first entry. */
function* placesOf(key: string, schema: TSchema, path: Path): Generator<Path> {
  const { properties, items } = schema as Shape;
  for (const [name, inner] of Object.entries(properties ?? {})) {
    if (name === key) {
      yield [...path, name];
    }
    yield* placesOf(key, inner, [...path, name]);
  }
  if (items) {
    yield* placesOf(key, items, [...path, 0]);
  }
}

/** The fields that the schema has at a path; none where it has no object. */
export function fieldsAt(schema: TSchema, path: Path): readonly string[] {
  const found = path.reduce<TSchema | undefined>((part, key) => {
    const { properties = {}, items } = (part ?? {}) as Shape;
    return typeof key === 'number' ? items : own(properties, key);
  }, schema);
  return Object.keys((found as Shape | undefined)?.properties ?? {});
}

/** Finds CEL rules that do not hold. A rule about a change needs the old object, and is left out. */
export function* brokenRules(schema: TSchema, whole: unknown, from: Path): Generator<[Path, string]> {
  for (const [part, value, path] of parts(schema, whole, from)) {
    for (const { rule, message, fieldPath = '' } of (part as Shape)['x-kubernetes-validations'] ?? []) {
      const held = rule.includes('oldSelf') || holds(rule, value);
      if (held !== true) {
        yield [
          [...path, ...fieldPath.split('.').filter((field) => field !== '')],
          held === 'unknown'
            ? `only the API server can validate this rule: ${message}`
            : advice(part, value, message),
        ];
      }
    }
  }
}

/** A count in quotes is a text, and what nobody sees has to be named. */
function advice(part: TSchema, value: unknown, message: string): string {
  if (typeof value !== 'string') {
    return message;
  }
  if ('x-kubernetes-int-or-string' in part && /^\d+$/.test(value)) {
    return `write ${value} without quotes`;
  }
  const hidden = invisible(value);
  return hidden === undefined ? message : `${message}: it contains ${hidden}`;
}

/** With the functions of Kubernetes' own that the rules call. The library's `matches` takes halves of characters, and cannot be replaced. */
const CEL = new Environment({ unlistedVariablesAreDyn: true })
  .registerFunction('list<int>.sum(): int', (numbers: readonly bigint[]) =>
    numbers.reduce((sum, one) => sum + one, 0n),
  )
  .registerFunction('string.matchesWhole(string): bool', (text: string, expression: string) =>
    new RegExp(expression, 'u').test(text),
  );

/** A rule that cannot be evaluated here is reported as such: a clean result must not hide a rule that was not evaluated. */
function holds(rule: string, self: unknown): boolean | 'unknown' {
  try {
    return (
      CEL.evaluate(rule.replaceAll('.matches(', '.matchesWhole('), { self: withIntegers(self) }) !== false
    );
  } catch {
    return 'unknown';
  }
}

/** CEL distinguishes integers and floating-point numbers; JSON does not. */
function withIntegers(value: unknown): unknown {
  if (Array.isArray(value)) {
    return Array.from(value, withIntegers);
  }
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withIntegers(inner)]));
  }
  return Number.isInteger(value) ? BigInt(value as number) : value;
}

/** Returns the identity of the entries of a map or set list; `undefined` for any other value. */
function identityIn(
  shape: Shape,
): { readonly word: string; readonly of: (entry: unknown) => unknown } | undefined {
  const keys = shape['x-kubernetes-list-map-keys'] ?? [];
  switch (shape['x-kubernetes-list-type']) {
    case 'map':
      return { word: keys.join(' and '), of: (entry) => keys.map((key) => (entry as Json | null)?.[key]) };
    case 'set':
      return { word: 'value', of: (entry) => entry };
    default:
      return undefined;
  }
}

/** Finds entries of a list with the same identity. */
export function* duplicates(schema: TSchema, spec: unknown): Generator<[Path, string]> {
  for (const [part, value, path] of parts(schema, spec, ['spec'])) {
    const identity = identityIn(part as Shape);
    const entries =
      identity && Array.isArray(value) ? value.map((entry) => JSON.stringify(identity.of(entry))) : [];
    for (const [index, entry] of entries.entries()) {
      if (entries.indexOf(entry) < index) {
        yield [[...path, index], `another entry of ${pathText(path)} has the same ${identity?.word}`];
      }
    }
  }
}
