import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { kubectlConfig } from './kubectl-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'postcheck-kubeconfig-'));
mkdirSync(join(folder, 'home/.kube'), { recursive: true });

function file(name: string, server: string, context = name): string {
  const path = join(folder, name);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    clusters: [
      { name: 'cluster', cluster: { server, 'certificate-authority-data': 'YQ==' } },
      { name: `cluster-${name}`, cluster: { server } },
    ],
    users: [{ name: 'user', user: { token: `token-${name}` } }],
    contexts: [
      { name: context, context: { cluster: 'cluster', user: 'user', namespace: `ns-${name}` } },
      { name: `${context}-other`, context: { cluster: `cluster-${name}`, user: 'user' } },
    ],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const a = file('a', 'https://a:6443');
const b = file('b', 'https://b:6443');
const home = join(folder, 'home');
const load = (flags: Parameters<typeof kubectlConfig>[0], kubeconfig?: string) =>
  kubectlConfig(flags, { kubeconfig, home });
const server = (...args: Parameters<typeof load>) => load(...args).getCurrentCluster()?.server;

describe('a kubeconfig is read as kubectl reads it', () => {
  test('the flag names one file, and nothing else is read', () => {
    expect(server({ kubeconfig: b }, a)).toBe('https://b:6443');
  });

  test('of several files the first that names a thing counts, and one that is not there is passed over', () => {
    const config = load({}, [join(folder, 'none'), a, b].join(delimiter));
    expect(config.getCurrentContext()).toBe('a');
    expect(config.getCurrentCluster()?.server).toBe('https://a:6443');
    expect(server({ context: 'b-other' }, [a, b].join(delimiter))).toBe('https://b:6443');
  });

  test('flags go over what the context says', () => {
    expect(server({ cluster: 'cluster-a', server: 'https://c' }, a)).toBe('https://c');
    const user = load({ token: 'mine', as: 'jane' }, a).getCurrentUser();
    expect(user).toMatchObject({ token: 'mine', impersonateUser: 'jane' });
  });

  test('an insecure connection carries no authority', () => {
    const cluster = load({ insecureSkipTlsVerify: true }, a).getCurrentCluster();
    expect(cluster).toMatchObject({ skipTLSVerify: true });
    expect(cluster).not.toHaveProperty('caData');
  });

  test('an empty file has no entries, and does not keep the others from being read', () => {
    const empty = join(folder, 'empty');
    writeFileSync(empty, '\n');
    expect(load({}, `${a}${delimiter}${empty}`).getCurrentCluster()?.name).toBe(
      load({}, a).getCurrentCluster()?.name,
    );
    expect(() => load({ kubeconfig: empty, context: 'nope' })).toThrow('has no context "nope"; it has: none');
  });

  test('what is not there is named, with what there is', () => {
    expect(() => load({ context: 'nope' }, a)).toThrow('has no context "nope"; it has: a, a-other');
    expect(() => load({ user: 'nope' }, a)).toThrow('has no user "nope"; it has: user');
    expect(() => load({ kubeconfig: join(folder, 'none') })).toThrow(
      /cannot read kubeconfig .*none: no such file/,
    );
    expect(() => load({})).toThrow(/no kubeconfig: neither .* use --kubeconfig/);
    const missing = join(folder, 'none');
    expect(() => load({}, missing)).toThrow(`no kubeconfig: KUBECONFIG is ${missing}, which does not exist`);
  });

  test.each([
    [{ 'current-context': 'x' }, 'has no context "x"; it has: none'],
    [
      { 'current-context': 'x', contexts: [{ name: 'x', context: { cluster: 'y', user: 'z' } }] },
      'has no cluster "y"; it has: none',
    ],
    [{ clusters: [null] }, /cannot read kubeconfig .*odd: its clusters, users or contexts are no lists/],
    [{ contexts: [null] }, /cannot read kubeconfig .*odd: its clusters, users or contexts are no lists/],
  ])('%j is a kubeconfig, and the error says what it lacks', (config, message) => {
    const odd = join(folder, 'odd');
    writeFileSync(odd, JSON.stringify(config));
    expect(() => load({}, odd)).toThrow(message);
  });
});
