/** The rules of ARCHITECTURE.md about who may import whom, read from the imports themselves. */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { laidOut, mistakes, pages } from '../scripts/prose.ts';
import { sentencesIn } from './support/sentences.ts';

/** What each folder of src may import of ours. `types` behind a folder: only with `import type`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  api: [],
  core: ['api'],
  engine: ['api', 'core'],
  kube: ['api', 'engine/ports', 'engine/telemetry-ports', 'packages/kubelet-prober/src/http2-stream'],
  checks: ['api', 'engine/ports', 'packages/kubelet-prober/src'],
  telemetry: ['api', 'engine/ports', 'engine/telemetry-ports'],
};

/** One third-party package, one folder. */
const HOME: Readonly<Record<string, string>> = {
  typebox: 'api',
  '@kubernetes/client-node': 'kube',
  'js-yaml': 'kube',
  'p-retry': 'kube',
  ws: 'kube',
  pino: 'telemetry',
  'prom-client': 'telemetry',
  '@opentelemetry/api': 'telemetry',
  '@opentelemetry/core': 'telemetry',
  '@opentelemetry/exporter-trace-otlp-http': 'telemetry',
  '@opentelemetry/resources': 'telemetry',
  '@opentelemetry/sdk-trace': 'telemetry',
};

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly from: string;
  readonly typeOnly: boolean;
}

const files = globSync('src/**/*.ts').filter((file) => !file.includes('/fixtures/'));
const IMPORT = /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?'([^']+)'/gm;

const imports: Import[] = files
  .filter((file) => !file.endsWith('.test.ts'))
  .flatMap((file) => {
    const folder = file.split('/')[1] ?? '';
    return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => ({
      file,
      folder,
      from: match[2] ?? '',
      typeOnly: match[1] !== undefined,
    }));
  });

/** What the command line tool may import of ours. */
const CLI_MAY_IMPORT = ['packages/cli/src/', 'src/api/', 'src/core/', 'src/kube/', 'src/engine/ports.ts'];
const cliImports = globSync('packages/cli/src/**/*.ts')
  .filter((file) => !file.endsWith('.test.ts'))
  .flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => ({ file, from: match[2] ?? '' })),
  );

/** Libraries that others embed: nothing of the operator is in them, and no package. */
const LIBRARIES = ['packages/health/', 'packages/kubelet-prober/'];
const libraryImports = LIBRARIES.flatMap((library) =>
  globSync(`${library}src/**/*.ts`)
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('/fixtures/'))
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(IMPORT)].map((match) => ({
        file,
        from: match[2] ?? '',
        isOwn: normalize(join(file, '..', match[2] ?? '')).startsWith(library),
      })),
    ),
);

