/** Who the operator is, and whom it believes, changes under way: tokens are rotated and revoked, the authority changes, rights are taken away. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { renderChart } from '../chart/render.ts';
import * as stories from '../sim/stories.ts';
import type { Json } from './admin-client.ts';
import { differences } from './compare-with-simulation.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { makeCertificates } from './server.ts';
import { withShortTimes } from './short-times.ts';
import { type Identity, type StoryRun, until } from './story-run.ts';

let environment: Environment;
let folder: string;
const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
const SYSTEM = '/api/v1/namespaces/postcheck-system';

beforeAll(async () => {
  environment = await startEnvironment();
  folder = mkdtempSync(join(tmpdir(), 'postcheck-identity-'));
  await environment.admin.create('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'postcheck-system' },
  });
  const rights = renderChart().filter(({ kind }) =>
    /^(ServiceAccount|ClusterRole|ClusterRoleBinding)$/.test(kind),
  );
  environment.api.kubectl(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: rights }),
  );
}, 900_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
  environment.stop();
});

/** A token of the operator's account that ends with the secret of this name. */
async function token(secret: string): Promise<string> {
  const { metadata } = await environment.admin.create(`${SYSTEM}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secret },
  });
  const { status } = await environment.admin.create(`${SYSTEM}/serviceaccounts/postcheck/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: secret, uid: metadata.uid } },
  });
  return status.token;
}
const revoke = (secret: string) => environment.admin.remove(`${SYSTEM}/secrets/${secret}`);

interface Files {
  readonly token: string;
  readonly authority: string;
}

/** The operator with a token in a file and an authority in a file, as a pod has them. */
async function identify(name: string): Promise<{ identity: Identity; files: Files }> {
  const files = { token: join(folder, `${name}.token`), authority: join(folder, `${name}.crt`) };
  writeFileSync(files.token, await token(name));
  writeFileSync(files.authority, environment.certificates.cert);
  const { url, ca } = environment.upstream;
  const kubeconfig = (port: number): string => {
    const path = join(folder, `${name}.kubeconfig`);
    const config = {
      clusters: [
        {
          name: 'c',
          cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': files.authority },
        },
      ],
      users: [{ name: 'u', user: { tokenFile: files.token } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  };
  return { identity: { upstream: { url, ca }, server: environment.certificates, kubeconfig }, files };
}

const story = withShortTimes(stories.retryThenGood('Deployment'));
const underWay = (play: StoryRun) =>
  until(async () => (await environment.admin.get(play.upgradePath())).status?.phase === 'Upgrading', 30_000);

test('a token that is rotated and then revoked is replaced without anybody noticing', async () => {
  const { identity, files } = await identify('rotated');
  const { wrong } = await differences(environment, story, 'token rotated', {
    identity,
    meddle: async (play) => {
      await underWay(play);
      writeFileSync(files.token, await token('rotated-2'));
      await revoke('rotated');
      play.proxy.cutAll();
    },
  });
  expect(wrong).toEqual([]);
}, 120_000);

test('a token that is revoked before the new one is there holds everything up, and nothing more', async () => {
  const { identity, files } = await identify('late');
  const { wrong, played } = await differences(environment, story, 'token revoked', {
    identity,
    limitMs: 100_000,
    meddle: async (play) => {
      await underWay(play);
      await revoke('late');
      play.proxy.cutAll();
      await sleep(15_000);
      writeFileSync(files.token, await token('late-2'));
    },
  });
  expect(wrong).toEqual([]);
  // 401 while the old token was used: it was not asked for ever and ever.
  expect(played.sent.length).toBeLessThan(1000);
}, 200_000);

test('another authority is believed within a minute after its file has changed', async () => {
  const { identity, files } = await identify('authority');
  const next = makeCertificates();
  const { wrong } = await differences(environment, story, 'authority changed', {
    identity,
    limitMs: 120_000,
    meddle: async (play) => {
      await underWay(play);
      play.proxy.present(next);
      play.proxy.cutAll();
      await sleep(2000);
      writeFileSync(files.authority, next.cert);
    },
  });
  next.remove();
  expect(wrong).toEqual([]);
}, 200_000);

/** That it is refused is logged as an error, which it is. */
const REFUSED = /: error: The API server rejected a write: .* is forbidden: /;

test('rights that are taken away are told in the status, with verb and resource, and used again when they are back', async () => {
  const { identity } = await identify('rights');
  const path = `${roles}/postcheck-operator`;
  const { rules } = await environment.admin.get(path);
  const without = rules.map((rule: Json) =>
    rule.resources.includes('deployments') ? { ...rule, verbs: ['get', 'list', 'watch'] } : rule,
  );
  await environment.admin.patch(path, { rules: without });
  let told = '';
  const { wrong } = await differences(environment, story, 'rights taken away', {
    identity,
    limitMs: 120_000,
    meddle: async (play) => {
      const stalled = async () => {
        const { status } = await environment.admin.get(play.upgradePath());
        const condition = status?.conditions?.find(({ type }: Json) => type === 'Stalled');
        told = `${condition?.status} ${condition?.reason}: ${status?.message}`;
        return condition?.status === 'True';
      };
      await until(stalled, 40_000).finally(() => environment.admin.patch(path, { rules }));
    },
  });
  expect(told).toMatch(/^True Forbidden: .*cannot patch resource \\?"deployments\\?"/);
  expect(wrong.filter((line) => !REFUSED.test(line))).toEqual([]);
}, 200_000);

test('rights on nothing at all hold everything up, until they are back', async () => {
  const { identity } = await identify('nothing');
  const name = 'postcheck-operator';
  const { roleRef, subjects } = await environment.admin.get(`${bindings}/${name}`);
  const { wrong } = await differences(environment, story, 'binding deleted', {
    identity,
    limitMs: 120_000,
    meddle: async (play) => {
      await underWay(play);
      await environment.admin.remove(`${bindings}/${name}`);
      play.proxy.cutAll();
      await sleep(5000);
      await environment.admin.create(bindings, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef,
        subjects,
      });
    },
  });
  expect(wrong.filter((line) => !REFUSED.test(line))).toEqual([]);
}, 200_000);
