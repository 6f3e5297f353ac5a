/** lint says offline what the API server would say; test/api/validation asks the API server the same rules. */
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { lintText } from '../src/lint.ts';
import { lint } from '../src/verbs/lint.ts';
import { fakeIo } from './io.ts';

const manifest = (spec: string): string => `apiVersion: postcheck.dev/v1alpha1
kind: Upgrade
metadata: {name: web, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  containers:
  - {name: web, image: registry.example/web:2.0}
${spec}`;
const said = (text: string): string[] =>
  lintText('up.yaml', text).findings.map(({ line, path, message }) => `${line} ${path}: ${message}`);

describe('lint', () => {
  test.each(globSync('examples/**/upgrade.yaml'))('finds nothing in %s', (path) => {
    const { upgrades, findings } = lintText(path, readFileSync(path, 'utf8'));
    expect(findings).toEqual([]);
    expect(upgrades.length).toBeGreaterThan(0);
  });

  test('finds fields that do not exist, with the one that is meant, at their line', () => {
    expect(said(manifest('  postCheck:\n    perodSeconds: 5\n'))).toEqual([
      '9 spec.postCheck.perodSeconds: unknown field; did you mean periodSeconds?',
    ]);
  });

  test('finds wrong types and values', () => {
    expect(said(manifest('  gate: Sometimes\n  historyLimit: "3"\n'))).toEqual([
      expect.stringMatching(/^8 spec\.gate: /),
      expect.stringMatching(/^9 spec\.historyLimit: must be integer/),
    ]);
  });

  test.each([
    ['  postCheck: {readiness: {required: false}, checks: []}\n', '8 spec.postCheck: nothing would be'],
    [
      '  postCheck:\n    readiness: {minReadySeconds: 600}\n    deadlineSeconds: 600\n',
      '10 spec.postCheck.deadlineSeconds: no pod could pass in time',
    ],
    [
      '  postCheck: {successThreshold: 3, deadlineSeconds: 20}\n',
      'spec.postCheck.deadlineSeconds: no pod could pass in time',
    ],
    [
      '  postCheck: {successThreshold: 3}\n  fallback: {deadlineSeconds: 20}\n',
      'spec.fallback.deadlineSeconds: no reverted pod could pass in time',
    ],
    ['  progressDeadlineSeconds: 60\n', 'spec: progressDeadlineSeconds must be larger'],
    [
      '  postCheck: {checks: [{name: a}]}\n',
      'spec.postCheck.checks[0]: a check must have exactly one handler',
    ],
    [
      '  postCheck: {checks: [{name: a, exec: {command: [x]}, exitCodes: [{codes: "3-9", class: Fail}, {codes: "5", class: Skip}]}]}\n',
      'spec.postCheck.checks[0].exitCodes: exitCodes must not overlap',
    ],
    [
      '  postCheck: {checks: [{name: a, exec: {command: [x]}, exitCodes: [{codes: "9-3", class: Fail}]}]}\n',
      'spec.postCheck.checks[0].exitCodes[0]: codes must be between 0 and 255',
    ],
    [
      '  postCheck: {checks: [{name: a, tcpSocket: {port: 99999}}]}\n',
      'spec.postCheck.checks[0].tcpSocket.port: ',
    ],
  ])('asks the rules of the CRD: %j', (spec, message) => {
    expect(said(manifest(spec)).join('\n')).toContain(message);
  });

  test('finds entries that the API server considers duplicates', () => {
    const twice = manifest('  dependsOn: [{name: db}, {name: db}]\n').replace(
      '/web:2.0}\n',
      '/web:2.0}\n  - {name: web, image: x:1}\n',
    );
    expect(said(twice)).toEqual([
      '8 spec.containers[1]: another entry of spec.containers has the same name',
      '9 spec.dependsOn[1]: another entry of spec.dependsOn has the same name',
    ]);
    const check = '{name: a, exec: {command: [x]}, containers: [web, web]}';
    expect(said(manifest(`  postCheck: {checks: [${check}]}\n`))).toEqual([
      '8 spec.postCheck.checks[0].containers[1]: another entry of spec.postCheck.checks[0].containers has the same value',
    ]);
  });

  test.each([
    ['kind: Upgrade', 'kind: Upgade', '2 kind: must be Upgrade'],
    ['v1alpha1', 'v1beta1', '1 apiVersion: must be postcheck.dev/v1alpha1'],
    [
      'kind: Deployment',
      'kind: Deploy',
      '5 spec.targetRef.kind: must be Deployment or StatefulSet or DaemonSet',
    ],
  ])('of %s as %s names what is allowed', (right, wrong, message) => {
    expect(said(manifest('').replace(right, wrong))).toEqual([message]);
  });

  test('warns about what the API server accepts but has no effect', () => {
    const slow = '  postCheck: {failureThreshold: 5, periodSeconds: 60, deadlineSeconds: 20}\n';
    const typo = manifest(slow).replace(
      'shop}',
      "shop, annotations: {postcheck.dev/aprove: '1/a', other: x}}",
    );
    expect(lintText('up.yaml', typo).findings.map(({ level, message }) => [level, message])).toEqual([
      ['warning', 'postcheck reads no such annotation; did you mean postcheck.dev/approve?'],
      ['warning', 'has no effect: the deadline of 20s comes before 5 rounds that are 60s apart'],
    ]);
  });

  test('reports each mistake once', () => {
    expect(said(`kind: Upgrade\nspec: [a] b c d\n e f g h\n i j [k] l m\n`).length).toBeLessThan(3);
    const prose = said('a: "b" these are words that nobody meant as YAML\n'.repeat(9));
    expect(prose).toEqual([...new Set(prose)]);
    expect(new Set(prose.map((line) => line.replace(/^\d+ /, ''))).size).toBe(prose.length);
  });

  test.each(['', 'kind: Service\n'])('reports a file without an Upgrade: %j', async (text) => {
    const io = { ...fakeIo(), input: async () => text };
    await expect(lint(io, { filename: ['-'] })).rejects.toThrow(
      text === '' ? 'no Upgrade in stdin, which is empty' : 'no Upgrade in stdin',
    );
  });

  test('ignores other objects, and reports the line at which a file is not YAML', () => {
    expect(lintText('a.yaml', 'kind: Service\n')).toEqual({ upgrades: [], findings: [] });
    expect(said('kind: Upgrade\nspec: "open\n')).toEqual([expect.stringMatching(/^\d+ : .*quote/)]);
  });
});
