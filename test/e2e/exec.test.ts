/** Execs in real containers, of which each has its own way to end. Needs the test cluster (test/cluster/cluster.sh up). */

import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ExecResult } from '../../src/engine/ports.ts';
import { type Cluster, connect } from '../../src/kube/cluster.ts';

const root = resolve(import.meta.dirname, '../..');
const kubeconfig = `${root}/.cluster/kubeconfig`;
const namespace = `exec-${process.pid}`;
const never = new AbortController().signal;
let cluster: Cluster;

function kubectl(args: readonly string[], input = ''): string {
  return execFileSync(
    `${root}/.cluster/bin/kubectl`,
    ['--kubeconfig', kubeconfig, '-n', namespace, ...args],
    {
      encoding: 'utf8',
      input,
      stdio: 'pipe',
    },
  );
}

beforeAll(async () => {
  kubectl(['create', 'namespace', namespace]);
  kubectl(['create', '-f', '-'], JSON.stringify(podOf('web')));
  kubectl(
    ['create', '-f', '-'],
    JSON.stringify({ ...podOf('nowhere'), spec: { ...podOf('nowhere').spec, nodeSelector: { no: 'such' } } }),
  );
  kubectl(['create', '-f', '-'], JSON.stringify(podOf('unpulled', 'postcheck.local/never:1')));
  kubectl(['wait', '--for=condition=ContainersReady', 'pod/web', '--timeout=60s']);
  cluster = await connect({
    kubeconfig,
    namespaces: [namespace],
    identity: 'exec-test',
    gatePolicyName: 'none',
  });
}, 120_000);
afterAll(async () => {
  await cluster.close();
  kubectl(['delete', 'namespace', namespace, '--wait=false']);
});

function podOf(
  name: string,
  image = 'postcheck.local/app:v1',
): { apiVersion: string; kind: string; metadata: object; spec: object } {
  const containers = [{ name: 'app', image, imagePullPolicy: 'IfNotPresent' }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 1, containers },
  };
}

function exec(
  command: readonly string[],
  pod = 'web',
  { timeoutMs = 10_000, container = 'app' } = {},
): Promise<ExecResult> {
  return cluster.executor.exec(
    { namespace, pod, container, command, timeoutMs, maxOutputBytes: 1024 },
    never,
  );
}

const shell = (script: string): string[] => ['/bin/sh', '-c', script];

describe('a command that runs', () => {
  test('exit 0 of the probe in the image', async () => {
    expect(await exec(['/usr/bin/readiness_probe.sh'])).toMatchObject({ kind: 'exit', code: 0 });
  });

  test.each([1, 2, 17, 120, 124, 125, 126, 127, 137, 255])('exit %d, with both streams', async (code) => {
    const result = await exec(shell(`echo out; echo err >&2; exit ${code}`));
    expect(result).toMatchObject({ kind: 'exit', code });
    expect((result as { output: string }).output.split('\n').sort()).toEqual(['', 'err', 'out']);
  });

  test('killed by a signal: 128 and the signal', async () => {
    expect(await exec(shell('kill -9 $$'))).toMatchObject({ kind: 'exit', code: 137 });
    expect(await exec(shell('kill -15 $$'))).toMatchObject({ kind: 'exit', code: 143 });
  });

  test('arguments arrive byte for byte', async () => {
    const words = ['a b', '$HOME', '"quoted"', "it's", 'ü&=?#%20+', ''];
    const result = await exec([
      '/bin/sh',
      '-c',
      'for word in "$@"; do printf "[%s]" "$word"; done',
      'sh',
      ...words,
    ]);
    expect(result).toEqual({ kind: 'exit', code: 0, output: words.map((word) => `[${word}]`).join('') });
  });

  test('a hang is a time-out with the output so far', async () => {
    const began = performance.now();
    expect(await exec(shell('echo begun; sleep 6'), 'web', { timeoutMs: 3_000 })).toEqual({
      kind: 'timeout',
      output: 'begun\n',
    });
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  test('a flood of 20 MiB keeps head, tail and exit code', async () => {
    const result = await exec(
      shell('echo first; head -c 20000000 /dev/zero | tr "\\\\0" x; echo; echo last; exit 17'),
      'web',
      {
        timeoutMs: 60_000,
      },
    );
    expect(result).toMatchObject({
      kind: 'exit',
      code: 17,
      output: expect.stringMatching(/^first\nx+\n\[\.\.\.\]\nx+\nlast\n$/),
    });
  }, 90_000);
});

describe('a command that cannot be started', () => {
  test.each([
    ['an absolute path that is not there', ['/nope']],
    ['a name that is not in PATH', ['nope']],
  ])('is missing: %s', async (_, command) => {
    expect(await exec(command)).toEqual({ kind: 'missing' });
  });

  test.each([
    ['a file that is not executable', ['/etc/passwd']],
    ['a directory', ['/etc']],
  ])('is there and cannot be run: %s', async (_, command) => {
    expect(await exec(command)).toEqual({ kind: 'unrunnable', why: 'NotExecutable' });
  });
});

describe('a container that is not there is gone', () => {
  test.each([
    ['an unknown pod', 'nopod', 'app'],
    ['an unknown container', 'web', 'nope'],
    ['a pod without a node', 'nowhere', 'app'],
    ['a container whose image is not there', 'unpulled', 'app'],
  ])('%s', async (_, pod, container) => {
    expect(await exec(['/bin/true'], pod, { container })).toMatchObject({ kind: 'gone' });
  });

  test('a pod that has ended', async () => {
    const ended = podOf('ended');
    const containers = [{ name: 'app', image: 'postcheck.local/app:v1', command: ['/bin/true'] }];
    kubectl(
      ['create', '-f', '-'],
      JSON.stringify({ ...ended, spec: { ...ended.spec, restartPolicy: 'Never', containers } }),
    );
    kubectl(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/ended', '--timeout=60s']);
    expect((await exec(['/bin/true'], 'ended')).kind).toBe('gone');
  }, 90_000);
});

describe('the container goes while the command runs: never exit 0, and soon', () => {
  test('its main process ends', async () => {
    const short = podOf('short');
    const containers = [
      {
        name: 'app',
        image: 'postcheck.local/app:v1',
        command: shell('while [ ! -e /tmp/end ]; do sleep 0.2; done'),
      },
    ];
    kubectl(
      ['create', '-f', '-'],
      JSON.stringify({ ...short, spec: { ...short.spec, restartPolicy: 'Never', containers } }),
    );
    kubectl(['wait', '--for=condition=ContainersReady', 'pod/short', '--timeout=60s']);
    expect(await exec(shell('touch /tmp/end; sleep 30'), 'short', { timeoutMs: 20_000 })).toMatchObject({
      kind: 'exit',
      code: 137,
    });
  }, 90_000);

  test('its pod deleted', async () => {
    kubectl(['create', '-f', '-'], JSON.stringify(podOf('deleted')));
    kubectl(['wait', '--for=condition=ContainersReady', 'pod/deleted', '--timeout=60s']);
    const result = exec(shell('sleep 30'), 'deleted', { timeoutMs: 20_000 });
    await new Promise((running) => setTimeout(running, 1_000));
    kubectl(['delete', 'pod', 'deleted', '--grace-period=1', '--wait=false']);
    expect(await result).toMatchObject({ kind: 'exit', code: 137 });
  }, 60_000);
});
