/**
 * The chart without Helm: what install.yaml and the Kustomize base of deploy/kustomize hold. The chart stays the one source.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Document, parseAllDocuments } from 'yaml';

const repository = dirname(import.meta.dirname);
/** Where everything is installed, unless an overlay says otherwise. */
export const NAMESPACE = 'postcheck-system';
const GATE_API = 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy';

const run = (command: string, args: readonly string[]): string =>
  execFileSync(join(repository, command), args, {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });

/** Helm of this project's own version, as the tests use it. */
export function helm(...args: string[]): string {
  run('test/cluster/build-tools.sh', ['helm']);
  return run('.cluster/bin/helm', args);
}

const newestKubernetes = (): string =>
  readdirSync(join(repository, 'test/cluster/kubernetes')).sort().at(-1) ?? '';

const isHelms = (name: string): boolean =>
  name.startsWith('helm.sh/') || name === 'app.kubernetes.io/managed-by';

/** What says that Helm manages an object would keep Helm, and whoever reads it, from taking it over later. */
function forgetHelm(object: Document.Parsed): void {
  const { metadata } = object.toJS() as { metadata: Record<string, unknown> };
  for (const kind of ['labels', 'annotations']) {
    for (const name of Object.keys(metadata[kind] ?? {}).filter(isHelms)) {
      object.deleteIn(['metadata', kind, name]);
    }
  }
}

const kindOf = (object: Document.Parsed): string => String(object.get('kind'));

/** Every object of the chart with its defaults and these flags. Hooks are Helm's alone: they are not among them. */
function objects(flags: readonly string[]): Document.Parsed[] {
  const text = helm(
    ...['template', 'postcheck', 'charts/postcheck', '--namespace', NAMESPACE, '--no-hooks'],
    ...['--set', 'uninstall.openGates=false'],
    ...['--kube-version', newestKubernetes(), '--api-versions', GATE_API, ...flags],
  );
  const found = (parseAllDocuments(text) as Document.Parsed[]).filter((document) => document.toJS() !== null);
  found.forEach(forgetHelm);
  return found;
}

const FORMAT = { lineWidth: 0, directives: false, flowCollectionPadding: false };

const textOf = (found: readonly Document.Parsed[]): string =>
  found
    .map((object) => `---\n${object.toString(FORMAT).trim()}\n`)
    .join('')
    .replaceAll(/^# Source: .*\n/gm, '');

const NAMESPACE_OBJECT = `---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${NAMESPACE}\n`;

/** What `kubectl apply -f` needs. */
export const installYaml = (...flags: string[]): string => NAMESPACE_OBJECT + textOf(objects(flags));

/** Lets release-please move the version here too, so that its pull request is not out of date at once. */
const markVersion = (text: string): string =>
  text.replaceAll(/^ *(?:app\.kubernetes\.io\/version|image): .*$/gm, '$& # x-release-please-version');

const GENERATED = '# Generated from charts/postcheck by scripts/generate.ts; do not edit.\n';

/** The files of deploy/kustomize that are generated, by their path. */
export function kustomizeFiles(crd: string): Record<string, string> {
  const all = objects([]);
  const write = (pick: (kind: string) => boolean): string =>
    GENERATED + markVersion(textOf(all.filter((object) => pick(kindOf(object)))));
  const isCrd = (kind: string) => kind === 'CustomResourceDefinition';
  const isGate = (kind: string) => kind.startsWith('MutatingAdmissionPolicy');
  return {
    'deploy/kustomize/base/crd.yaml': crd,
    'deploy/kustomize/base/operator.yaml': write((kind) => !isCrd(kind) && !isGate(kind)),
    'deploy/kustomize/gate/gate-policy.yaml': write(isGate),
  };
}
