/** Validates an Upgrade's manifest without a cluster: fields, types and the CEL rules of the schema. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { GROUP, VERSION } from '../../../src/api/names.ts';
import { SpecSchema } from '../../../src/api/schema-spec.ts';
import type { UpgradeSpec } from '../../../src/api/types.ts';
import { misplacedAnnotations, unreadAnnotations } from './annotations.ts';
import {
  doubtfulImages,
  emptyStages,
  impossibleImages,
  type Said,
  shellCommands,
  shortDeadlines,
  unknownTimeZones,
} from './lint-effects.ts';
import { type Path, pathOf, pathText, unescaped } from './lint-path.ts';
import {
  brokenRules,
  duplicates,
  emptyFields,
  fieldsAt,
  isObject,
  type Json,
  unknownFields,
  withoutNulls,
} from './lint-schema.ts';
import { plainText } from './lint-words.ts';
import { aliasFaults, booleanWords, listFaults, templateFaults, type YamlFault } from './lint-yaml.ts';

export interface Finding {
  readonly file: string;
  readonly line: number;
  /** Such as `spec.postCheck.checks[0].exec`. */
  readonly path: string;
  readonly message: string;
  readonly level: 'error' | 'warning';
}

/** The fields of `metadata`: those that people write, and those that the API server adds. */
const METADATA = [
  'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences', 'generateName', 'uid', 'resourceVersion', 'generation',
  'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'managedFields', 'selfLink',
]; // biome-ignore format: a list of words

const Manifest = Type.Object({
  apiVersion: Type.Literal(`${GROUP}/${VERSION}`),
  kind: Type.Literal('Upgrade'),
  metadata: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 253 }),
    ...Object.fromEntries(METADATA.map((field) => [field, Type.Optional(Type.Unknown())])),
  }),
  spec: SpecSchema,
});

/** Names that the API server rejects, whatever they name. */
function* wrongNames({ metadata }: Json): Generator<[Path, string]> {
  for (const field of ['name', 'namespace']) {
    const name = isObject(metadata) ? metadata[field] : undefined;
    if (typeof name === 'string' && name !== '' && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) {
      yield [
        ['metadata', field],
        'must be lower case letters, digits, - and ., and begin and end with a letter or digit',
      ];
    }
  }
}

/** An Upgrade in a file: with its defaults, and the findings. */
export interface Linted {
  readonly manifest: Json;
  /** The line of a field, such as `spec.targetRef`. */
  readonly lineOf: (path: string) => number;
  readonly findings: readonly Finding[];
}

/** Validates every Upgrade in a text; of other objects only what is meant for an Upgrade is reported. */
export function lintText(
  file: string,
  text: string,
): { upgrades: readonly Linted[]; findings: readonly Finding[] } {
  const lines = new LineCounter();
  // kubectl reads the merge keys (<<) of YAML 1.1 too.
  const documents = parseAllDocuments(text, { lineCounter: lines, logLevel: 'error', merge: true });
  const templates = templateFaults(text, documents, lines);
  const faults = documents.map((document) => ({ document, found: faultsOf(document, lines) }));
  const isTemplate = templates.length > 0;
  const broken = isTemplate ? templates : faults.flatMap(({ found }) => found);
  // What is wrong with one document does not hide what is wrong with the others, unless none is YAML yet.
  const sound = faults.filter(({ found }) => !isTemplate && found.length === 0);
  const objects = sound.flatMap(({ document }) =>
    objectsIn(document.toJS()).flatMap(([manifest, place]) =>
      isObject(manifest) ? [{ manifest, written: { file, node: nodeAt(document, place), lines } }] : [],
    ),
  );
  const upgrades = objects
    .filter(({ manifest }) => isUpgrade(manifest))
    .map(({ manifest, written }) => lintedAt(manifest, written));
  const others = objects.filter(({ manifest }) => !isUpgrade(manifest));
  return {
    upgrades,
    findings: [
      ...firstOfEach(broken.map((fault) => faultFinding(file, fault))),
      ...upgrades.flatMap(({ findings }) => findings),
      ...others.flatMap(({ manifest, written }) => misplacedIn(manifest, written)),
    ],
  };
}

const faultsOf = (document: Document.Parsed, lines: LineCounter): YamlFault[] => [
  ...document.errors.map(({ linePos = [], message }) => ({ linePos, message })),
  ...aliasFaults(document, lines),
  ...listFaults(document, lines),
];

const faultFinding = (file: string, { linePos, message }: YamlFault): Finding => ({
  file,
  line: linePos[0]?.line ?? 1,
  path: '',
  message: message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'not valid YAML',
  level: 'error',
});

/** What an object of another kind has that only means something on an Upgrade. */
const misplacedIn = (manifest: Json, { file, node, lines }: Written): Finding[] =>
  misplacedAnnotations(String(manifest.kind), annotationsOf(manifest)).map(([key, message]) => {
    const path = ['metadata', 'annotations', key];
    return { file, line: lineOf(node, path, lines), path: pathText(path), message, level: 'warning' };
  });

/** The objects of a document and where they are in it: one, or the items of a list as `kubectl get -o yaml` prints it. */
const objectsIn = (value: unknown): [object: unknown, place: Path][] =>
  isObject(value) && /List$/.test(String(value.kind)) && Array.isArray(value.items)
    ? value.items.map((item, index) => [item, ['items', index]])
    : [[value, []]];

