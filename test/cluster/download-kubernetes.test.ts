/** Where Kubernetes' programs come from: the release server when what it sends is right, else their sources. */
import { type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { env } from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const PROGRAMS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-proxy',
  'kube-scheduler',
  'kubectl',
  'kubelet',
];
const VERSION = 'v1.99.1';
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

let folder: string;
let server: Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postcheck-download-'));
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

const programText = (name: string) => `#!/bin/sh\necho ${name} released\n`;

/** A release server; answers what `instead` does not. */
async function releases(instead: (path: string, response: ServerResponse) => boolean = () => false) {
  const answer: RequestListener = ({ url = '' }, response) => {
    const name = basename(url, '.sha256');
    if (instead(url, response)) {
      return;
    }
    if (url.replace(/\.sha256$/, '') !== `/${VERSION}/bin/linux/${architecture}/${name}`) {
      response.writeHead(404).end('NoSuchKey');
      return;
    }
    const text = programText(name);
    response.end(url.endsWith('.sha256') ? createHash('sha256').update(text).digest('hex') : text);
  };
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function run(command: string, args: string[], more: SpawnOptionsWithoutStdio['env']) {
  const child = spawn(command, args, { env: { ...env, ...more } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text;
    });
  }
  const [status] = await once(child, 'close');
  return { status, output };
}

const download = (from: string) =>
  run(join(import.meta.dirname, 'download-kubernetes.sh'), [VERSION, folder], { KUBERNETES_RELEASES: from });

describe('a download', () => {
  test('leaves every program, executable, when the checksums are right', async () => {
    expect(await download(await releases())).toMatchObject({ status: 0 });
    expect(readdirSync(folder)).toEqual(PROGRAMS);
    expect(readFileSync(join(folder, 'kubelet'), 'utf8')).toBe(programText('kubelet'));
    expect(statSync(join(folder, 'kubelet')).mode & 0o777).toBe(0o755);
  });

  test('leaves nothing when one program is not what its checksum says', async () => {
    const from = await releases(
      (path, response) => path.endsWith('/kubectl') && !!response.end('#!/bin/sh\nevil\n'),
    );
    expect(await download(from)).toEqual({
      status: 1,
      output: expect.stringContaining('kubectl does not have the checksum that is published for it'),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['', '<html>Sign in to the network</html>'])(
    'takes no checksum file such as %j',
    async (text) => {
      const from = await releases((path, response) => path.endsWith('.sha256') && !!response.end(text));
      expect(await download(from)).toMatchObject({ status: 1 });
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('says which file the server does not have', async () => {
    const from = await releases(
      (path, response) => path.endsWith('/kube-proxy') && !!response.writeHead(404).end(),
    );
    const { status, output } = await download(from);
    expect(status).toBe(1);
    expect(output).toMatch(/kube-proxy: \(22\) The requested URL returned error: 404/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('ends when the server goes silent in the middle of a file', async () => {
    const from = await releases(
      (path, response) => path.endsWith('/kube-apiserver') && response.writeHead(200).write('#!/bin/sh\n'),
    );
    expect(await download(from)).toEqual({ status: 1, output: expect.stringMatching(/too slow/) });
    expect(readdirSync(folder)).toEqual([]);
  }, 60_000);

  test('ends at once when nobody answers', async () => {
    const from = await releases();
    server?.close();
    await once(server as Server, 'close');
    expect(await download(from)).toEqual({ status: 1, output: expect.stringContaining(`Not downloading`) });
  });
});

describe('build-tools.sh', () => {
  /** A checkout with the scripts, and a Kubernetes that is built in no time. */
  function checkout(): string {
    const root = join(folder, 'checkout');
    const sources = join(root, 'test/cluster/kubernetes/1.99');
    cpSync(import.meta.dirname, join(root, 'test/cluster'), { recursive: true });
    for (const program of PROGRAMS) {
      mkdirSync(join(sources, 'upstream/cmd', program), { recursive: true });
      writeFileSync(
        join(sources, 'upstream/cmd', program, 'main.go'),
        `package main\n\nfunc main() { println("${program} built") }\n`,
      );
    }
    writeFileSync(join(sources, 'upstream/go.mod'), 'module k8s.io/kubernetes\n\ngo 1.26\n');
    writeFileSync(
      join(sources, 'go.mod'),
      `module postcheck.dev/test\n\ngo 1.26\n\n${PROGRAMS.map((name) => `tool k8s.io/kubernetes/cmd/${name}\n`).join('')}
require k8s.io/kubernetes ${VERSION}\n\nreplace k8s.io/kubernetes => ./upstream\n`,
    );
    writeFileSync(join(sources, 'go.sum'), '');
    return root;
  }

  const tools = async (root: string, from: string) => {
    const made = await run(join(root, 'test/cluster/build-tools.sh'), ['kubernetes'], {
      K8S: '1.99',
      XDG_CACHE_HOME: join(folder, 'cache'),
      KUBERNETES_RELEASES: from,
    });
    const says = await run(join(root, '.cluster/bin/kubectl'), [], {});
    return { ...made, says: says.output };
  };

  test('takes the released programs, once', async () => {
    const root = checkout();
    const from = await releases();
    expect(await tools(root, from)).toEqual({
      status: 0,
      output: expect.stringMatching(/Downloaded Kubernetes v1\.99\.1 in \d+ s/),
      says: 'kubectl released\n',
    });
    expect(await tools(root, from)).toMatchObject({ status: 0, output: '' });
  }, 60_000);

  test('builds them when the release is not to be had, and says why', async () => {
    const root = checkout();
    const from = await releases((_, response) => !!response.writeHead(404).end());
    const { status, output, says } = await tools(root, from);
    expect({ status, says }).toEqual({ status: 0, says: 'kubectl built\n' });
    expect(output).toMatch(/Not downloading Kubernetes v1\.99\.1: .* 404\n/);
    expect(output).toMatch(/Built Kubernetes v1\.99\.1 in \d+ s\n/);
  }, 120_000);
});
