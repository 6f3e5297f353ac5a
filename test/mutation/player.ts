/**
 * A process that plays mutants: it loads test files whose imports of the mutated files bring the text with all mutants in it, runs every
 * test once to see which mutants it reaches, and then, for one mutant after the other, the tests that reach it until one fails.
 */
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { type Collected, collect } from './collect.ts';

export interface Work {
  readonly texts: Readonly<Record<string, string>>;
  readonly testFiles: readonly string[];
  readonly mutants: readonly string[];
  /** A test that takes longer, in CPU time, is left out: each mutant that survives would run it. */
  readonly longestTestMs: number;
}

/** `unreached`: no test runs it. */
export type Verdict =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'survived' | 'unreached' };

export type PlayerMessage =
  | { readonly kind: 'ready'; readonly failing: readonly string[]; readonly tests: number }
  /** A test of this mutant, or all of a file: none of them takes long. */
  | { readonly kind: 'begun'; readonly mutant: string }
  | { readonly kind: 'done'; readonly mutant: string; readonly verdict: Verdict }
  | { readonly kind: 'end' };

type Hits = Readonly<Record<string, number>>;

/** What the text with the mutants reads and writes. */
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage: { static: Hits; perTest: Record<string, Hits> };
  hitCount?: number;
  hitLimit?: number;
}

