/**
 * What the checks of an Upgrade mean must not depend on how it gets into the cluster. The same sequences of manifests are applied
 * client-side, server-side, and as Flux and Argo CD do; after each step the cluster must hold what the manifest says, and nothing else.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { effectiveChecks } from '../../src/api/checks.ts';
import type { UpgradeSpec } from '../../src/api/types.ts';
import { type ApiServer, installCrd, startApiServer } from './api-server.ts';

type Checks = readonly object[] | undefined;
type Applier = (manifest: object) => void;

const PORT = { name: 'port', tcpSocket: { port: 8080 } };
const SCRIPT = { name: 'readiness-probe', exec: { command: ['/usr/bin/readiness_probe.sh'] } };
const OTHER_SCRIPT = { name: 'readiness-probe', exec: { command: ['/other.sh'] }, timeoutSeconds: 3 };

// Each test runs kubectl several times, which takes seconds where many others work.
jest.setTimeout(120_000);

let api: ApiServer;
let count = 0;

const manifestOf = (name: string, checks: Checks) => ({
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  metadata: { name, namespace: 'default' },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    containers: [{ name: 'web', image: 'web:2' }],
    ...(checks && { postCheck: { checks } }),
  },
});

const run = (args: readonly string[], manifest: object) => void api.kubectl(args, JSON.stringify(manifest));
const serverSide = (manager: string) => ['apply', '--server-side', `--field-manager=${manager}`, '-f', '-'];

/** Each way as its tool's documentation describes the request. */
const APPLIERS: Readonly<Record<string, Applier>> = {
  'kubectl apply': (manifest) => run(['apply', '-f', '-'], manifest),
  'kubectl apply --server-side': (manifest) => run(serverSide('kubectl'), manifest),
  'Flux: a forced server-side apply after a dry run of the same': (manifest) => {
    const flux = [...serverSide('kustomize-controller'), '--force-conflicts'];
    run([...flux, '--dry-run=server'], manifest);
    run(flux, manifest);
  },
  'Argo CD with ServerSideApply=true': (manifest) =>
    run([...serverSide('argocd-controller'), '--force-conflicts'], manifest),
  'Argo CD without it: a client-side apply': (manifest) =>
    run(['apply', '--field-manager=argocd-controller', '-f', '-'], manifest),
};

/** Names and ways of asking, as the operator sees the stored Upgrade. */
function asked(name: string): string[] {
  const { spec } = api.json<{ spec: UpgradeSpec }>(['get', 'upgrade', name]) as { spec: UpgradeSpec };
  return effectiveChecks(spec).map(
    ({ name, exec, tcpSocket }) => `${name} ${exec?.command ?? `port ${tcpSocket?.port}`}`,
  );
}

const ASKS_SCRIPT = ['readiness-probe /usr/bin/readiness_probe.sh'];
const STEPS: Readonly<Record<string, readonly (readonly [Checks, readonly string[]])[]>> = {
  'no checks, then a port, then no checks again': [
    [undefined, ASKS_SCRIPT],
    [[PORT], ['port port 8080']],
    [undefined, ASKS_SCRIPT],
  ],
  'no checks, then an empty list, then a port, then an empty list': [
    [undefined, ASKS_SCRIPT],
    [[], []],
    [[PORT], ['port port 8080']],
    [[], []],
  ],
  'an empty list, then no checks': [
    [[], []],
    [undefined, ASKS_SCRIPT],
  ],
  'the script and a port, then the port alone, then another script of the same name': [
    [
      [SCRIPT, PORT],
      [...ASKS_SCRIPT, 'port port 8080'],
    ],
    [[PORT], ['port port 8080']],
    [[OTHER_SCRIPT], ['readiness-probe /other.sh']],
  ],
};

beforeAll(async () => {
  api = startApiServer();
  await installCrd(api);
}, 120_000);
afterAll(() => api?.stop());

describe.each(Object.entries(APPLIERS))('%s', (_, apply) => {
  test.each(Object.entries(STEPS))('%s', (__, steps) => {
    count += 1;
    const name = `upgrade-${count}`;
    for (const [checks, expected] of steps) {
      apply(manifestOf(name, checks));
      expect(asked(name)).toEqual(expected);
    }
  });

  test('the same manifest again changes nothing: no generation, no difference to show', () => {
    count += 1;
    const name = `upgrade-${count}`;
    const generation = () => api.json(['get', 'upgrade', name]).metadata['generation'];
    for (const checks of [undefined, [], [PORT]] as Checks[]) {
      apply(manifestOf(name, checks));
      const before = generation();
      apply(manifestOf(name, checks));
      expect(generation()).toBe(before);
    }
  });
});

test('a change with a field that does not exist is rejected, and the answer ends with the field', () => {
  run(['apply', '-f', '-'], manifestOf('mistyped', []));
  const mistyped = manifestOf('mistyped', []);
  expect(() => run(['apply', '-f', '-'], { ...mistyped, spec: { ...mistyped.spec, postChek: {} } })).toThrow(
    /strict decoding error: unknown field "spec\.postChek"\s*$/,
  );
});

test('a tool that comes after another one: client-side first, server-side from then on', () => {
  run(['apply', '-f', '-'], manifestOf('moved', [SCRIPT, PORT]));
  // The stored list has defaults that the manifest does not have.
  expect(() => run(serverSide('kubectl'), manifestOf('moved', [SCRIPT, PORT]))).toThrow(
    /conflict with "kubectl-client-side-apply".*: \.spec\.postCheck\.checks/,
  );
  run([...serverSide('kubectl'), '--force-conflicts'], manifestOf('moved', [PORT]));
  expect(asked('moved')).toEqual(['port port 8080']);
  run(serverSide('kubectl'), manifestOf('moved', []));
  expect(asked('moved')).toEqual([]);
  run(serverSide('kubectl'), manifestOf('moved', undefined));
  expect(asked('moved')).toEqual(ASKS_SCRIPT);
});
