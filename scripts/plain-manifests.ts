/**
 * The chart without Helm: what install.yaml and the Kustomize base of deploy/kustomize hold. The chart stays the one source.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Document, parseAllDocuments, stringify } from 'yaml';

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
const nameOf = (object: Document.Parsed): string => String(object.getIn(['metadata', 'name']));

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

const WEBHOOK = 'deploy/kustomize/gate-webhook';
const GENERATED = '# Generated from charts/postcheck by scripts/generate.ts; do not edit.\n';

type Json = null | string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

/** A JSON patch that adds what `wanted` has at the end of lists. Throws where they differ in anything else. */
export function appended(base: Json, wanted: Json, path = ''): object[] {
  if (Array.isArray(base) && Array.isArray(wanted)) {
    const inside = base.flatMap((item, index) => appended(item, wanted[index] ?? null, `${path}/${index}`));
    const added = wanted.slice(base.length).map((value) => ({ op: 'add', path: `${path}/-`, value }));
    return [...inside, ...added];
  }
  if (isMap(base) && isMap(wanted) && isDeepStrictEqual(Object.keys(base), Object.keys(wanted))) {
    return Object.keys(base).flatMap((name) =>
      appended(base[name] ?? null, wanted[name] ?? null, `${path}/${name}`),
    );
  }
  if (base !== wanted) {
    throw new Error(`${path} differs: ${JSON.stringify(base)}, ${JSON.stringify(wanted)}`);
  }
  return [];
}

const isMap = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const patchText = (patch: readonly object[]): string => GENERATED + stringify(patch, { lineWidth: 0 });

/** What the webhook takes beyond the base: objects of its own, and more in two of the base's. */
function webhookFiles(base: readonly Document.Parsed[]): Record<string, string> {
  const wanted = objects(['--set', 'gate.carrier=Webhook']);
  const inBase = (kind: string, name: string) =>
    base.find((object) => kindOf(object) === kind && nameOf(object) === name);
  const added = wanted.filter((object) => !inBase(kindOf(object), nameOf(object)));
  const patches = wanted.flatMap((object) => {
    const before = inBase(kindOf(object), nameOf(object));
    const patch = before ? appended(before.toJS() as Json, object.toJS() as Json) : [];
    return patch.length > 0
      ? [[`${WEBHOOK}/${kindOf(object).toLowerCase()}-patch.yaml`, patchText(patch)]]
      : [];
  });
  return {
    [`${WEBHOOK}/gate-webhook.yaml`]: GENERATED + markVersion(textOf(added)),
    ...Object.fromEntries(patches),
  };
}

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
    ...webhookFiles(all),
  };
}
