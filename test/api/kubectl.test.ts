/** What kubectl shows of an Upgrade by itself: explanations, columns, and selection by field. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { ROOT } from '../chart/render.ts';
import { type ApiServer, eventually, installCrd, startApiServer } from './api-server.ts';

interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node;
  readonly [keyword: string]: unknown;
}

const CRD = 'crds/postcheck.dev_upgrades.yaml';
const { openAPIV3Schema } = parse(readFileSync(join(ROOT, CRD), 'utf8')).spec.versions[0].schema as {
  openAPIV3Schema: Node;
};

function* nodes(path: string, node: Node): Generator<[string, Node]> {
  for (const [name, field] of Object.entries(node.properties ?? node.items?.properties ?? {})) {
    yield [`${path}.${name}`, field];
    yield* nodes(`${path}.${name}`, field);
  }
}
const FIELDS = [...nodes('upgrade', openAPIV3Schema)];

// Each test runs kubectl several times, which takes seconds where many others work.
jest.setTimeout(120_000);

let api: ApiServer;
const explain = (field: string) => api.kubectl(['explain', field]);

beforeAll(async () => {
  api = startApiServer();
  await installCrd(api);
  // The server tells of a new kind's fields a little later than it serves it.
  await eventually(() => explain('upgrade'), 60_000);
}, 120_000);
afterAll(() => api?.stop());

describe('kubectl explain', () => {
  test('has words for every field', () => {
    const silent = FIELDS.filter(([path, { description }]) => path !== 'upgrade.metadata' && !description);
    expect(silent.map(([path]) => path)).toEqual([]);
    expect(FIELDS.length).toBeGreaterThan(120);
    for (const path of ['upgrade', 'upgrade.spec', 'upgrade.spec.postCheck.checks', 'upgrade.status.pods']) {
      expect(explain(path)).not.toContain('<empty>');
    }
  });

  test.each([
    [
      'upgrade.spec.postCheck.periodSeconds',
      'Interval between two probe cycles of one pod, ±20 %. In a probe cycle each check runs once, in each of its containers. Defaults to 10.',
    ],
    ['upgrade.spec.targetRef.kind', 'enum: Deployment, StatefulSet, DaemonSet'],
    ['upgrade.spec.gate', 'Defaults to Auto.'],
    ['upgrade.spec.postCheck.checks.exitCodes', 'Defaults to [].'],
  ])('%s says: %s', (field, words) => {
    const text = explain(field).replace(/\n\s*/g, ' ');
    expect(`${text} ${explain(field.replace(/\.\w+$/, ''))}`).toContain(words);
  });

  test('every field with a default says it', () => {
    const wrong = FIELDS.filter(
      ([, { default: initial, type, description = '' }]) =>
        initial !== undefined && type !== 'object' && !/ Defaults to [^.]+\.$/.test(description),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });
});

test('every list says whom its entries belong to', () => {
  const lists = FIELDS.filter(([, { items }]) => items);
  expect(lists.filter(([, list]) => !list['x-kubernetes-list-type']).map(([path]) => path)).toEqual([]);
  expect(lists.length).toBeGreaterThan(10);
});

describe('kubectl get', () => {
  const status = {
    phase: 'FellBack',
    summary: '3/3',
    headline: 'Fell back from web=web:2 to web=web:1',
    message: 'Fell back from web=registry.example/web:2 to web=registry.example/web:1, and so on',
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'PostCheckFailed',
        message: 'x',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        observedGeneration: 1,
      },
    ],
  };

  beforeAll(() => {
    for (const name of ['web', 'api']) {
      const targetRef = { kind: 'Deployment', name };
      const spec = { targetRef, containers: [{ name: 'web', image: 'registry.example/web:2' }] };
      const upgrade = { apiVersion: 'postcheck.dev/v1alpha1', kind: 'Upgrade', metadata: { name }, spec };
      api.kubectl(['create', '-f', '-'], JSON.stringify(upgrade));
    }
    const patch = ['--type=merge', '--subresource=status', '-p', JSON.stringify({ status })];
    api.kubectl(['patch', 'upgrade', 'web', ...patch]);
  });

  test('shows what is upgraded, where it stands, whether that is good, why, and the headline', () => {
    const [head = '', row = ''] = api.kubectl(['get', 'upgrades', 'web']).split('\n');
    expect(head.trim().split(/\s{2,}/)).toEqual([
      'NAME',
      'KIND',
      'TARGET',
      'PHASE',
      'READY',
      'REASON',
      'PASSED',
      'AGE',
      'MESSAGE',
    ]);
    expect(row.trim().split(/\s{2,}/)).toEqual([
      'web',
      'Deployment',
      'web',
      'FellBack',
      'False',
      'PostCheckFailed',
      '3/3',
      expect.any(String),
      status.headline,
    ]);
  });

  test.each([
    ['status.phase=FellBack', ['web']],
    ['status.phase!=FellBack', ['api']],
    ['spec.targetRef.kind=Deployment', ['api', 'web']],
    ['spec.targetRef.name=api', ['api']],
  ])('--field-selector %s', (selector, names) => {
    const found = api.kubectl(['get', 'upgrades', '--field-selector', selector, '-o', 'name']);
    expect(found.trim().split('\n')).toEqual(names.map((name) => `upgrade.postcheck.dev/${name}`));
  });
});
