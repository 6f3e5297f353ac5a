/** Every workload image does what images.json says of it, on the cluster in use. Other tests rely on it without looking. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const KUBECONFIG = env.CONTEXT ? {} : { KUBECONFIG: join(ROOT, '.cluster/kubeconfig') };
const PATH = `${join(ROOT, '.cluster/bin')}:${env.PATH}`;
const namespace = `postcheck-images-${process.pid}`;
const images = (
  JSON.parse(readFileSync(join(import.meta.dirname, 'images.json'), 'utf8')) as { image: string }[]
).map(({ image }) => image);
const apps = images.flatMap((image) =>
  image.startsWith('postcheck.local/app:') ? [image.slice('postcheck.local/app:'.length)] : [],
);

function kubectl(args: readonly string[], input = '', timeoutSeconds = 120) {
  const context = env.CONTEXT ? ['--context', env.CONTEXT] : [];
  return spawnSync('kubectl', [...context, '--namespace', namespace, ...args], {
    encoding: 'utf8',
    input,
    env: { ...env, ...KUBECONFIG, PATH },
    timeout: timeoutSeconds * 1000,
    maxBuffer: 1024 * 1024,
  });
}

const inPod = (version: string, command: string, timeoutSeconds = 30) =>
  kubectl(['exec', version, '--', 'sh', '-c', command], '', timeoutSeconds);
const probe = (version: string, timeoutSeconds = 30) =>
  inPod(version, 'exec /usr/bin/readiness_probe.sh', timeoutSeconds);
const ask = (version: string, path: string): string =>
  inPod(version, `printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 8080`).stdout;

const pod = (version: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: version },
  spec: {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'app', image: `postcheck.local/app:${version}`, imagePullPolicy: 'IfNotPresent' }],
  },
});

beforeAll(() => {
  kubectl(['create', 'namespace', namespace]);
  kubectl(['wait', '--for=create', 'serviceaccount/default', '--timeout=30s']);
  const applied = kubectl(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: apps.map(pod) }),
  );
  expect(applied.stderr).toBe('');
  const serving = apps.filter((version) => version !== 'crash').map((version) => `pod/${version}`);
  expect(kubectl(['wait', '--for=condition=Ready', '--timeout=90s', ...serving]).stderr).toBe('');
}, 180_000);

afterAll(() => void kubectl(['delete', 'namespace', namespace, '--wait=false']));

test.each(apps.filter((version) => version !== 'crash'))('%s answers its version', (version) => {
  expect(ask(version, '/')).toMatch(new RegExp(`\\n${version}\n$`));
});

test.each([
  ['v1', 0],
  ['v2', 0],
  ['v3', 0],
  ['neverready', 0],
  ['bad17', 17],
] as const)('the probe of %s exits with %d', (version, code) => {
  expect(probe(version)).toMatchObject({ status: code, stdout: `${version}: probe exits with ${code}\n` });
});

test('retry passes once its time has come, or when it is told to', () => {
  const told = inPod('retry', 'touch /tmp/started && /usr/bin/readiness_probe.sh');
  expect(told).toMatchObject({ status: 0, stdout: 'retry: started\n' });
  expect(inPod('retry', 'rm /tmp/started; PROBE="retry 100000" /usr/bin/readiness_probe.sh')).toMatchObject({
    status: 17,
  });
});

test('hang is still at it when one stops waiting', () => {
  expect(probe('hang', 2)).toMatchObject({ status: null, stdout: '' });
});

test('flood writes more than anybody wants to read', () => {
  const output = inPod('flood', '/usr/bin/readiness_probe.sh | head -c 500000').stdout;
  expect(output).toHaveLength(500_000);
});

test('noscript has no probe', () => {
  expect(inPod('noscript', 'ls /usr/bin/readiness_probe.sh')).toMatchObject({ status: 1 });
});

test('crash ends with code 1', () => {
  const code = [
    'get',
    'pod',
    'crash',
    '-o',
    'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}',
  ];
  expect(
    kubectl(['wait', '--for=jsonpath={.status.phase}=Failed', 'pod/crash', '--timeout=60s']).status,
  ).toBe(0);
  expect(kubectl(code).stdout).toBe('1');
});

test('neverready says 500, and the others 200 until they are told otherwise', () => {
  expect(ask('neverready', '/cgi-bin/ready')).toContain('HTTP/1.1 500');
  expect(ask('v1', '/cgi-bin/ready')).toContain('HTTP/1.1 200');
  inPod('v1', 'touch /tmp/unready');
  expect(ask('v1', '/cgi-bin/ready')).toContain('HTTP/1.1 500');
});

test('a running container can be told another outcome', () => {
  expect(inPod('v2', 'echo "exit 3" >/tmp/probe; /usr/bin/readiness_probe.sh')).toMatchObject({ status: 3 });
});
