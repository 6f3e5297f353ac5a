/** The Helm chart: what it refuses and what it renders. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { KubeObject } from '../api/api-server.ts';
import { CHART, GATE_API, helm, renderChart } from './render.ts';

const read = (path: string) => readFileSync(join(CHART, path), 'utf8');
const ofKind = (objects: readonly KubeObject[], kind: string) =>
  objects.filter((object) => object.kind === kind);

/** `a.b.c` → value, down to scalars, lists and empty maps. */
function flatten(value: unknown, path = ''): [string, unknown][] {
  const isBranch =
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  if (!isBranch || path === 'metrics.dashboard.labels') {
    return [[path, value]];
  }
  return Object.entries(value).flatMap(([key, child]) => flatten(child, path ? `${path}.${key}` : key));
}

describe('values', () => {
  test('README.md lists every value with its default', () => {
    const rows = [...read('README.md').matchAll(/^\| `([\w.]+)` \| `([^`]+)` \|/gm)].map(
      ([, name, initial]) => [name, JSON.parse(initial ?? '')],
    );
    expect(rows).toEqual(flatten(parse(read('values.yaml'))));
  });

  test.each([
    ['a misspelled value', 'replica=3', /replica/],
    ['a misspelled value further down', 'gatePolicy.enabled=false', /enabled/],
    ['too many replicas', 'replicas=11', /replicas/],
    ['a text for a number', 'maxExecs=many', /maxExecs/],
    ['no exec at all', 'maxExecsPerNode=0', /maxExecsPerNode/],
    ['an unknown log level', 'logLevel=trace', /logLevel/],
    ['a namespace that cannot be', 'watchNamespaces={Shop}', /watchNamespaces/],
    ['a privileged port', 'metrics.port=80', /port/],
    ['a digest that is none', 'image.digest=latest', /digest/],
  ])('%s is refused and named', (_, value, message) => {
    expect(() => renderChart(['--set', value])).toThrow(message);
  });

  test('helm lint finds nothing', () => {
    expect(helm(['lint', '--strict', CHART])).toMatch('0 chart(s) failed');
  });
});

describe('what is rendered', () => {
  test('version and image of chart and project are the same', () => {
    const { version } = JSON.parse(readFileSync(join(CHART, '../../package.json'), 'utf8'));
    expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version });
  });

  test('the gate policy only where the cluster serves it, where it is wanted, and under the name that the operator is told', () => {
    const policies = (args: string[]) =>
      renderChart(args).filter(({ kind }) => kind.startsWith('MutatingAdmissionPolicy'));
    expect(policies([])).toEqual([]);
    expect(policies(['--api-versions', GATE_API, '--set', 'gatePolicy.create=false'])).toEqual([]);
    const named = ['--api-versions', GATE_API, '--set', 'gatePolicy.name=shop-gate'];
    expect(policies(named).map(({ metadata }) => metadata.name)).toEqual(['shop-gate', 'shop-gate']);
    expect(JSON.stringify(ofKind(renderChart(named), 'Deployment'))).toContain(
      '--gate-policy-name=shop-gate',
    );
    expect(JSON.stringify(ofKind(renderChart(named), 'Job'))).toContain('--gate-policy-name=shop-gate');
  });

  test('with watchNamespaces nothing is bound in the whole cluster but reading the one binding, and only these namespaces are gated', () => {
    const objects = renderChart(['--api-versions', GATE_API, '--set', 'watchNamespaces={shop,bank}']);
    const bound = ofKind(objects, 'ClusterRoleBinding').map(
      (binding) => (binding.roleRef as { name: string }).name,
    );
    expect(bound.sort()).toEqual(['postcheck-cluster', 'postcheck-uninstall']);
    const rules = ofKind(objects, 'ClusterRole')
      .filter(({ metadata }) => bound.includes(metadata.name))
      .flatMap(({ rules }) => rules as { resources: string[] }[]);
    expect(new Set(rules.flatMap(({ resources }) => resources))).toEqual(
      new Set(['mutatingadmissionpolicybindings']),
    );
    const [binding] = ofKind(objects, 'MutatingAdmissionPolicyBinding');
    expect(JSON.stringify(binding?.spec)).toContain('"values":["shop","bank"]');
    expect(JSON.stringify(ofKind(objects, 'Deployment'))).toContain('--watch-namespaces=shop,bank');
    expect(JSON.stringify(ofKind(objects, 'Job'))).toContain('--watch-namespaces=shop,bank');
  });

  test('health is on a port of its own, and each port has the flag that opens it', () => {
    const [deployment] = ofKind(
      renderChart(['--set', 'health.port=9001,metrics.port=9002,metrics.maxUpgrades=5']),
      'Deployment',
    );
    const text = JSON.stringify(deployment);
    expect(text).toContain('"--health-probe-bind-address=:9001"');
    expect(text).toContain('"--metrics-bind-address=:9002"');
    expect(text).toContain('"--metrics-max-upgrades=5"');
    expect(text.match(/"path":"\/(healthz|readyz)","port":"health"/g)).toHaveLength(3);
  });

  test('secured metrics: flags, the mounted Secret, the right to ask, and the scrape that shows a token', () => {
    const secured = (...args: string[]) =>
      renderChart(['--set', 'metrics.secure.enabled=true,metrics.serviceMonitor.enabled=true', ...args]);
    expect(() => secured()).toThrow(/metrics.secure.secretName/);
    const objects = secured('--set', 'metrics.secure.secretName=certs');
    expect(JSON.stringify(ofKind(objects, 'Deployment'))).toMatch(
      /--metrics-secure.*--metrics-cert-path=\/etc\/postcheck\/metrics.*"secretName":"certs"/,
    );
    expect(ofKind(objects, 'ClusterRole').map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining(['postcheck-metrics-auth', 'postcheck-metrics-reader']),
    );
    const [monitor] = ofKind(objects, 'ServiceMonitor');
    expect(monitor).toMatchObject({
      spec: { endpoints: [{ scheme: 'https', tlsConfig: { ca: { secret: { name: 'certs' } } } }] },
    });
    expect(JSON.stringify(renderChart())).not.toContain('tokenreviews');
  });

  test('the notes say when pods are not gated', () => {
    const install = ['install', 'postcheck', CHART, '--dry-run=client'];
    expect(helm(install)).toMatch(/NOT GATED: this cluster does not serve MutatingAdmissionPolicy/);
    expect(helm([...install, '--set', 'gatePolicy.create=false'])).toMatch(
      /NOT GATED: gatePolicy.create is false/,
    );
  });

  test('the notes say when nobody asks for the rights of authors', () => {
    const install = ['install', 'postcheck', CHART, '--dry-run=client'];
    expect(helm(install)).toMatch(/Who writes an Upgrade must be allowed to patch its target/);
    expect(helm([...install, '--set', 'authorPolicy.create=false'])).toMatch(
      /NOBODY IS ASKED: authorPolicy.create is false/,
    );
  });

  test('SECURITY.md lists exactly the rights of the operator', () => {
    interface Rule {
      readonly resources: readonly string[];
      readonly verbs: readonly string[];
    }
    const granted = renderChart()
      .filter(
        ({ kind, metadata }) =>
          /Role$/.test(kind) && /^postcheck-(operator|cluster|lease)$/.test(metadata.name),
      )
      .flatMap(({ rules }) => rules as Rule[])
      .flatMap(({ resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
      );
    const rows = readFileSync(join(CHART, '../../SECURITY.md'), 'utf8').matchAll(
      /^\| (`.+?) \| ([^|]+) \|[^|]+\|$/gm,
    );
    const listed = [...rows].flatMap(([, resources = '', verbs = '']) =>
      [...resources.matchAll(/`([^`]+)`/g)].flatMap(([, resource]) =>
        [...verbs.matchAll(/\b(get|list|watch|create|patch|update|delete)\b/g)].map(
          ([verb]) => `${verb} ${resource}`,
        ),
      ),
    );
    expect(listed.sort()).toEqual(granted.sort());
  });

  test('no role reaches for Secrets, wildcards or the right to escalate', () => {
    const roles = renderChart(['--api-versions', GATE_API]).filter(({ kind }) => /Role$/.test(kind));
    const rules = roles.flatMap(
      ({ rules }) => rules as { apiGroups: string[]; resources: string[]; verbs: string[] }[],
    );
    const words = rules.flatMap((rule) => [...rule.apiGroups, ...rule.resources, ...rule.verbs]);
    expect(words.filter((word) => /\*|secrets|configmaps|escalate|impersonate|^bind$/.test(word))).toEqual(
      [],
    );
    expect(rules.length).toBeGreaterThan(10);
  });
});
