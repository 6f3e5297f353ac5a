/** The operator as a process of its own, with its real ports, against a real API server. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execPath } from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { type ApiServer, eventually, installCrd, startApiServer } from './api-server.ts';

jest.setTimeout(120_000);

const ROOT = resolve(import.meta.dirname, '../..');
let api: ApiServer;
let folder: string;
const started: ChildProcess[] = [];

beforeAll(async () => {
  api = startApiServer();
  await installCrd(api);
  folder = mkdtempSync(join(tmpdir(), 'postcheck-operator-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  api.stop();
});
afterEach(async () => {
  for (const operator of started.splice(0)) {
    if (operator.exitCode === null && operator.signalCode === null) {
      const ended = once(operator, 'exit');
      operator.kill('SIGKILL');
      await ended;
    }
  }
});

type Line = Readonly<Record<string, unknown>>;

interface Operator {
  readonly process: ChildProcess;
  readonly lines: () => readonly Line[];
  /** `127.0.0.1:PORT` of health and of metrics. */
  readonly health: string;
  readonly metrics: string;
}

const startOperator = (kubeconfig: string, ...flags: string[]): Promise<Operator> =>
  startOperatorAt(0, kubeconfig, ...flags);

/** On a machine whose clock is off by so many seconds. */
async function startOperatorAt(
  offSeconds: number,
  kubeconfig: string,
  ...flags: string[]
): Promise<Operator> {
  const child = spawn(
    execPath,
    [
      ...(offSeconds === 0 ? [] : ['--import', './test/support/wrong-clock.ts']),
      'src/main.ts',
      '--kubeconfig',
      kubeconfig,
      '--metrics-bind-address=127.0.0.1:0',
      '--health-probe-bind-address=127.0.0.1:0',
      ...flags,
    ],
    {
      cwd: ROOT,
      // A proxy that a cluster sets for everybody is none of the API server's business.
      env: {
        ...process.env,
        HTTPS_PROXY: 'http://127.0.0.1:9',
        https_proxy: 'http://127.0.0.1:9',
        CLOCK_OFF_SECONDS: String(offSeconds),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  started.push(child);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const lines = () =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  const { health, metrics } = (await eventually(() => lines().find(({ msg }) => msg === 'started'))) as {
    health: string;
    metrics: string;
  };
  return { process: child, lines, health, metrics };
}

/** Status and body; status 0 when there was no answer. */
function get(
  address: string,
  path: string,
  options: { readonly from?: string; readonly token?: string; readonly ca?: Buffer } = {},
): Promise<{ status: number; body: string }> {
  const [host, port] = address.split(':');
  const ask = options.ca ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const outgoing = ask({
      host,
      port,
      path,
      agent: false,
      localAddress: options.from,
      ca: options.ca,
      servername: options.ca ? 'postcheck-metrics' : undefined,
      headers: options.token ? { authorization: `Bearer ${options.token}` } : {},
    });
    outgoing.on('error', () => resolve({ status: 0, body: '' }));
    outgoing.on('response', async (response) => {
      let body = '';
      for await (const chunk of response) {
        body += chunk;
      }
      resolve({ status: response.statusCode ?? 0, body });
    });
    outgoing.end();
  });
}

const metric = (text: string, series: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')[1],
  );

test('health answers everybody while one client floods it and the metrics', async () => {
  const { health, metrics } = await startOperator(api.kubeconfig, '--leader-elect=false');
  const flood = [health, metrics].flatMap((address) =>
    Array.from({ length: 200 }, () => {
      const [host = '', port] = address.split(':');
      const socket = connect({ host, port: Number(port), localAddress: '127.0.0.2' });
      socket.on('error', () => undefined).resume();
      socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
      return socket;
    }),
  );
  const answers = [];
  for (let asked = 0; asked < 30; asked++) {
    answers.push((await get(health, '/healthz', { from: '127.0.0.3' })).status);
    answers.push((await get(metrics, '/metrics', { from: '127.0.0.3' })).status);
  }
  expect(new Set(answers)).toEqual(new Set([200]));
  for (const socket of flood) {
    socket.destroy();
  }
});

test('a leader that is held up for nine seconds keeps the Lease, with a standby waiting', async () => {
  const lease = ['--lease-namespace=default', '--lease-name=held-up'];
  const leader = await startOperator(api.kubeconfig, ...lease);
  await eventually(() => leader.lines().some(({ msg }) => msg === 'leading'));
  const standby = await startOperator(api.kubeconfig, ...lease);
  leader.process.kill('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 9_000));
  leader.process.kill('SIGCONT');
  // Longer than the standby would wait if the Lease had not been renewed.
  await new Promise((resolve) => setTimeout(resolve, 16_000));
  expect(leader.process.exitCode).toBeNull();
  expect(standby.lines().some(({ msg }) => msg === 'leading')).toBe(false);
  const { body } = await get(leader.metrics, '/metrics');
  expect(metric(body, 'postcheck_leader')).toBe(1);
  expect(metric(body, 'postcheck_event_loop_lag_seconds')).toBeGreaterThan(8);
});

test('an operator that is refused says so: one line a watch, not ready, and metrics that count it', async () => {
  api.kubectl(['create', 'serviceaccount', 'blind']);
  const config = parse(readFileSync(api.kubeconfig, 'utf8')) as { users: { name: string }[] };
  const path = join(folder, 'blind.yaml');
  const bearer = api.kubectl(['create', 'token', 'blind']).trim();
  const users = config.users.map(({ name }) => ({ name, user: { token: bearer } }));
  writeFileSync(path, JSON.stringify({ ...config, users }));
  const operator = await startOperator(path, '--leader-elect=false');
  const told = () => operator.lines().filter(({ level }) => level === 'error');
  await eventually(() => told().length === 8);
  expect(told()).toContainEqual(
    expect.objectContaining({
      msg: "cannot watch upgrades.postcheck.dev: grant the operator's service account list and watch on upgrades.postcheck.dev",
      resource: 'upgrades.postcheck.dev',
      error: expect.stringContaining('system:serviceaccount:default:blind'),
    }),
  );
  const ready = await get(operator.health, '/readyz');
  expect(ready.status).toBe(503);
  expect(ready.body.trim().split('\n')).toHaveLength(8);
  const exposition = async () => (await get(operator.metrics, '/metrics')).body;
  const failures = 'postcheck_watch_failures_total{resource="pods",reason="forbidden"}';
  expect(metric(await exposition(), failures)).toBeGreaterThan(0);
  expect(metric(await exposition(), 'postcheck_watch_failing_seconds{resource="pods"}')).toBeGreaterThan(0);

  // Rights that come later are taken up, and told.
  api.kubectl([
    'create',
    'clusterrolebinding',
    'sees',
    '--clusterrole=cluster-admin',
    '--serviceaccount=default:blind',
  ]);
  await eventually(
    () => operator.lines().filter(({ msg }) => String(msg).includes(' again after ')).length === 8,
    90_000,
  );
  expect((await get(operator.health, '/readyz')).status).toBe(200);
  expect(metric(await exposition(), 'postcheck_watch_failing_seconds{resource="pods"}')).toBe(0);
  expect(told()).toHaveLength(8);
});

describe('secured metrics', () => {
  let operator: Operator;
  let ca: Buffer;

  beforeAll(() => {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
        ...['-subj', '/CN=postcheck-metrics', '-addext', 'subjectAltName=DNS:postcheck-metrics'],
        ...['-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.crt')],
      ],
      { stdio: 'ignore' },
    );
    ca = readFileSync(join(folder, 'tls.crt'));
    for (const account of ['prometheus', 'nosy']) {
      api.kubectl(['create', 'serviceaccount', account]);
    }
    api.kubectl(['create', 'clusterrole', 'reads-metrics', '--verb=get', '--non-resource-url=/metrics']);
    api.kubectl([
      ...['create', 'clusterrolebinding', 'reads-metrics', '--clusterrole=reads-metrics'],
      '--serviceaccount=default:prometheus',
    ]);
  });

  const token = (account: string) => api.kubectl(['create', 'token', account]).trim();

  test('are for those whom the API server lets get /metrics', async () => {
    operator = await startOperator(
      api.kubeconfig,
      '--leader-elect=false',
      '--metrics-secure',
      `--metrics-cert-path=${folder}`,
    );
    const ask = (bearer?: string) =>
      get(operator.metrics, '/metrics', { ca, ...(bearer ? { token: bearer } : {}) });
    expect((await get(operator.metrics, '/metrics')).status).toBe(0);
    expect((await ask()).status).toBe(401);
    expect((await ask('made.up.token')).status).toBe(401);
    expect(await ask(token('nosy'))).toMatchObject({
      status: 403,
      body: expect.stringContaining('/metrics'),
    });
    const good = token('prometheus');
    expect(await ask(good)).toMatchObject({
      status: 200,
      body: expect.stringContaining('postcheck_leader 1'),
    });
    // Strangers are asked about at a bounded rate, and cost those nothing who are known.
    const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => ask(`made.up.${index}`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 503]));
    expect((await ask(good)).status).toBe(200);
    expect((await get(operator.health, '/readyz')).status).toBe(200);
    // Connections that never shake hands count like others.
    const [host = '', port] = operator.metrics.split(':');
    const silent = Array.from({ length: 300 }, () =>
      connect({ host, port: Number(port), localAddress: '127.0.0.2' })
        .on('error', () => undefined)
        .resume(),
    );
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    expect((await ask(good)).status).toBe(200);
    expect(
      silent.filter(({ destroyed, readyState }) => !destroyed && readyState === 'open').length,
    ).toBeLessThan(65);
    for (const socket of silent) {
      socket.destroy();
    }
  });
});

