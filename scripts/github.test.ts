/** What .github says of the rest of the repository. That its workflows are workflows is actionlint's to say, in `make check`. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const repository = dirname(import.meta.dirname);
const read = (path: string) => parse(readFileSync(join(repository, path), 'utf8'));

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface Job {
  readonly steps?: readonly Step[];
}

test('every Go module is kept up to date, but for Kubernetes itself', () => {
  const { updates } = read('.github/dependabot.yml') as {
    updates: { 'package-ecosystem': string; directories?: string[] }[];
  };
  const watched = updates.find((update) => update['package-ecosystem'] === 'gomod')?.directories ?? [];
  const modules = globSync('test/**/go.mod', { cwd: repository, exclude: (name) => name === 'node_modules' })
    .map((path) => `/${dirname(path)}`)
    .filter((path) => !path.startsWith('/test/cluster/kubernetes/'));
  expect(watched.toSorted()).toEqual(modules.toSorted());
});

test('every job that runs a target of the Makefile has the Node and the Go that it takes', () => {
  const jobs = globSync('.github/workflows/*.yml', { cwd: repository }).flatMap((file) =>
    Object.entries((read(file) as { jobs: Record<string, Job> }).jobs).map(([name, { steps = [] }]) => ({
      name: `${file} ${name}`,
      runs: steps.some(({ run }) => /\bmake |\.ci\/run/.test(run ?? '')),
      has: ['setup-node', 'setup-go'].filter((action) => steps.some(({ uses }) => uses?.includes(action))),
    })),
  );
  const targets = jobs.filter(({ runs }) => runs);
  expect(targets.length).toBeGreaterThan(4);
  expect(targets.filter(({ has }) => has.length < 2)).toEqual([]);
});

test('the issue forms are forms, and that of a bug asks for the sentence and for the bundle', () => {
  interface Form {
    readonly name: string;
    readonly description: string;
    readonly body: readonly { readonly type: string; readonly id?: string; readonly attributes: object }[];
  }
  for (const file of globSync('.github/ISSUE_TEMPLATE/!(config).yml', { cwd: repository })) {
    const { name, description, body } = read(file) as Form;
    expect([typeof name, typeof description]).toEqual(['string', 'string']);
    for (const { type, attributes } of body) {
      expect(['markdown', 'textarea', 'input', 'dropdown', 'checkboxes']).toContain(type);
      expect(Object.keys(attributes)).toContain(type === 'markdown' ? 'value' : 'label');
    }
  }
  const { body } = read('.github/ISSUE_TEMPLATE/bug.yml') as Form;
  expect(body.map(({ id }) => id)).toEqual(expect.arrayContaining(['sentence', 'bundle']));
  expect(JSON.stringify(body)).toContain('kubectl postcheck bundle');
});