const ours = imports.filter(({ from }) => from.startsWith('.'));
const targetOf = ({ file, from }: Import): string =>
  normalize(join(file, '..', from))
    .replace(/^src\//, '')
    .replace(/\.ts$/, '');

/** Files that need each other to run, in a circle: those that are left when one after the other who needs nobody left is taken away. */
function circles(of: readonly Import[]): string[] {
  const needs = new Map<string, Set<string>>();
  for (const one of of.filter(({ typeOnly, from }) => !typeOnly && from.startsWith('.'))) {
    const file = one.file.replace(/^src\/|\.ts$/g, '');
    needs.set(file, (needs.get(file) ?? new Set()).add(targetOf(one)));
  }
  for (let size = -1; size !== needs.size; ) {
    size = needs.size;
    for (const [file, targets] of needs) {
      if (![...targets].some((target) => needs.has(target))) {
        needs.delete(file);
      }
    }
  }
  return [...needs.keys()];
}

describe('imports follow the architecture', () => {
  test('the libraries stand alone', () => {
    expect(libraryImports.length).toBeGreaterThan(50);
    const wrong = libraryImports.filter(({ from, isOwn }) => !isOwn && !from.startsWith('node:'));
    expect(wrong.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
  });

  test('there is something to look at', () => {
    expect(ours.length).toBeGreaterThan(100);
  });

  test.each(Object.entries(MAY_IMPORT))('src/%s imports of ours only: %s', (folder, allowed) => {
    const wrong = ours
      .filter((one) => one.folder === folder)
      .filter((one) => {
        const target = targetOf(one);
        return (
          target.split('/')[0] !== folder &&
          !allowed.some((prefix) => target === prefix || target.startsWith(`${prefix}/`))
        );
      });
    expect(wrong.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
  });

  test('each third-party package has one folder', () => {
    const packages = imports.filter(({ from }) => !from.startsWith('.') && !from.startsWith('node:'));
    const wrong = packages.filter(({ from, folder }) => HOME[from] !== folder);
    expect(wrong.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
  });

  test('of client-node only KubeConfig is used: scripts/bundle.ts leaves the rest out', () => {
    const used = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/import \{([^}]*)\} from '@kubernetes\/client-node'/g)].flatMap(
        ([, names = '']) => names.split(',').map((name) => name.trim()),
      ),
    );
    expect(new Set(used.filter((name) => name !== '' && !name.startsWith('type ')))).toEqual(
      new Set(['KubeConfig']),
    );
  });

  test('what the operator runs takes only types from the schemas, so that no schema library is in it', () => {
    const values = ours.filter(
      (one) => targetOf(one).startsWith('api/schema-') && one.folder !== 'api' && !one.typeOnly,
    );
    expect(values.map(({ file }) => file)).toEqual([]);
  });

  test('decisions ask no clock, no chance and nothing outside', () => {
    const impure =
      /\b(Date\.now|Math\.random|setTimeout|setInterval|process\.|await |async |Promise\b|fetch\()/;
    const wrong = files.filter(
      (file) =>
        file.startsWith('src/core/') &&
        !file.endsWith('.test.ts') &&
        impure.test(readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'/g, '')),
    );
    expect(wrong).toEqual([]);
  });

  test('what users name is looked up with own(), so that no name finds what every object inherits', () => {
    const named = /[\w)\]](?:\?\.)?\[(?:name|container|image|key|type|reason|family|check|token)\]/;
    const asked = /\b(?:name|container|image|key|type|reason|family|check|token) in \w/;
    const wrong = files
      .filter((file) => !file.endsWith('.test.ts') && file !== 'src/api/own.ts')
      .flatMap((file) =>
        readFileSync(file, 'utf8')
          .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
          .replace(/'[^'\n]*'|`[^`]*`/g, '""')
          .split('\n')
          .filter((line) => named.test(line) || asked.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    expect(wrong).toEqual([]);
  });

  test('a table of words is looked up with own(): a stored or received word may be one that every object inherits', () => {
    const table = /^(?:export )?const ([A-Z_]+): Readonly<Record<string,/gm;
    const cli = globSync('packages/cli/src/**/*.ts');
    const sources = new Map([...files, ...cli].map((file) => [file, readFileSync(file, 'utf8')]));
    const tables = [...sources.values()].flatMap((text) => [...text.matchAll(table)].map(([, name]) => name));
    expect(tables.length).toBeGreaterThan(5);
    const lookup = new RegExp(`\\b(?:${tables.join('|')})(?:\\?\\.)?\\[`);
    const wrong = [...sources].flatMap(([file, text]) =>
      file.endsWith('.test.ts') || !lookup.test(text) ? [] : [file],
    );
    expect(wrong).toEqual([]);
  });

  test('text is shortened with cut() alone, which keeps characters whole', () => {
    const cuts = /\.slice\(0, (?:\d{3,}|longest|outputLeft)|\.substr(?:ing)?\(/;
    const wrong = files.filter(
      (file) =>
        !file.endsWith('.test.ts') &&
        !/^src\/(api\/cut|health\/)/.test(file) &&
        cuts.test(readFileSync(file, 'utf8')),
    );
    expect(wrong).toEqual([]);
  });

  test('words for people are written in core/report alone: elsewhere what they say is data', () => {
    const decisions = files.filter(
      (file) => /^src\/core\//.test(file) && !/^src\/core\/report\/|\.test\.ts$/.test(file),
    );
    const wrong = decisions.flatMap((file) =>
      sentencesIn(readFileSync(file, 'utf8')).map((text) => `${file}: ${text}`),
    );
    expect(decisions.length).toBeGreaterThan(40);
    expect(wrong).toEqual([]);
  });

  test.each([
    ["const x = 'web is paused';", ['web is paused']],
    [`const x = \`\${kind} \${name} is paused\`;`, ['… … is paused']],
    [`const x = \`Upgrade \${name}\`;`, ['Upgrade …']],
    ["f({ message: bad ? 'no data' : '' } as const);", ['no data']],
    [`const x = \`\${stage}/\${all} \${name}\`;`, []],
    ["type X = 'two words'; import 'a path'; const y = { a: 'PostCheckFailed', b: 'apps/v1' };", []],
  ])('words for people in %j: %j', (source, expected) => {
    expect(sentencesIn(source)).toEqual(expected);
  });

  test('a command for an object is written with kubectl() alone, which names its namespace and quotes', () => {
    const byHand = /\bkubectl (?!postcheck needs|reads )[a-z][^`]*\$\{/;
    const sources = globSync(['src/**/*.ts', 'packages/cli/{src,page}/**/*.{ts,tsx}'], {
      exclude: ['**/*.test.ts', '**/fixtures/**'],
    });
    const wrong = sources.flatMap((file) =>
      readFileSync(file, 'utf8')
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
        .replaceAll('\\`', '')
        .split('\n')
        .filter((line) => byHand.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(byHand.test('run kubectl get upgrade ${')).toBe(true);
    expect(sources.length).toBeGreaterThan(200);
    expect(wrong).toEqual([]);
  });

  test('attempt and fallback differ by their policy: nobody else asks which of the two is under way', () => {
    const asks = /\bisAttempting\b|\bisFallingBack\b|[dD]irection\s*[!=]==|[!=]==\s*'(?:Forward|Back)'/;
    // Where a status becomes a rollout, where its policy is chosen, and the words for each.
    const homes = /^src\/core\/(?:status|rollout\/rollout|rollout\/policy)\.ts$|^src\/core\/report\//;
    const wrong = files.filter(
      (file) =>
        /^src\/(?:core|engine)\//.test(file) &&
        !homes.test(file) &&
        !file.endsWith('.test.ts') &&
        asks.test(readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
    );
    expect(wrong).toEqual([]);
  });

  test('what a kind of workload is, is asked of its driver and of its decoder alone', () => {
    const kind = "'(?:Deployment|StatefulSet|DaemonSet|ReplicaSet|ControllerRevision)'";
    const asks = new RegExp(`[!=]==\\s*${kind}|${kind}\\s*[!=]==|\\bcase ${kind}:`);
    // The operator's own Deployment, as it takes itself away.
    const exempt = 'src/kube/installation.ts';
    const all = [...files, ...globSync('packages/cli/{src,page}/**/*.{ts,tsx}')];
    const wrong = all.filter(
      (file) =>
        !file.startsWith('src/core/workload/') &&
        !file.endsWith('.test.ts') &&
        file !== exempt &&
        asks.test(readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')),
    );
    expect(asks.test(readFileSync(exempt, 'utf8'))).toBe(true);
    expect(all.length).toBeGreaterThan(200);
    expect(wrong).toEqual([]);
  });

  test('no file needs another one that needs it', () => {
    expect(circles(imports)).toEqual([]);
    const ring = (from: string, to: string): Import => ({
      file: `src/core/${from}.ts`,
      folder: 'core',
      from: `./${to}.ts`,
      typeOnly: false,
    });
    expect(circles([ring('a', 'b'), ring('b', 'c'), ring('c', 'a')])).toEqual(['core/a', 'core/b', 'core/c']);
  });

  test('only main reads the environment', () => {
    const wrong = files.filter(
      (file) =>
        !file.startsWith('src/main') &&
        !file.endsWith('.test.ts') &&
        /process\.env|\benv\b.*'node:process'/.test(readFileSync(file, 'utf8')),
    );
    expect(wrong).toEqual([]);
  });

  test('the command line tool stands on api, core and kube, and nothing stands on it', () => {
    const wrong = cliImports
      .filter(({ from }) => from.startsWith('.'))
      .map((one) => ({ ...one, target: normalize(join(one.file, '..', one.from)) }))
      .filter(({ target }) => !CLI_MAY_IMPORT.some((prefix) => target.startsWith(prefix)));
    expect(cliImports.length).toBeGreaterThan(20);
    expect(wrong.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
    expect(ours.filter(({ from }) => from.includes('packages/cli')).map(({ file }) => file)).toEqual([]);
  });

  test('the page of the dashboard has preact, and of the tool only what it is told and how that looks', () => {
    const files = globSync('packages/cli/page/*.{ts,tsx}');
    const wrong = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(IMPORT)]
        .map((match) => ({ typeOnly: match[1] !== undefined, from: match[2] ?? '' }))
        .filter(({ from }) => !from.startsWith('./') && !/^preact(\/hooks)?$/.test(from))
        .filter(({ from, typeOnly }) => !(typeOnly && from === '../src/dashboard/model.ts'))
        .filter(({ from }) => from !== '../src/looks.ts')
        .map(({ from }) => `${file} imports ${from}`),
    );
    expect(files.length).toBeGreaterThan(5);
    expect(wrong).toEqual([]);
  });

  test('the command line tool declares each package that it imports', () => {
    const { dependencies } = JSON.parse(readFileSync('packages/cli/package.json', 'utf8')) as {
      dependencies: Readonly<Record<string, string>>;
    };
    const used = cliImports
      .map(({ from }) => from)
      .filter((from) => !from.startsWith('.') && !from.startsWith('node:'))
      .map((from) => from.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? from);
    expect([...new Set(used)].filter((name) => !(name in dependencies))).toEqual([]);
  });

  test('every source file begins with a comment that says its job', () => {
    const sources = globSync(['src/**/*.ts', 'packages/*/src/**/*.ts', 'packages/cli/page/*.{ts,tsx}'], {
      exclude: ['**/*.test.ts', '**/fixtures/**', '**/node_modules/**'],
    });
    expect(sources.length).toBeGreaterThan(200);
    const wrong = sources.filter((file) => !/^(?:#!.*\n)?\/\*\*\s/.test(readFileSync(file, 'utf8')));
    expect(wrong).toEqual([]);
  });

  test('constants of a file are in capitals', () => {
    const sources = globSync('{src,packages/*/src,packages/cli/page}/**/*.{ts,tsx}', {
      exclude: ['**/*.test.ts', '**/fixtures/**', '**/node_modules/**'],
    });
    const constant = /^(?:export )?const ([a-z]\w*)(?:: [\w<>, ]+)? = (?:-?\d|'|new Set\(\[|\[\n)/gm;
    const wrong = sources.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(constant)].map(([, name]) => `${file}: ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('what others name is looked up with `own`: a container may be called `constructor`', () => {
    const sources = globSync(['src/**/*.ts', 'packages/*/src/**/*.ts', 'packages/cli/page/*.{ts,tsx}'], {
      exclude: ['**/*.test.ts', 'src/api/own.ts', '**/node_modules/**'],
    });
    const lookup = /[\w)](?:\?\.)?\[(?:name|container|label|node|pod|namespace)\](?! =)/g;
    const wrong = sources.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(lookup)].map(([found]) => `${file}: ${found}`),
    );
    expect(wrong).toEqual([]);
  });

  test('a function of a module that has statements is declared with `function`: the linter says so', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lint-'));
    cpSync('biome', join(folder, 'biome'), { recursive: true });
    writeFileSync(join(folder, 'biome.json'), '{ "plugins": ["./biome/named-functions.grit"] }');
    const sources = {
      'refused-1.ts': 'export const one = (a: number): number => {\n  return a;\n};\n',
      'refused-2.ts': 'export const one = async <T>(a: T): Promise<T> => {\n  return a;\n};\n',
      'expression.ts': 'export const one = (a: number): number => a;\n',
      'typed.ts': 'export const one: (a: number) => number = (a) => {\n  return a;\n};\n',
      'inside.ts':
        'export function one(a: number) {\n  const two = () => {\n    return a;\n  };\n  return two();\n}\n',
    };
    for (const [name, source] of Object.entries(sources)) {
      writeFileSync(join(folder, name), source);
    }
    const biome = join(process.cwd(), 'node_modules/.bin/biome');
    const { stdout } = spawnSync(biome, ['lint', '--reporter=json'], { cwd: folder, encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { location: { path: string } }[] };
    expect(diagnostics.map(({ location }) => location.path).sort()).toEqual(['refused-1.ts', 'refused-2.ts']);
  });

  test('nothing is exported by default, and no file only passes exports on', () => {
    const text = (file: string) => readFileSync(file, 'utf8');
    expect(files.filter((file) => /^export default/m.test(text(file)))).toEqual([]);
    expect(files.filter((file) => /^export \* from/m.test(text(file)))).toEqual([]);
  });
});

describe('pages', () => {
  test('have one sentence a line: `node scripts/prose.ts` lays them out', () => {
    expect(pages().length).toBeGreaterThan(80);
    const wrong = pages().flatMap((page) =>
      mistakes(readFileSync(page, 'utf8')).map((mistake) => `${page}:${mistake}`),
    );
    expect(wrong).toEqual([]);
  });

  test.each([
    ['One. Two.', 'One.\nTwo.'],
    ['A sentence that\ngoes on.', 'A sentence that goes on.'],
    [
      '- **Label.** One (see x. y). `code` begins a third.',
      '- **Label.** One (see x. y).\n  `code` begins a third.',
    ],
    ['1. Kubernetes 1.36, e.g. Kind.', '1. Kubernetes 1.36, e.g. Kind.'],
    ['```\nOne. Two.\n```', '```\nOne. Two.\n```'],
    ['| One. Two. |', '| One. Two. |'],
  ])('%j is laid out as %j', (before, after) => {
    expect(laidOut(before)).toBe(after);
    expect(mistakes(before).length > 0).toBe(before !== after);
    expect(mistakes(after)).toEqual([]);
  });

  test('and what else no compiler reads hold no mark of a merge that was not resolved', () => {
    const unread = globSync(['**/*.{md,yaml,yml,tpl,txt,sh}', '{Dockerfile,Makefile}', 'container/**/*'], {
      exclude: ['**/node_modules/**', 'dist/**', '.cluster/**', '**/vendor/**'],
    }).filter((file) => statSync(file).isFile());
    expect(unread.length).toBeGreaterThan(200);
    const marked = unread.filter((file) => /^(?:<{7}|>{7}|\|{7}) /m.test(readFileSync(file, 'utf8')));
    expect(marked).toEqual([]);
  });

  test('of decisions are numbered one after the other, by name and title', () => {
    const decisions = globSync('docs/adr/*.md').sort();
    expect(decisions.length).toBeGreaterThan(10);
    const titles = decisions.map((file) => readFileSync(file, 'utf8').split('\n')[0] ?? '');
    expect(decisions.map((file) => /\/(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1])).toEqual(
      decisions.map((_, index) => String(index + 1).padStart(4, '0')),
    );
    expect(titles.map((title) => /^# (\d+)\. \S/.exec(title)?.[1])).toEqual(
      decisions.map((_, index) => String(index + 1)),
    );
  });
});

/** Private words that the documentation of Kubernetes has a better one for, each with what to write instead. */
const INSTEAD: readonly (readonly [word: RegExp, instead: string])[] = [
  [/\b(?:un)?prov(?:e|es|ed|en|ing)\b|\bproofs?\b/i, 'verify'],
  [/\bjudg(?:e|es|ed|ing)\b/i, 'evaluate'],
  [/\bgatekeeper\b/i, 'orphan gate controller'],
  [/\bsay (?:retry|abort|promote|approve)\b/i, 'set postcheck.dev/retry'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/(?<!-)\brounds\b/i, 'probe cycles'],
  [/\bfor ever\b/i, 'forever'],
  [/\bversion before\b|\bformer (?:images?|versions?)\b/i, 'previous version'],
  [/\bst(?:ands?|ood|anding) still\b/i, 'stalled, paused, blocked'],
  [/\bput(?:s|ting)? (?:it |them )?back\b|\btak(?:e|es|en|ing) (?:it |them )?back\b/i, 'restore, roll back'],
  [/\bon fire\b|\btonight\b|\bin the morning\b|\buntil the morning\b/i, 'what to do, and when'],
];

/** The string literals of a source with blanks in them: what users may read, unlike comments, names and paths. */
const literals = (source: string): string =>
  source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|\s)\/\/.*$/gm, '$1')
    .split('\n')
    .map((line) =>
      [...line.matchAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`/g)]
        .map(([text]) => text.replace(/\$\{[^}]*\}/g, '…'))
        .filter((text) => /\w \w/.test(text))
        .join(' '),
    )
    .join('\n');

const privateWords = (place: string, text: string): string[] =>
  text
    .split('\n')
    .flatMap((line, index) =>
      INSTEAD.filter(([word]) => word.test(line)).map(
        ([word, instead]) => `${place}:${index + 1}: ${word.exec(line)?.[0]}; write: ${instead}`,
      ),
    );

describe('the words that users read', () => {
  test.each([
    ['pages', ['**/*.md'], false],
    [
      'the chart',
      ['charts/postcheck/*.{yaml,json}', 'charts/postcheck/{files,templates}/*.{yaml,txt,tpl}'],
      false,
    ],
    ['messages', ['src/**/*.ts', 'packages/*/src/**/*.ts', 'packages/cli/page/*.tsx'], true],
  ])("in %s are those of Kubernetes' documentation", (_, patterns, onlyLiterals) => {
    const files = globSync(patterns, {
      exclude: ['**/node_modules/**', 'dist/**', '.cluster/**', '**/*.test.ts', '**/fixtures/**'],
    });
    expect(files.length).toBeGreaterThan(10);
    expect(
      files.flatMap((file) => {
        const text = readFileSync(file, 'utf8');
        return privateWords(file, onlyLiterals ? literals(text) : text);
      }),
    ).toEqual([]);
  });

  test.each([
    'What runs is proved',
    "const text = 'mend it, or retry';",
    'The attempt stands still',
    'after 3 rounds',
  ])('%j is found', (line) => {
    expect(privateWords('page', line)).toHaveLength(1);
    expect(literals("const version = 'before'; // mend it")).not.toContain('mend');
  });
});
