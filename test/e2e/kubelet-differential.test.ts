/** A real kubelet and our probers judge the same pods, each from its place: kubelet on the pod's node, we from this machine. They must agree. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CommandEnd, RunInContainer } from '../../packages/kubelet-prober/src/exec.ts';
import { probe, verdictOf } from '../../packages/kubelet-prober/src/prober.ts';
import type { ProbeOutcome } from '../../packages/kubelet-prober/src/result.ts';
import type { ProbeTarget } from '../../packages/kubelet-prober/src/spec.ts';
import { type Finding, type Row, rows } from './kubelet/rows.ts';
import { Api, type Json } from './support/api.ts';
import { createFreshNamespace, removeNamespace } from './support/namespace.ts';
import { waitFor } from './support/wait.ts';

const namespace = 'kubelet-diff';
const timeoutSeconds = 3;
const setUpMs = 540_000;
const core = `/api/v1/namespaces/${namespace}`;

interface Judgement {
  readonly finding: Finding | 'none yet';
  /** The event's message; empty for a success. */
  readonly message: string;
}

const nameOf = (row: Row) => `row-${rows.indexOf(row)}`;
const literal = { name: 'LITERAL', value: 'yes' };

/** A pod whose readiness kubelet asks every five seconds, once its server has had the time to begin. */
function podOf(row: Row): Json {
  const pod = { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } };
  const container = {
    name: 'main',
    image: 'postcheck.local/app:v1',
    workingDir: '/',
    command: ['sh', '-c', `${row.serve}\nsleep 3600 & wait $!`],
    env: [literal, pod],
    ports: [{ name: 'web', containerPort: 8080 }],
    readinessProbe: {
      ...row.probe,
      initialDelaySeconds: 4,
      periodSeconds: 5,
      timeoutSeconds,
      failureThreshold: 1,
    },
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: nameOf(row), namespace },
    spec: { containers: [container], terminationGracePeriodSeconds: 1, automountServiceAccountToken: false },
  };
}

/** What kubelet found, from the container's readiness and the pod's newest probe event. */
function kubeletsJudgement(pod: Json, events: Json[]): Judgement {
  const ready = pod.status.containerStatuses?.[0]?.ready === true;
  const wanted = ready ? 'ProbeWarning' : 'Unhealthy';
  const newest = events
    .filter((event) => event.involvedObject.name === pod.metadata.name && event.reason === wanted)
    .sort((a, b) => String(a.lastTimestamp).localeCompare(String(b.lastTimestamp)))
    .at(-1);
  const message = String(newest?.message ?? '').replace('(combined from similar events): ', '');
  if (ready) {
    return { finding: newest === undefined ? 'success' : 'warning', message };
  }
  return {
    finding: newest === undefined ? 'none yet' : /^\w+ probe errored/.test(message) ? 'error' : 'failure',
    message,
  };
}

/** kubectl exec is our way into the container. */
function runIn(pod: string): RunInContainer {
  const context = env.CONTEXT ? ['--context', env.CONTEXT] : [];
  const root = resolve(import.meta.dirname, '../..');
  const kubeconfig = env.CONTEXT ? {} : { KUBECONFIG: join(root, '.cluster/kubeconfig') };
  const options = { env: { ...env, ...kubeconfig, PATH: `${join(root, '.cluster/bin')}:${env.PATH}` } };
  return (command, { signal }) =>
    new Promise((done) => {
      const words = [...context, '-n', namespace, 'exec', pod, '--', ...command];
      execFile(
        'kubectl',
        words,
        { ...options, ...(signal === undefined ? {} : { signal }) },
        (error, stdout, stderr) => {
          done(commandEnd(error as (Error & { code?: unknown }) | null, stdout, stderr));
        },
      );
    });
}

function commandEnd(error: (Error & { code?: unknown }) | null, stdout: string, stderr: string): CommandEnd {
  if (error === null) {
    return { kind: 'exit', code: 0, output: stdout };
  }
  const code = /command terminated with exit code (\d+)/.exec(stderr)?.[1];
  return code === undefined || /OCI runtime exec failed/.test(stderr)
    ? { kind: 'error', message: stderr || error.message }
    : { kind: 'exit', code: Number(code), output: stdout };
}