interface Test extends Collected {
  readonly id: string;
  readonly file: string;
  ms: number;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COLLECT = new URL('collect.ts', import.meta.url).href;
/** A mutant that is reached so many times as often as without it goes round in circles. */
const CIRCLES = 100;
/** Each is a load of modules anew, which Node never forgets. */
const MOST_LOADS = 1000;

const control: Switch = { mutantCoverage: { static: {}, perTest: {} } };
Object.assign(globalThis, { __stryker__: control });
// The same cases for each mutant, and the first that fails is enough.
fc.configureGlobal({ seed: 1, endOnFailure: true });

const importers = new Map<string, Set<string>>();

/** Every module of the project is loaded anew for each load: its number is part of its address. */
function hook(texts: Work['texts']): void {
  const isOwn = (url: string): boolean =>
    url.startsWith(pathToFileURL(ROOT).href) && !url.includes('/node_modules/') && !url.startsWith(COLLECT);
  const stripped = new Map<string, string>();
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === '@jest/globals') {
        return { url: COLLECT, shortCircuit: true };
      }
      const found = next(specifier, context);
      const load = new URL(context.parentURL ?? 'file:///').searchParams.get('load');
      if (load === null || !isOwn(found.url)) {
        return found;
      }
      const [from, to] = [fileURLToPath(context.parentURL ?? ''), fileURLToPath(found.url)];
      importers.set(to, (importers.get(to) ?? new Set()).add(from));
      return { ...found, url: `${found.url}?load=${load}` };
    },
    load(url, context, next) {
      if (!url.startsWith('file:') || !isOwn(url)) {
        return next(url, context);
      }
      const path = fileURLToPath(url);
      const source =
        stripped.get(path) ??
        stripTypeScriptTypes(texts[path.slice(ROOT.length)] ?? readFileSync(path, 'utf8'));
      stripped.set(path, source);
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

let loads = 0;

const addressOf = (file: string, load: number): string =>
  `${pathToFileURL(join(ROOT, file)).href}?load=${load}`;

/** What a test file calls while it is loaded, such as for its tables, is told apart by this. */
const loadingOf = (file: string): string => `${file}: loading`;

/** Loads these modules first, whose own code runs only once, and then the tests. */
async function loadTests(
  files: readonly string[],
  modules: readonly string[] = [],
): Promise<readonly Test[]> {
  const load = ++loads;
  for (const file of modules) {
    await import(addressOf(file, load));
  }
  const tests: Test[] = [];
  for (const file of files) {
    control.currentTestId = loadingOf(file);
    const found = await collect(() => import(addressOf(file, load)));
    tests.push(...found.map(({ name, run }) => ({ name, run, file, ms: 0, id: `${file}: ${name}` })));
  }
  control.currentTestId = undefined;
  return tests;
}

async function passes(test: Test): Promise<boolean> {
  try {
    await test.run();
    return true;
  } catch {
    return false;
  }
}

/** CPU time of this thread: what else the machine does is no matter. */
const cpuMs = (): number => process.threadCpuUsage().user / 1000;

/** Runs each test without a mutant; returns those that fail so, too. */
async function measure(tests: readonly Test[]): Promise<readonly string[]> {
  const failing: string[] = [];
  for (const test of tests) {
    control.currentTestId = test.id;
    const began = cpuMs();
    if (!(await passes(test))) {
      failing.push(test.id);
    }
    test.ms = cpuMs() - began;
  }
  control.currentTestId = undefined;
  return failing;
}

/** The test files that load this file. */
function filesThatLoad(file: string, testFiles: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const all = [join(ROOT, file)];
  for (let next = all.pop(); next !== undefined; next = all.pop()) {
    if (!seen.has(next)) {
      seen.add(next);
      all.push(...(importers.get(next) ?? []));
    }
  }
  return testFiles.filter((one) => seen.has(join(ROOT, one)));
}

/** Its own tests, those beside it, all others. */
function nearestFirst(file: string, testFiles: readonly string[]): readonly string[] {
  const distance = (one: string): number =>
    one === file.replace('.ts', '.test.ts') ? 0 : dirname(one) === dirname(file) ? 1 : 2;
  return testFiles.toSorted((a, b) => distance(a) - distance(b));
}

const send = (message: PlayerMessage): void => void process.send?.(message);

class Player {
  readonly #work: Work;
  readonly #fileOf: ReadonlyMap<string, string>;
  #tests: readonly Test[] = [];
  #coverage: Switch['mutantCoverage'] = control.mutantCoverage;

  constructor(work: Work) {
    this.#work = work;
    this.#fileOf = new Map(
      Object.entries(work.texts).flatMap(([file, text]) =>
        [...text.matchAll(/stryMutAct_9fa48\("(\d+)"\)/g)].map(([, id = '']) => [id, file] as const),
      ),
    );
  }

  async prepare(): Promise<void> {
    const tests = await loadTests(this.#work.testFiles, Object.keys(this.#work.texts));
    const failing = await measure(tests);
    this.#tests = tests.filter(({ id, ms }) => !failing.includes(id) && ms < this.#work.longestTestMs);
    this.#coverage = structuredClone(control.mutantCoverage);
    send({ kind: 'ready', failing, tests: tests.length });
  }

  get isWorn(): boolean {
    return loads > MOST_LOADS;
  }

  /** What runs while a module is loaded is only seen by another load of it: by all tests, or by those whose own file runs it. */
  async play(mutant: string): Promise<Verdict> {
    const reaches = (id: string): boolean => this.#coverage.perTest[id]?.[mutant] !== undefined;
    const reaching = this.#tests.filter(({ id }) => reaches(id)).sort((a, b) => a.ms - b.ms);
    const isStatic = this.#coverage.static[mutant] !== undefined;
    const loading = this.#filesThatLoad(mutant).filter((file) => isStatic || reaches(loadingOf(file)));
    if (reaching.length === 0 && loading.length === 0) {
      return { kind: 'unreached' };
    }
    const hits = reaching.map(({ id }) => this.#coverage.perTest[id]?.[mutant] ?? 0);
    control.hitLimit = CIRCLES * Math.max(1000, ...hits);
    const killer = (await this.#first(mutant, reaching)) ?? (await this.#loaded(mutant, loading));
    return killer === undefined ? { kind: 'survived' } : { kind: 'killed', by: killer };
  }

  async #first(mutant: string, tests: readonly Test[], isAfresh = false): Promise<string | undefined> {
    control.activeMutant = mutant;
    try {
      for (const test of tests) {
        control.hitCount = 0;
        send({ kind: 'begun', mutant });
        if (!(await passes(test))) {
          control.activeMutant = undefined;
          // What fails without the mutant, too, has been spoilt by one before.
          return isAfresh || (await passes(test)) ? test.id : await this.#afresh(mutant, tests);
        }
      }
      return undefined;
    } finally {
      control.activeMutant = undefined;
    }
  }

  async #afresh(mutant: string, tests: readonly Test[]): Promise<string | undefined> {
    const ms = new Map(this.#tests.map((test) => [test.id, test.ms]));
    this.#tests = (await loadTests(this.#work.testFiles)).map((test) => ({
      ...test,
      ms: ms.get(test.id) ?? 0,
    }));
    const again = new Set(tests.map(({ id }) => id));
    return await this.#first(
      mutant,
      this.#tests.filter(({ id }) => again.has(id)),
      true,
    );
  }

  /** The test files that load the file of this mutant, its own first. */
  #filesThatLoad(mutant: string): readonly string[] {
    const file = this.#fileOf.get(mutant) ?? '';
    return nearestFirst(file, filesThatLoad(file, this.#work.testFiles));
  }

  async #loaded(mutant: string, testFiles: readonly string[]): Promise<string | undefined> {
    control.activeMutant = mutant;
    try {
      for (const testFile of testFiles) {
        control.hitCount = 0;
        send({ kind: 'begun', mutant });
        const killer = await this.#killerIn(testFile);
        if (killer !== undefined) {
          return killer;
        }
      }
      return undefined;
    } catch (error) {
      return `loading its tests: ${error}`;
    } finally {
      control.activeMutant = undefined;
    }
  }

  async #killerIn(file: string): Promise<string | undefined> {
    const good = new Set(this.#tests.map(({ id }) => id));
    for (const test of await loadTests([file])) {
      control.hitCount = 0;
      if (good.has(test.id) && !(await passes(test))) {
        return test.id;
      }
    }
    return undefined;
  }
}

// The parent has ended, so nobody receives more.
process.once('disconnect', () => process.exit());
process.once('message', async (work: Work) => {
  hook(work.texts);
  const player = new Player(work);
  await player.prepare();
  for (const mutant of work.mutants) {
    if (player.isWorn) {
      break;
    }
    send({ kind: 'done', mutant, verdict: await player.play(mutant) });
  }
  send({ kind: 'end' });
  process.disconnect();
});