const nodeAt = (document: Document, place: Path): Node | null =>
  (place.length === 0 ? document.contents : document.getIn(place, true)) as Node | null;

/** Where an object was written. */
interface Written {
  readonly file: string;
  readonly node: Node | null;
  readonly lines: LineCounter;
}

function lintedAt(manifest: Json, { file, node, lines }: Written): Linted {
  const source: Source = {
    lineAt: (path) => lineOf(node, path, lines),
    wordAt: (path) => wordAt(node, path),
  };
  const findings = findingsIn(file, manifest, source);
  return {
    manifest: withDefaults(manifest),
    lineOf: (path: string) => source.lineAt(pathOf(path)),
    findings: [
      ...findings,
      ...booleanWords(node, [])
        .map(([path, message]) => ({
          file,
          line: source.lineAt(path),
          path: pathText(path),
          message,
          level: 'error' as const,
        }))
        .filter(({ path }) => findings.every((other) => other.path !== path)),
    ],
  };
}

/** One mistake, such as prose instead of YAML, is often reported for every word. */
const firstOfEach = (findings: readonly Finding[]): Finding[] =>
  [...new Map(findings.toReversed().map((finding) => [finding.message, finding])).values()].toReversed();

/** Whether the object is an Upgrade, also if either apiVersion or kind is mistyped. */
const isUpgrade = ({ apiVersion, kind }: Json): boolean =>
  kind === 'Upgrade' || String(apiVersion).startsWith(`${GROUP}/`);

/** Returns the manifest with the defaults that the API server sets. */
function withDefaults(manifest: Json): Json {
  const sent = withoutNulls(manifest) as Json;
  return { ...sent, spec: Value.Default(SpecSchema, structuredClone(sent['spec'])) };
}

/** How a manifest was written. */
interface Source {
  readonly lineAt: (path: Path) => number;
  /** A number or word as it was written, such as `2.0`; `undefined` if there is none at this path. */
  readonly wordAt: (path: Path) => string | undefined;
}

function findingsIn(file: string, manifest: Json, { lineAt, wordAt }: Source): Finding[] {
  const report = (path: Path, message: string, level: Finding['level'] = 'error'): Finding => ({
    file,
    line: lineAt(path),
    path: pathText(path),
    message,
    level,
  });
  const complete = withDefaults(manifest);
  const unknown = [...unknownFields(Manifest, manifest)].filter(([path]) => path[0] !== 'status');
  const wrong = Value.Errors(Manifest, complete).map((error): [Path, string] => {
    const path = error.instancePath.split('/').slice(1).map(unescaped);
    const fields = fieldsAt(Manifest, path);
    return [path, plainText(error, { value: valueAt(complete, path), word: wordAt(path), fields })];
  });
  const types = [...unknown, ...wrong, ...wrongNames(manifest), ...duplicates(SpecSchema, complete.spec)];
  // Rules apply to fields that exist and have the right type; the API server evaluates them last too.
  const rules = types.length > 0 ? [] : [...brokenRules(SpecSchema, complete.spec, ['spec'])];
  const isSound = types.length + rules.length === 0;
  const unusable = isSound
    ? [unknownTimeZones, impossibleImages].flatMap((find) => find(complete.spec as UpgradeSpec)).map(placed)
    : [];
  const warnings = [
    ...emptyFields(Manifest, manifest),
    ...unknownAnnotations(manifest),
    ...(types.length > 0 ? [] : unreachable(complete.spec)),
    ...(isSound
      ? [emptyStages, doubtfulImages, shellCommands, shortDeadlines]
          .flatMap((find) => find(complete.spec as UpgradeSpec))
          .map(placed)
      : []),
  ];
  return [
    ...[...types, ...rules, ...unusable].map(([path, message]) => report(path, message)),
    ...warnings.map(([path, message]) => report(path, message, 'warning')),
  ];
}

const placed = ([path, message]: Said): [Path, string] => [pathOf(path), message];

const valueAt = (whole: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<string | number, unknown> | undefined)?.[key], whole);

function wordAt(node: Node | null, path: Path): string | undefined {
  const found = isMap(node) || isSeq(node) ? node.getIn(path, true) : undefined;
  return isScalar(found) && found.type === 'PLAIN' ? found.source : undefined;
}

/** Finds annotations with our prefix that have no meaning: the API server accepts any. */
const unknownAnnotations = (manifest: Json): [Path, string][] =>
  unreadAnnotations(annotationsOf(manifest)).map(([key, message]) => [
    ['metadata', 'annotations', key],
    message,
  ]);

const annotationsOf = ({ metadata }: Json): string[] =>
  isObject(metadata) && isObject(metadata.annotations) ? Object.keys(metadata.annotations) : [];

/** Finds settings that the API server accepts and that cannot have an effect. */
function* unreachable(spec: unknown): Generator<[Path, string]> {
  const { failureThreshold, periodSeconds, deadlineSeconds } = (spec as UpgradeSpec).postCheck;
  if (failureThreshold > 0 && (failureThreshold - 1) * periodSeconds >= deadlineSeconds) {
    yield [
      ['spec', 'postCheck', 'failureThreshold'],
      `has no effect: the deadline of ${deadlineSeconds}s comes before ${failureThreshold} probe cycles that are ${periodSeconds}s apart`,
    ];
  }
}

/** Returns the line of the value at a path, or of the nearest parent that is in the file. */
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
