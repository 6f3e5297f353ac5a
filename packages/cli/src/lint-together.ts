/** Finds what is wrong with Upgrades taken together, each of which may be right by itself. Pure. */
import type { Dependent } from '../../../src/core/decision/dependencies.ts';
import { at, list, type Raw, text } from '../../../src/kube/client/json.ts';
import type { Finding, Linted } from './lint.ts';
import { cycleThrough } from './lint-effects.ts';

export type InFile = Linted & { readonly file: string };
export type Report = (level: Finding['level'], path: string, message: string) => Finding;

export const reportOf =
  ({ file, lineOf }: InFile): Report =>
  (level, path, message) => ({ file, line: lineOf(path), path, message, level });

const nameOf = ({ manifest }: InFile): string => text(at(manifest, 'metadata', 'name'));
const namespaceOf = ({ manifest }: InFile): string => text(at(manifest, 'metadata', 'namespace'));

/** Such as `Deployment web`; empty if it is not written. */
function targetOf({ manifest }: InFile): string {
  const [kind, name] = ['kind', 'name'].map((field) => text(at(manifest, 'spec', 'targetRef', field)));
  return kind && name ? `${kind} ${name}` : '';
}

/** The Upgrades of the files in the same namespace. */
export const companions = (one: InFile, all: readonly InFile[]): Dependent[] =>
  all.filter((other) => namespaceOf(other) === namespaceOf(one)).map(({ manifest }) => dependentOf(manifest));

/** What is named of a manifest that may be invalid. */
const dependentOf = (manifest: Raw): Dependent => ({
  metadata: { name: text(at(manifest, 'metadata', 'name')) },
  spec: {
    dependsOn: list(at(manifest, 'spec', 'dependsOn')).map((one) => ({ name: text(at(one, 'name')) })),
  },
});

/** Finds Upgrades that wait for each other, that are there twice, and that have the same target. */
export const findingsTogether = (all: readonly InFile[]): Finding[] =>
  all.flatMap((one, index) => [
    ...cycleThrough(dependentOf(one.manifest), companions(one, all)).map(([path, message]) =>
      reportOf(one)('error', path, message),
    ),
    ...rivalFindings(one, all.slice(0, index)),
  ]);

/** A later Upgrade is compared with those before it, so that a pair is reported once. */
function rivalFindings(one: InFile, before: readonly InFile[]): Finding[] {
  const beside = before.filter((other) => namespaceOf(other) === namespaceOf(one));
  const [name, target] = [nameOf(one), targetOf(one)];
  const same = beside.find((other) => name !== '' && nameOf(other) === name);
  if (same) {
    const message = `is Upgrade ${name} again, after ${placeOf(same)}: of two with one name, the cluster keeps what is applied last`;
    return [reportOf(one)(levelOf(one, same), 'metadata.name', message)];
  }
  const rival = beside.find((other) => target !== '' && targetOf(other) === target);
  return rival
    ? [
        reportOf(one)(
          levelOf(one, rival),
          'spec.targetRef',
          `${target} is the target of Upgrade ${nameOf(rival)} in ${placeOf(rival)} too, and only one of them would act: delete one of the two`,
        ),
      ]
    : [];
}

const placeOf = ({ file, lineOf }: InFile): string => `${file}:${lineOf('metadata.name')}`;

/** Files without a namespace may be for different ones: then it is only probable. */
const levelOf = (one: InFile, other: InFile): Finding['level'] =>
  one.file === other.file || namespaceOf(one) !== '' ? 'error' : 'warning';
