/** What the workflows in .github must not get wrong silently; their syntax is actionlint's (`make check`). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly 'timeout-minutes'?: number;
  readonly needs?: string | readonly string[];
  readonly uses?: string;
  readonly steps?: readonly Step[];
  readonly strategy?: { readonly 'fail-fast'?: boolean; readonly matrix: Readonly<Record<string, string[]>> };
}

interface Workflow {
  readonly name: string;
  readonly permissions: unknown;
  readonly env?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const texts = readdirSync(join(ROOT, '.github/workflows')).map((file) => read(`.github/workflows/${file}`));
const workflows = texts.map((text) => parse(text) as Workflow);
const workflow = (name: string): Workflow => workflows.find((one) => one.name === name) as Workflow;
const jobs = workflows.flatMap(({ name, jobs }) =>
  Object.entries(jobs).map(([id, job]) => ({ name: `${name}/${id}`, job })),
);
const steps = jobs.flatMap(({ name, job }) => (job.steps ?? []).map((step) => ({ name, step })));
const valuesOfChart = parse(read('charts/postcheck/values.yaml')) as { image: { repository: string } };
const folders = (path: string): string[] =>
  readdirSync(join(ROOT, path), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? entry.name : [],
  );

describe('every workflow', () => {
  test.each(workflows.map((one) => [one.name, one] as const))(
    '%s may only read unless a job says more',
    (_, one) => {
      expect(one.permissions).toEqual({ contents: 'read' });
    },
  );

  test.each(jobs.map(({ name, job }) => [name, job] as const))('%s ends at some time', (_, job) => {
    expect(job.uses !== undefined || (job['timeout-minutes'] ?? 0) > 0).toBe(true);
  });

  test('takes actions by commit with their version beside it, or by a published tag', () => {
    const uses = texts.flatMap((text) => [...text.matchAll(/uses: (.*)$/gm)].map(([, use]) => use ?? ''));
    const known = /^(\.\/.*|[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|[\w/-]+@v\d+)$/;
    expect(uses.length).toBeGreaterThan(20);
    expect(uses.filter((use) => !known.test(use))).toEqual([]);
  });

  test('takes one commit of each action', () => {
    const byAction = new Map<string, Set<string>>();
    for (const { step } of steps) {
      const [action = '', commit = ''] = step.uses?.split('@') ?? [];
      byAction.set(action, (byAction.get(action) ?? new Set()).add(commit));
    }
    expect([...byAction].filter(([, commits]) => commits.size > 1)).toEqual([]);
  });

  test('leaves no token in the checkout', () => {
    const careless = steps.filter(
      ({ step }) =>
        step.uses?.startsWith('actions/checkout@') && step.with?.['persist-credentials'] !== false,
    );
    expect(careless.map(({ name }) => name)).toEqual([]);
  });

  test('runs targets and scripts that there are', () => {
    const commands = steps.map(({ step }) => step.run ?? '').join('\n');
    const targets = [...commands.matchAll(/\bmake ([a-z-]+)/g), ...commands.matchAll(/\.ci\/run ([a-z-]+)/g)];
    const makefile = read('Makefile');
    expect(targets.length).toBeGreaterThan(3);
    expect(targets.map(([, target]) => target).filter((one) => !makefile.includes(`\n${one}: `))).toEqual([]);
    const scripts = [...commands.matchAll(/\bnode (\S+\.ts)/g)].map(([, path]) => path ?? '');
    expect(scripts.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

test('the cluster job keeps the tools of the version that it runs on', () => {
  const [, version] = /^kubernetes=.*\|\| echo (\S+)\)\}$/m.exec(read('test/cluster/lib/common.sh')) ?? [];
  const cache = workflow('ci').jobs['cluster']?.steps?.find(({ uses }) => uses?.startsWith('actions/cache@'));
  expect(cache?.with?.['key']).toContain(`test/cluster/kubernetes/${version}/go.sum`);
});

test('the nightly matrix has every version that the test cluster knows, and one failure does not hide the others', () => {
  const { matrix, 'fail-fast': failFast } = workflow('nightly').jobs['matrix']?.strategy ?? { matrix: {} };
  expect(matrix['kubernetes']).toEqual(folders('test/cluster/kubernetes'));
  expect(failFast).toBe(false);
});

test('a release is of the image and the version that the chart names', () => {
  expect(workflow('release').env?.['IMAGE']).toBe(valuesOfChart.image.repository);
  const build = workflow('release').jobs['image']?.steps?.find(({ uses }) =>
    uses?.includes('build-push-action'),
  );
  expect(build?.with?.['tags']).toMatch(/^\$\{\{ env\.IMAGE \}\}:\$\{\{ needs\.plan\.outputs\.version \}\}$/);
});

test('a release is built on digests, of every base that the Dockerfile names by tag', () => {
  const bases = [...read('Dockerfile').matchAll(/^ARG (\w+_IMAGE)=/gm)].map(([, name]) => name);
  const found = workflow('release').jobs['image']?.steps ?? [];
  const build = found.find(({ uses }) => uses?.includes('build-push-action'));
  expect(bases).toHaveLength(2);
  for (const base of bases) {
    expect(build?.with?.['build-args']).toContain(`${base}=\${{ steps.bases.outputs.${base} }}`);
    expect(found.find(({ run }) => run?.includes('imagetools inspect'))?.run).toContain(base);
  }
});

test('workflows, devcontainer, image and package have the same Node and Go', () => {
  const texts = [
    ...readdirSync(join(ROOT, '.github/workflows')).map((file) => `.github/workflows/${file}`),
  ].map(read);
  const all = [...texts, read('Dockerfile'), read('.devcontainer/Dockerfile')].join('\n');
  const of = (pattern: RegExp) => [...new Set([...all.matchAll(pattern)].map(([, version]) => version))];
  const [node] = (JSON.parse(read('package.json')).devDependencies.node as string).split('.');
  expect(of(/(?:node-version: |node:|nodejs)(\d+)/g)).toEqual([node]);
  expect(of(/(?:go-version: "|golang:)(\d+\.\d+)/g)).toEqual([
    /^go (\d+\.\d+)/m.exec(read('test/actionlint/go.mod'))?.[1],
  ]);
});

test('release-please moves every place that names the version', () => {
  const { packages } = JSON.parse(read('release-please-config.json'));
  expect(packages['.']).toMatchObject({ draft: true, 'force-tag-creation': true });
  const extra = packages['.']['extra-files'] as { type: string; path: string }[];
  for (const { path, type } of extra) {
    expect(existsSync(join(ROOT, path))).toBe(true);
    const lines = read(path)
      .split('\n')
      .filter((line) => /^(version|appVersion):|^ *(app.kubernetes.io\/version|image):/.test(line));
    expect(
      lines.filter((line) => type === 'generic' && !line.endsWith('# x-release-please-version')),
    ).toEqual([]);
  }
});

test('nothing of a release is made before all tests have passed, and it is published last', () => {
  const { image, cli, publish } = workflow('release').jobs;
  for (const job of [image, cli]) {
    expect(job?.needs).toEqual(['plan', 'test']);
  }
  expect(publish?.needs).toEqual(['plan', 'image', 'cli']);
  expect(publish?.steps?.at(-1)?.run).toContain('--draft=false');
});
