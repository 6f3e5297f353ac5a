/** Keeps the docs true where a machine can tell: links, make targets, manifests, fields, names and sentences. */

import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse, parseAllDocuments } from 'yaml';
import { effectiveChecks } from '../src/api/checks.ts';
import { PHASES } from '../src/api/enums.ts';
import { FALLBACK_FINALIZER, GROUP, VERIFIED, VERSION } from '../src/api/names.ts';
import { END_REASONS, POD_REASONS } from '../src/api/reasons.ts';
import { SpecSchema } from '../src/api/schema-spec.ts';
import { StatusSchema } from '../src/api/schema-status.ts';
import { VERBS } from '../src/api/verbs.ts';
import { headline } from '../src/core/report/headline.ts';
import { SCENES } from './docs/scenes.ts';
import { blocksOf } from './support/pages.ts';
import { Stage } from './support/stage.ts';

const OUTSIDE = ['node_modules/**', 'dist/**', '.cluster/**', '**/node_modules/**'];
const pages = globSync('**/*.md', { exclude: OUTSIDE }).sort();
const read = (path: string): string => readFileSync(path, 'utf8');
const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found);
const prose = (text: string): string => text.replace(/^ *```[\s\S]*?^ *```/gm, '');
const fences = (text: string, language: string): string[] =>
  matches(text, new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm'));

/** The anchor that a heading gets. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

function brokenLinks(page: string): string[] {
  return matches(prose(read(page)), /\]\(([^)\s]+)\)/g).filter((link) => {
    if (/^[a-z]+:/.test(link)) {
      return false;
    }
    const [path = '', fragment] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(target)) {
      return true;
    }
    if (fragment === undefined || statSync(target).isDirectory()) {
      return false;
    }
    return !matches(read(target), /^#+ (.+)$/gm).some((heading) => anchor(heading) === fragment);
  });
}

describe('links', () => {
  test('there is something to look at', () => {
    expect(pages.length).toBeGreaterThan(40);
    expect(pages).toContain('README.md');
  });

  test.each(pages)('every link in %s leads to a file, and to a heading in it', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });
});

/** Where a command is shown with what it takes instead of as it is typed. */
const SYNOPSES = 'docs/cli.md';

test('every block of commands is marked as such, as others are not typed by any test', () => {
  const unmarked = pages
    .filter((page) => page !== SYNOPSES)
    .flatMap((page) => blocksOf(page).map(({ language, text }) => ({ page, language, text })))
    .filter(({ language, text }) => language === '' && /^(helm|kubectl|make|docker|npx|node) /.test(text));
  expect(unmarked.map(({ page, text }) => `${page}: ${text}`)).toEqual([]);
});

test('every make target that the docs name is in the Makefile', () => {
  const targets = new Set(matches(read('Makefile'), /^([a-z0-9-]+):/gm));
  const named = pages.flatMap((page) => matches(read(page), /(?:`|^)make ([a-z0-9-]+)/gm));
  expect(named.length).toBeGreaterThan(5);
  expect([...new Set(named)].filter((target) => !targets.has(target))).toEqual([]);
});

test('ARCHITECTURE.md names every state, every file, and where a fallback is decided', () => {
  const text = read('ARCHITECTURE.md');
  const [union = ''] = /export type State =[\s\S]*?;\n\n/.exec(read('src/core/decision/state.ts')) ?? [];
  const states = matches(union, /name: '(\w+)'/g);
  expect(states.length).toBeGreaterThan(15);
  expect(states.filter((state) => !text.includes(state))).toEqual([]);
  const paths = matches(text, /`((?:src|core|engine|kube|packages|test|charts|crds)\/[\w./-]+)`/g);
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !existsSync(path) && !existsSync(`src/${path}`))).toEqual([]);
  expect(read('src/core/rollout/verify.ts')).toContain('function endOf(');
  expect(read('src/core/rollout/attempt.ts')).toContain('function rejectVersion(');
});

test('no page shows a command that needs another Node than any from 20 on: the project has its own', () => {
  const commands = pages.flatMap((page) =>
    matches(read(page), /^ *```(?:sh|console)?\n([\s\S]*?)^ *```/gm).flatMap((block) =>
      matches(block, /^(?:\$ )?(.*\bnode(?= ).*)$/gm).map((command) => [page, command]),
    ),
  );
  const ours = commands.filter(([, command = '']) => /node (?!app\.ts)[\w/.-]+\.m?[jt]s\b/.test(command));
  expect(ours.length).toBeGreaterThan(1);
  expect(ours.filter(([, command = '']) => !command.includes('npx node '))).toEqual([]);
});

test('every page that says which Node runs the plugin says what the plugin itself requires', () => {
  const { engines } = JSON.parse(read('packages/cli/package.json')) as { engines: { node: string } };
  const said = pages
    .filter((page) => !/^packages\/(?!cli)/.test(page))
    .flatMap((page) =>
      matches(read(page), /Node(?:\.js)? (22[\d.]*) or newer/g).map((version) => [page, version]),
    );
  expect(said.length).toBeGreaterThan(1);
  expect(said.filter(([, version]) => `>=${version}` !== engines.node)).toEqual([]);
});

test('every script that the docs name with npm run is in package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };
  const named = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md'].flatMap((page) =>
    matches(read(page), /npm run (?:-s )?([\w:-]+)/g),
  );
  expect(named.filter((script) => !(script in scripts))).toEqual([]);
});

// --- manifests

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** The schema with no field allowed that it does not name. */
function closed<T>(node: T): T {
  if (Array.isArray(node)) {
    return node.map(closed) as T;
  }
  if (!isObject(node)) {
    return node;
  }
  const inner = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)])) as Json;
  return ('properties' in node ? { ...inner, additionalProperties: false } : inner) as T;
}

const Manifest = closed(
  Type.Object({
    apiVersion: Type.Literal(`${GROUP}/${VERSION}`),
    kind: Type.Literal('Upgrade'),
    metadata: Type.Object({
      name: Type.String({ minLength: 1 }),
      namespace: Type.Optional(Type.String()),
      annotations: Type.Optional(Type.Record(Type.String(), Type.String())),
    }),
    spec: SpecSchema,
  }),
);

/** As the API server fills it. */
const filled = (manifest: Json): Json => ({
  ...manifest,
  spec: Value.Default(SpecSchema, structuredClone(manifest.spec)),
});

/** What is wrong with a manifest, as `path message`. CEL rules are the API server's; test/api asks it. */
const mistakes = (manifest: Json): string[] =>
  Value.Errors(Manifest, filled(manifest)).map(({ instancePath, message }) => `${instancePath} ${message}`);

const upgradesIn = (yaml: string): Json[] =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS() as unknown)
    .filter(
      (value): value is Json =>
        isObject(value) && value.kind === 'Upgrade' && String(value.apiVersion).startsWith(GROUP),
    );

const shown: [where: string, manifest: Json][] = [
  ...pages.flatMap((page) =>
    fences(read(page), 'yaml')
      .filter((block) => block.includes('kind: Upgrade'))
      .flatMap((block) => upgradesIn(block).map((manifest): [string, Json] => [page, manifest])),
  ),
  ...globSync('examples/**/*.yaml').flatMap((path) =>
    upgradesIn(read(path)).map((manifest): [string, Json] => [path, manifest]),
  ),
];

describe('manifests', () => {
  test('there are some, and a wrong one is found', () => {
    expect(shown.length).toBeGreaterThan(8);
    const [, good] = shown[0] ?? [];
    expect(mistakes({ ...good, spec: { ...(good?.spec as Json), postChecks: {} } })).not.toEqual([]);
    expect(mistakes({ ...good, spec: { containers: [] } })).not.toEqual([]);
  });

  test.each(shown)('the Upgrade in %s is valid, without a field that does not exist', (_, manifest) => {
    expect(mistakes(manifest)).toEqual([]);
  });
});

// --- fields and names

/** The names of all fields below a schema. */
function namesIn(schema: unknown): string[] {
  if (Array.isArray(schema)) {
    return schema.flatMap(namesIn);
  }
  if (!isObject(schema)) {
    return [];
  }
  const own = isObject(schema.properties) ? Object.keys(schema.properties) : [];
  return [...own, ...Object.values(schema).flatMap(namesIn)];
}

test('a field that the docs say is not there is not in the CRD', () => {
  const [crd] = parseAllDocuments(read('crds/postcheck.dev_upgrades.yaml')).map((document) =>
    document.toJS(),
  );
  const denied = pages.flatMap((page) => matches(read(page), /[Tt]here is no `([\w.]+)` field/g));
  expect(denied).toContain('host');
  const names = new Set(namesIn(crd));
  expect(names).toContain('httpGet');
  expect(denied.filter((name) => names.has(name))).toEqual([]);
});

/** Schema of the field at `path`, or nothing. */
function fieldAt(schema: TSchema, path: readonly string[]): TSchema | undefined {
  const [head, ...rest] = path;
  if (head === undefined) {
    return schema;
  }
  const items = (schema as { items?: TSchema }).items;
  if (items) {
    return fieldAt(items, path);
  }
  const next = (schema as { properties?: Record<string, TSchema> }).properties?.[head];
  if (next) {
    return fieldAt(next, rest);
  }
  return 'patternProperties' in schema ? schema : undefined;
}

const ROOT = Type.Object({ spec: SpecSchema, status: StatusSchema });
const postCheck = fieldAt(SpecSchema, ['postCheck']) as TSchema;
const inSpec = Object.keys((SpecSchema as unknown as { properties: object }).properties);

/** `fallback.action` may be said for `spec.fallback.action`, and `checks[].exec` for that of postCheck. */
function lookUp(path: string): TSchema | undefined {
  const parts = path.replaceAll(/\[[^\]]*\]/g, '').split('.');
  return [ROOT, SpecSchema, StatusSchema, postCheck]
    .map((schema) => fieldAt(schema, parts))
    .find((found) => found !== undefined);
}

const FIELD = new RegExp(
  `\`((?:spec|status|${inSpec.join('|')}|checks|readiness)(?:\\[[^\\]]*\\])?(?:\\.[a-zA-Z]+(?:\\[[^\\]]*\\])?)+)(?:: ([A-Z]\\w+))?\``,
  'g',
);
/** The chart has values whose names begin like fields. */
const VALUES: unknown = parse(read('charts/postcheck/values.yaml'));
const isChartValue = (path: string): boolean =>
  path
    .split('.')
    .reduce((value: unknown, part) => (value as Record<string, unknown> | undefined)?.[part], VALUES) !==
  undefined;
/** Flux's. */
const FOREIGN: readonly string[] = ['spec.ignore'];

describe('fields and names', () => {
  const written = pages.flatMap((page) =>
    [...prose(read(page)).matchAll(FIELD)].map(
      ([, path = '', value]): [string, string, string | undefined] => [page, path, value],
    ),
  );
  const ours = written.filter(([page, path]) => !FOREIGN.includes(path) && page !== 'docs/reference.md');

  test('every field that the docs name exists', () => {
    expect(ours.length).toBeGreaterThan(25);
    expect(
      ours
        .filter(([, path]) => lookUp(path) === undefined && !isChartValue(path))
        .map(([page, path]) => `${page}: ${path}`),
    ).toEqual([]);
  });

  test('every field that a command reads from an Upgrade exists', () => {
    const commands = pages.flatMap((page) =>
      matches(read(page), /^(.*kubectl get upgrades? .*jsonpath=.*)$/gm),
    );
    const asked = commands.flatMap((command) => matches(command, /\.((?:spec|status)\.[\w.]+)/g));
    expect(asked.length).toBeGreaterThan(10);
    expect([...new Set(asked)].filter((path) => lookUp(path) === undefined)).toEqual([]);
  });

  test('every value that the docs give a field is one of its own', () => {
    const valued = ours.filter(([, , value]) => value !== undefined);
    const wrong = valued.filter(([, path, value]) => {
      const values = (lookUp(path) as { enum?: string[] } | undefined)?.enum;
      return values !== undefined && !values.includes(value ?? '');
    });
    expect(wrong).toEqual([]);
    expect(valued.length).toBeGreaterThan(0);
  });

  test('every name under postcheck.dev exists', () => {
    const verbs = VERBS.map((verb) => `${GROUP}/${verb}`);
    const known = new Set([VERIFIED, FALLBACK_FINALIZER, ...verbs, `${GROUP}/${VERSION}`]);
    const named = pages.flatMap((page) => matches(read(page), /(?<![\w.-])(postcheck\.dev\/[\w-]+)/g));
    expect(named.length).toBeGreaterThan(20);
    expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([]);
  });
});

// --- what a user sees

/** What a sentence is once names, numbers and images are taken out. */
const skeleton = (sentence: string): string =>
  sentence
    .replaceAll(/\b[a-z]+:[\d.]+\b/g, 'IMAGE')
    .replaceAll(/pod \S+ on [\w-]+( \(and \d+ more\))?/g, 'POD')
    .replaceAll(/container [\w-]+/g, 'CONTAINER')
    .replaceAll(/(Deployment|StatefulSet|DaemonSet) \S+/g, 'TARGET')
    .replaceAll(/\b\d+(?:\.\d+)?[smh]?(?:\d+s)?\b/g, '0');

function goodUpgrade(): string {
  const stage = new Stage();
  stage.settle();
  stage.hears({ kind: 'exit', code: 0, output: '' });
  return stage.settle().status.message ?? '';
}

describe('README.md', () => {
  const rows = read('README.md')
    .split('\n')
    .map((line) => /^(\w+) +\w+ +\1 +(\w+) +\w+ +(\w+) +\d+\/\d+ +\w+ +(.+)$/.exec(line))
    .filter((row) => row !== null);

  test('shows phases and sentences that exist', () => {
    const real = [goodUpgrade(), ...Object.values(SCENES).map((scene) => scene().status.message ?? '')].map(
      (sentence) => skeleton(headline(sentence)),
    );
    expect(rows.length).toBeGreaterThanOrEqual(2);
    for (const [, , phase = '', reason = '', sentence = ''] of rows) {
      expect(PHASES).toContain(phase);
      expect(Object.keys({ ...END_REASONS, ...POD_REASONS })).toContain(reason);
      expect(real).toContain(skeleton(sentence));
    }
  });

  test('comes to the install and the first Upgrade before anything that takes long to read', () => {
    const text = read('README.md');
    const headings = matches(text, /^## (.+)$/gm);
    expect(headings.slice(0, 3)).toEqual(['Install', 'The first Upgrade', 'What you see']);
    expect(text.slice(0, text.indexOf('## What you see')).split(/\s+/).length).toBeLessThan(900);
  });

  test('builds and pushes the image that the chart then pulls', () => {
    const [install = ''] = fences(read('README.md'), 'sh');
    const [, repository, tag] = /--set image\.repository=([^,\s]+),image\.tag=(\S+)/.exec(install) ?? [];
    expect(matches(install, /docker (?:build -t|push) (\S+)/g)).toEqual(
      Array.from({ length: 2 }, () => `${repository}:${tag}`),
    );
  });

  test('the smallest Upgrade gets the defaults that are told of it', () => {
    const [smallest = ''] = fences(read('README.md'), 'yaml');
    const { spec } = filled(upgradesIn(smallest)[0] ?? {}) as { spec: Stage['upgrade']['spec'] };
    expect(effectiveChecks(spec)).toMatchObject([{ exec: { command: ['/usr/bin/readiness_probe.sh'] } }]);
    expect(spec.postCheck).toMatchObject({
      periodSeconds: 10,
      deadlineSeconds: 600,
    });
    expect(spec.fallback).toMatchObject({ action: 'Rollback', verify: true });
  });
});
