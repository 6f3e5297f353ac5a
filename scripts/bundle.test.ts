/** The bundle has all that the operator uses, and nothing of what it does not. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sizeMistake } from './bundle.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'postcheck-bundle-'));
const bundle = join(folder, 'postcheck.mjs');
const started: ChildProcess[] = [];

beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'scripts/bundle.ts'), bundle]);
  const selfSigned = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1';
  execFileSync(
    'openssl',
    ['req', '-x509', ...selfSigned.split(' '), '-keyout', 'tls.key', '-out', 'tls.crt'],
    { cwd: folder, stdio: 'ignore' },
  );
}, 60_000);

afterAll(() => {
  for (const process of started) {
    process.kill('SIGKILL');
  }
  rmSync(folder, { recursive: true });
});

/** A kubeconfig with one user, for an API server at that address. */
function kubeconfig(server: string, user: object, cluster: object = {}): string {
  const path = join(folder, 'kubeconfig');
  const config = {
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const flags = (path: string) => [
  bundle,
  '--kubeconfig',
  path,
  '--leader-elect=false',
  '--metrics-bind-address=127.0.0.1:0',
  '--health-probe-bind-address=127.0.0.1:0',
];

/** The headers of the first request that the bundled operator sends as that user. */
async function firstRequestAs(user: object): Promise<IncomingHttpHeaders> {
  const pem = (name: string) => readFileSync(join(folder, name));
  const server = createServer({ key: pem('tls.key'), cert: pem('tls.crt') });
  const heard = new Promise<IncomingHttpHeaders>((resolve) => {
    server.on('request', (request, response) => {
      resolve(request.headers);
      response.writeHead(403).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const operator = spawn(process.execPath, flags(kubeconfig(`https://127.0.0.1:${port}`, user)), {
    stdio: 'ignore',
  });
  started.push(operator);
  try {
    return await heard;
  } finally {
    operator.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
  }
}

describe('the bundled operator', () => {
  test('has none of the libraries that only client-node’s own transport uses', () => {
    const text = readFileSync(bundle, 'utf8');
    expect(text).toContain('// node_modules/@kubernetes/client-node/dist/config.js');
    expect(text).not.toMatch(
      /^\/\/ node_modules\/(undici|socks|hpagent|.*client-node\/dist\/gen\/(models|apis))\b/m,
    );
  });

  test('authenticates with a token', async () => {
    expect(await firstRequestAs({ token: 'secret' })).toMatchObject({ authorization: 'Bearer secret' });
  }, 30_000);

  test('authenticates with what an exec plugin prints', async () => {
    const plugin = join(folder, 'plugin');
    writeFileSync(
      plugin,
      '#!/bin/sh\necho \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-plugin"}}\'\n',
    );
    chmodSync(plugin, 0o755);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
    expect(await firstRequestAs({ exec })).toMatchObject({ authorization: 'Bearer from-plugin' });
  }, 30_000);

  test.each(['http://127.0.0.1:1', 'socks5://127.0.0.1:1'])(
    'refuses proxy-url %s in words of its own',
    (proxy) => {
      const path = kubeconfig('https://127.0.0.1:1', { token: 't' }, { 'proxy-url': proxy });
      const { stderr, stdout, status } = spawnSync(process.execPath, flags(path), {
        encoding: 'utf8',
        timeout: 20_000,
      });
      expect(status).toBe(1);
      expect(stderr + stdout).toContain('proxy-url is not supported; connect to the API server directly');
    },
  );
});

test.each([
  [1000, false],
  [1049, false],
  [1051, true],
  [960, false],
  [940, true],
])('of 1000 recorded bytes, %d need a look: %s', (bytes, needed) => {
  expect(sizeMistake(bytes, 1000) !== undefined).toBe(needed);
});

test('Node keeps it with one byte a character, and loads no second HTTP client for it', () => {
  const text = readFileSync(bundle, 'utf8');
  expect(Buffer.from(text, 'latin1').toString('latin1') === text).toBe(true);
  const loaded = "process.on('exit', () => console.error(process.moduleLoadList.join('\\n')))";
  const { stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(loaded)}`, bundle, '--help'],
    { encoding: 'utf8' },
  );
  expect(stderr).toContain('NativeModule http');
  expect(stderr).not.toContain('internal/deps/undici');
});
