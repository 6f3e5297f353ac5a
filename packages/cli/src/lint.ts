/** What is wrong with an Upgrade's manifest, without a cluster: fields, types and the schema's own CEL rules. */
import { evaluate } from '@marcbachmann/cel-js';
import { type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { GROUP, VERSION } from '../../../src/api/names.ts';
import { SpecSchema } from '../../../src/api/schema-spec.ts';
import type { UpgradeSpec } from '../../../src/api/types.ts';
import { ANNOTATIONS } from '../../../src/api/verbs.ts';
import { nearest } from './text.ts';

export interface Finding {
  readonly file: string;
  readonly line: number;
  /** Such as `spec.postCheck.checks[0].exec`. */
  readonly path: string;
  readonly message: string;
  readonly level: 'error' | 'warning';
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const Manifest = Type.Object({
  apiVersion: Type.Literal(`${GROUP}/${VERSION}`),
  kind: Type.Literal('Upgrade'),
  metadata: Type.Object({ name: Type.String({ minLength: 1, maxLength: 253 }) }),
  spec: SpecSchema,
});

/** An Upgrade of a file: its defaults filled in, and what is wrong with it. */
export interface Linted {
  readonly manifest: Json;
  /** The line of a field, such as `spec.targetRef`. */
  readonly lineOf: (path: string) => number;
  readonly findings: readonly Finding[];
}

/** Looks at every Upgrade in a text; other objects are passed over. */
export function lintText(
  file: string,
  text: string,
): { upgrades: readonly Linted[]; findings: readonly Finding[] } {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  const broken = documents.flatMap((document) => document.errors);
  if (broken.length > 0) {
    return {
      upgrades: [],
      findings: firstOfEach(
        broken.map((error) => ({
          file,
          line: error.linePos?.[0].line ?? 1,
          path: '',
          message:
            error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'not valid YAML',
          level: 'error',
        })),
      ),
    };
  }
  const upgrades = documents.flatMap((document) => {
    const manifest: unknown = document.toJS();
    if (!isObject(manifest) || !isMeant(manifest)) {
      return [];
    }
    const lineAt = (path: readonly (string | number)[]): number =>
      lineOf(document.contents as Node | null, path, lines);
    return [
      {
        manifest: filled(manifest),
        lineOf: (path: string) => lineAt(path.split('.')),
        findings: mistakes(file, manifest, lineAt),
      },
    ];
  });
  return { upgrades, findings: upgrades.flatMap(({ findings }) => findings) };
}

/** One mistake of a text, such as prose in place of YAML, is often told for every word. */
const firstOfEach = (findings: readonly Finding[]): Finding[] =>
  [...new Map(findings.toReversed().map((finding) => [finding.message, finding])).values()].toReversed();

/** An Upgrade, also with one of its two names mistyped. */
const isMeant = ({ apiVersion, kind }: Json): boolean =>
  kind === 'Upgrade' || String(apiVersion).startsWith(`${GROUP}/`);

/** As the API server fills it. */
function filled(manifest: Json): Json {
  return { ...manifest, spec: Value.Default(SpecSchema, structuredClone(manifest.spec)) };
}

type LineAt = (path: readonly (string | number)[]) => number;

function mistakes(file: string, manifest: Json, lineAt: LineAt): Finding[] {
  const told = (path: Path, message: string, level: Finding['level'] = 'error'): Finding => ({
    file,
    line: lineAt(path),
    path: pathText(path),
    message,
    level,
  });
  const complete = filled(manifest);
  const unknown = [...unknownFields(Manifest, complete)].filter(
    ([path]) => path[0] !== 'metadata' && path[0] !== 'status',
  );
  const wrong = Value.Errors(Manifest, complete).map((error): [Path, string] => [
    error.instancePath.split('/').slice(1).map(unescaped),
    allowed(error.params) ?? error.message,
  ]);
  const types = [...unknown, ...wrong, ...duplicates(SpecSchema, complete.spec)];
  // Rules speak of fields that are there and of the right type; the API server asks them last too.
  const rules = types.length > 0 ? [] : [...brokenRules(SpecSchema, complete.spec, ['spec'])];
  const doubts = [...strangeAnnotations(manifest), ...(types.length > 0 ? [] : unreachable(complete.spec))];
  return [
    ...[...types, ...rules].map(([path, message]) => told(path, message)),
    ...doubts.map(([path, message]) => told(path, message, 'warning')),
  ];
}

/** What may stand in a field that takes only some values. */
function allowed(params: object): string | undefined {
  const { allowedValue, allowedValues } = params as { allowedValue?: unknown; allowedValues?: unknown[] };
  const values = allowedValues ?? (allowedValue === undefined ? [] : [allowedValue]);
  return values.length === 0 ? undefined : `must be ${values.join(' or ')}`;
}

/** By what the API server tells the entries of this list apart; `undefined` where it does not. */
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

/** Entries of a list that the API server takes for the same one. */
function* duplicates(schema: TSchema, spec: unknown): Generator<[Path, string]> {
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

const COMMANDS = Object.values(ANNOTATIONS);

/** Annotations in our name that mean nothing: the API server takes any. */
function* strangeAnnotations({ metadata }: Json): Generator<[Path, string]> {
  const annotations = isObject(metadata) && isObject(metadata.annotations) ? metadata.annotations : {};
  for (const key of Object.keys(annotations)) {
    if (key.startsWith(`${GROUP}/`) && !COMMANDS.includes(key)) {
      const meant = nearest(key, COMMANDS);
      yield [
        ['metadata', 'annotations', key],
        `postcheck reads no such annotation${meant ? `; did you mean ${meant}?` : ''}`,
      ];
    }
  }
}

/** Settings that the API server takes and that can have no effect. */
function* unreachable(spec: unknown): Generator<[Path, string]> {
  const { failureThreshold, periodSeconds, deadlineSeconds } = (spec as UpgradeSpec).postCheck;
  if (failureThreshold > 0 && (failureThreshold - 1) * periodSeconds >= deadlineSeconds) {
    yield [
      ['spec', 'postCheck', 'failureThreshold'],
      `has no effect: the deadline of ${deadlineSeconds}s comes before ${failureThreshold} rounds that are ${periodSeconds}s apart`,
    ];
  }
}

type Path = readonly (string | number)[];

const unescaped = (part: string): string | number =>
  /^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~');

const pathText = (path: Path): string =>
  path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');

interface Shape {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly { rule: string; message: string; fieldPath?: string }[];
}

/** Every value below this one whose schema is known, with that schema. */
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

/** Fields that the schema does not name: the API server drops them, and says so only to some clients. */
function* unknownFields(schema: TSchema, whole: unknown): Generator<[Path, string]> {
  for (const [part, value, path] of parts(schema, whole, [])) {
    const known = Object.keys((part as Shape).properties ?? {});
    const strange =
      known.length > 0 && isObject(value) ? Object.keys(value).filter((key) => !known.includes(key)) : [];
    for (const key of strange) {
      const meant = nearest(key, known);
      yield [[...path, key], `unknown field${meant ? `; did you mean ${meant}?` : ''}`];
    }
  }
}

/** The CEL rules that do not hold. A rule about a change needs the object before the change, and is left out. */
function* brokenRules(schema: TSchema, whole: unknown, from: Path): Generator<[Path, string]> {
  for (const [part, value, path] of parts(schema, whole, from)) {
    for (const { rule, message, fieldPath = '' } of (part as Shape)['x-kubernetes-validations'] ?? []) {
      const held = rule.includes('oldSelf') || holds(rule, value);
      if (held !== true) {
        yield [
          [...path, ...fieldPath.split('.').filter((field) => field !== '')],
          held === 'unknown' ? `only the API server can validate this rule: ${message}` : message,
        ];
      }
    }
  }
}

/** A rule that cannot be evaluated here is reported as such: a clean result must not hide a rule that was not evaluated. */
function holds(rule: string, self: unknown): boolean | 'unknown' {
  try {
    return evaluate(rule, { self: withIntegers(self) }) !== false;
  } catch {
    return 'unknown';
  }
}

/** CEL knows integers and floating-point numbers apart; JSON does not. */
function withIntegers(value: unknown): unknown {
  if (Array.isArray(value)) {
    return Array.from(value, withIntegers);
  }
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withIntegers(inner)]));
  }
  return Number.isInteger(value) ? BigInt(value as number) : value;
}

/** The line of the value at a path, or of the nearest one around it that is written down. */
function lineOf(node: Node | null, path: Path, lines: LineCounter): number {
  let here: unknown = node;
  let range = node?.range;
  for (const part of path) {
    const next = isMap(here)
      ? here.items.find((pair) => isScalar(pair.key) && pair.key.value === part)
      : isSeq(here)
        ? { key: here.items[Number(part)], value: here.items[Number(part)] }
        : undefined;
    if (!next) {
      break;
    }
    range = (next.key as Node | null)?.range ?? range;
    here = next.value;
  }
  return lines.linePos(range?.[0] ?? 0).line || 1;
}