/** Our own judgement of the same pod. Like kubelet we may look again: on a busy machine a server that is a shell script may be late once. */
async function ourJudgement(row: Row, podIp: string): Promise<Judgement & { outcome: ProbeOutcome }> {
  for (let looks = 1; ; looks++) {
    const judgement = await lookOnce(row, podIp);
    const sameWords = !row.sameText || judgement.message.trimEnd() === kubelets.get(row)?.message.trimEnd();
    if ((judgement.finding === row.finds && sameWords) || looks >= 4) {
      return judgement;
    }
    await new Promise((next) => setTimeout(next, 2000));
  }
}

async function lookOnce(row: Row, podIp: string): Promise<Judgement & { outcome: ProbeOutcome }> {
  const target: ProbeTarget = {
    podIp,
    ports: [{ name: 'web', containerPort: 8080 }],
    env: [literal, { name: 'POD_IP' }],
  };
  const outcome = await probe(row.probe, target, { timeoutMs: timeoutSeconds * 1000 }, runIn(nameOf(row)));
  const finding = outcome.error !== undefined || outcome.result === 'unknown' ? 'error' : outcome.result;
  return { finding, message: verdictOf('readiness', outcome).event?.message ?? '', outcome };
}

const api = new Api();
const kubelets = new Map<Row, Judgement>();
const ours = new Map<Row, Judgement & { outcome: ProbeOutcome }>();

/** Reads what kubelet has said so far; gives the pods. */
async function readKubelets(runningSince: Map<string, number>): Promise<Json[]> {
  const [pods, events] = await Promise.all([
    api.list(`${core}/pods`),
    api.list(`${core}/events?fieldSelector=involvedObject.kind=Pod`),
  ]);
  for (const pod of pods) {
    if (pod.status.phase === 'Running' && !runningSince.has(pod.metadata.name)) {
      runningSince.set(pod.metadata.name, Date.now());
    }
  }
  // What kubelet has said once stands: a server that is a shell script may be late for a later probe.
  for (const row of rows.filter((each) => kubelets.get(each)?.finding !== each.finds)) {
    kubelets.set(
      row,
      kubeletsJudgement(
        pods.find((each) => each.metadata.name === nameOf(row)),
        events,
      ),
    );
  }
  return pods;
}

/** Waits until kubelet has said about every pod what the row expects, or has had a minute of the running pod to say it. Gives the pods' addresses. */
async function letKubeletJudge(): Promise<Map<string, string>> {
  const runningSince = new Map<string, number>();
  const hasHadTime = (row: Row) =>
    Date.now() - (runningSince.get(nameOf(row)) ?? Number.POSITIVE_INFINITY) > 60_000;
  const isSettled = (row: Row) => kubelets.get(row)?.finding === row.finds || hasHadTime(row);
  const everyMs = 3000;
  const pods = await waitFor(
    'kubelet to judge every pod',
    () => readKubelets(runningSince),
    () => rows.every(isSettled),
    { timeoutSeconds: 420, everyMs },
  );
  return new Map(pods.map((pod) => [pod.metadata.name, pod.status.podIP]));
}

beforeAll(async () => {
  await createFreshNamespace(api, namespace);
  for (const row of rows) {
    await api.create(`${core}/pods`, podOf(row));
  }
  const ips = await letKubeletJudge();
  for (const row of rows) {
    ours.set(row, await ourJudgement(row, ips.get(nameOf(row)) ?? ''));
  }
}, setUpMs);

afterAll(() => removeNamespace(api, namespace));

test('at least forty pods are judged, and every finding is among them', () => {
  expect(rows.length).toBeGreaterThanOrEqual(40);
  expect(new Set(rows.map(({ finds }) => finds)).size).toBe(4);
});

describe.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
  test(`is ${row.finds} to kubelet and to us`, () => {
    const evidence = { kubelet: kubelets.get(row), ours: ours.get(row) };
    expect([evidence.kubelet?.finding, evidence.ours?.finding, evidence]).toEqual([
      row.finds,
      row.finds,
      evidence,
    ]);
  });
});

test.each(rows.filter((row) => row.sameText).map((row) => [row.name, row] as const))(
  '%s is told in the words of kubelet',
  (_, row) => {
    expect(ours.get(row)?.message.trimEnd()).toBe(kubelets.get(row)?.message.trimEnd());
  },
);
