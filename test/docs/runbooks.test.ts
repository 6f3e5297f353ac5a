/** Who looks for a reason at night finds a page, and the page begins with the sentence that they see. */
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { REASONS, type Reason, type ReasonInfo, TERMINAL_REASONS } from '../../src/api/reasons.ts';
import type { Plan } from '../../src/core/decision/decide.ts';
import { SCENES } from './scenes.ts';

const FOLDER = 'docs/runbooks';
const INDEX = readFileSync(`${FOLDER}/README.md`, 'utf8');

interface Page {
  readonly name: string;
  readonly reasons: readonly string[];
  readonly text: string;
}

const pages: Page[] = globSync(`${FOLDER}/*.md`)
  .filter((path) => !path.endsWith('README.md'))
  .map((path) => {
    const text = readFileSync(path, 'utf8');
    return { name: basename(path, '.md'), reasons: (/^# (.+)$/m.exec(text)?.[1] ?? '').split(', '), text };
  });
/** Every reason with a page of its own, Kubernetes' too. */
const withPage: [reason: string, page: string][] = Object.entries<Partial<ReasonInfo>>({
  ...REASONS,
  ...TERMINAL_REASONS,
}).flatMap(([reason, { runbook }]) => (runbook ? [[reason, runbook]] : []));

interface Rule {
  readonly alert: string;
  readonly annotations: Readonly<Record<string, string>>;
}
const { groups } = parse(readFileSync('charts/postcheck/files/alerts.yaml', 'utf8')) as {
  groups: { rules: Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

/** What the user reads of it: a condition's own words, else the sentence. */
function said({ status }: Plan, reason: string): string {
  const own = status.conditions?.find(
    (condition) => condition.type === 'Gated' && (condition.reason as string) === reason,
  );
  return own?.message ?? status.message ?? '';
}

describe('runbooks', () => {
  test('every page is about an alert, or about exactly the reasons that name it', () => {
    const alerts = rules.map(({ alert }) => alert);
    const wanted = [...new Set(withPage.map(([, page]) => page))].map((page) => [
      page,
      withPage
        .filter(([, named]) => named === page)
        .map(([reason]) => reason)
        .sort(),
    ]);
    const found = pages
      .filter(({ name }) => !alerts.includes(name))
      .map(({ name, reasons }) => [name, [...reasons].sort()]);
    expect(new Map(found as [string, string[]][])).toEqual(new Map(wanted as [string, string[]][]));
  });

  test('every reason is given somewhere', () => {
    const code = globSync('src/{core,engine,kube}/**/*.ts')
      .filter((file) => !file.endsWith('.test.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    const words = Object.keys(REASONS) as Reason[];
    expect(words.filter((word) => !code.includes(`'${word}'`))).toEqual([]);
  });

  test.each(pages)(
    '$name is short, bears the name of its first reason, and says where to look, what to do, and why',
    ({ name, reasons, text }) => {
      expect(reasons[0]).toBe(name);
      expect(text.split('\n').length).toBeLessThanOrEqual(41);
      expect(text).toMatch(/\*\*Diagnose\*\*\n\n```sh\n[^`]+```[\s\S]*\*\*Fix\*\* [\s\S]*\*\*Cause\*\* /);
      expect(INDEX).toContain(`](${name}.md)`);
    },
  );

  test.each(Object.entries(SCENES))(
    'the page on %s begins with the sentence that is seen',
    (reason, scene) => {
      const plan = scene();
      const { text } = pages.find(({ reasons }) => reasons.includes(reason)) ?? { text: '' };
      const [, seen = ''] = /^# .+\n\n```\n([\s\S]*?)```/.exec(text) ?? [];
      expect(seen).toContain(said(plan, reason));
      expect(seen).toMatch(new RegExp(`^(${plan.status.phase}|Gated=False) `, 'm'));
      const named = plan.status.conditions?.map((condition) => condition.reason) ?? [];
      const ofPod =
        plan.status.message?.includes(reason) || plan.status.pods?.some((pod) => pod.reason === reason);
      expect((named as string[]).includes(reason) || plan.status.phase === reason || ofPod).toBe(true);
    },
  );

  test('every page shows a sentence that comes of the code', () => {
    const alerts = rules.map(({ alert }) => alert);
    const shown = pages.filter(({ reasons }) => reasons.some((reason) => SCENES[reason]));
    expect(
      pages.filter((page) => !shown.includes(page) && !alerts.includes(page.name)).map(({ name }) => name),
    ).toEqual([]);
  });

  test('every alert links to a page that is there', () => {
    const linked = rules.map(
      ({ annotations }) => /\/docs\/runbooks\/(\w+)\.md$/.exec(annotations.runbook_url ?? '')?.[1],
    );
    expect(linked.filter((name) => !pages.some((page) => page.name === name))).toEqual([]);
  });
});
