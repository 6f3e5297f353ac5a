/** The operator's rights against what it did, as the API server's audit log of the end-to-end tests tells. Runs after them. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { Api, type Json } from './support/api.ts';
import { OPERATOR_NAMESPACE, RELEASE } from './support/operator.ts';

const AUDIT_LOG = join(resolve(import.meta.dirname, '../..'), '.cluster/audit.log');
const ACCOUNT = `system:serviceaccount:${OPERATOR_NAMESPACE}:${RELEASE}`;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

/** Granted, and not to be seen in the log, with the reason. */
const UNSEEN: readonly (readonly [right: RegExp, why: string])[] = [
  [/^create pods\/exec$/, 'asked for within the GET that opens an exec, from Kubernetes 1.35 on'],
  [
    /^list /,
    'an API server that begins a watch with the list (1.34 and newer) is asked for the watch alone; an older one for both',
  ],
];

interface Request {
  readonly at: number;
  readonly right: string;
  /** By the rights. A 403 may as well mean that the namespace is on its way out. */
  readonly refused: boolean;
  readonly uri: string;
}

const rightOf = (verb: string, group: string, resource: string): string =>
  `${verb} ${resource}${group ? `.${group}` : ''}`;

const api = new Api();
const roles = async (): Promise<Json[]> => [
  await api.get(`${RBAC}/clusterroles/${RELEASE}-operator`),
  await api.get(`${RBAC}/clusterroles/${RELEASE}-cluster`),
  await api.get(`${RBAC}/namespaces/${OPERATOR_NAMESPACE}/roles/${RELEASE}-lease`),
];

/** `verb resource.group` of every rule. */
const granted = (role: Json): string[] =>
  role.rules.flatMap(({ apiGroups, resources, verbs }: Json) =>
    apiGroups.flatMap((group: string) =>
      resources.flatMap((resource: string) => verbs.map((verb: string) => rightOf(verb, group, resource))),
    ),
  );

/** When the rights were last changed: what was done before was done with others. */
const changedAt = (role: Json): number =>
  Math.max(...role.metadata.managedFields.map(({ time }: Json) => Date.parse(time)));

function requests(): Request[] {
  if (!existsSync(AUDIT_LOG)) {
    throw new Error(`needs the audit log of the test cluster, ${AUDIT_LOG}`);
  }
  return readFileSync(AUDIT_LOG, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"${ACCOUNT}"`))
    .map((line) => JSON.parse(line) as Json)
    .filter(({ user, objectRef }) => user.username === ACCOUNT && objectRef)
    .map(({ requestReceivedTimestamp, verb, objectRef, annotations, requestURI }) => ({
      at: Date.parse(requestReceivedTimestamp),
      right: rightOf(
        verb,
        objectRef.apiGroup ?? '',
        objectRef.subresource ? `${objectRef.resource}/${objectRef.subresource}` : objectRef.resource,
      ),
      refused: annotations?.['authorization.k8s.io/decision'] !== 'allow',
      uri: requestURI,
    }));
}

const byName = (names: Iterable<string>): string[] => [...new Set(names)].sort();

test('the operator used every right that its chart grants', async () => {
  const used = new Set(requests().map(({ right }) => right));

  const unused = byName((await roles()).flatMap(granted)).filter((right) => !used.has(right));

  expect(used.size).toBeGreaterThan(0);
  expect(unused.filter((right) => !UNSEEN.some(([known]) => known.test(right)))).toEqual([]);
});

test('the operator was refused nothing, and asked for nothing that its chart does not grant', async () => {
  const all = await roles();
  const since = Math.max(...all.map(changedAt));
  const rights = new Set(all.flatMap(granted));
  const seen = requests().filter(({ at }) => at > since);

  expect(seen.length).toBeGreaterThan(0);
  expect(seen.filter(({ refused }) => refused)).toEqual([]);
  // `helm test` borrows the operator's account, so what it asks for is among these too.
  expect(byName(seen.map(({ right }) => right)).filter((right) => !rights.has(right))).toEqual([]);
});