/** An Upgrade of a Deployment whose pods never run: no node is there. */
const clockObjects = (image: string) => [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'clocks' },
    spec: {
      selector: { matchLabels: { app: 'clocks' } },
      template: {
        metadata: { labels: { app: 'clocks' } },
        spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
      },
    },
  },
  {
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata: { name: 'clocks' },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'clocks' },
      containers: [{ name: 'web', image }],
    },
  },
];

test('machines whose clocks are an hour ahead and behind lead in turn, and store the times of the API server', async () => {
  interface Attempt {
    readonly number: number;
    readonly startedAt: string;
  }
  const attempt = (number: number) =>
    eventually(() => {
      const { status } = api.json<{ status?: { attempt?: Attempt } }>(['get', 'upgrade', 'clocks']);
      return status?.attempt?.number === number && status.attempt;
    });
  const offMinutes = ({ startedAt }: Attempt) => Math.abs(Date.parse(startedAt) - Date.now()) / 60_000;
  const leads = (operator: Operator) =>
    eventually(() => operator.lines().some(({ msg }) => msg === 'leading'), 40_000);
  const lease = ['--lease-namespace=default', '--lease-name=clocks'];

  const ahead = await startOperatorAt(3600, api.kubeconfig, ...lease);
  await leads(ahead);
  const [deployment, upgrade] = clockObjects('registry.example/web:2');
  api.kubectl(['apply', '-f', '-'], JSON.stringify(deployment));
  api.kubectl(['apply', '-f', '-'], JSON.stringify(upgrade));
  expect(offMinutes(await attempt(1))).toBeLessThan(10);

  const behind = await startOperatorAt(-3600, api.kubeconfig, ...lease);
  ahead.process.kill('SIGTERM');
  await leads(behind);
  api.kubectl(['apply', '-f', '-'], JSON.stringify(clockObjects('registry.example/web:3')[1]));
  expect(offMinutes(await attempt(2))).toBeLessThan(10);
});
