/**
 * What administrators and their tools do to a cluster in the middle of an attempt, on a real API server: quotas on objects, nodes that nobody
 * can exec on, `kubectl replace`, finalizers of others, workloads that are created again around their pods.
 */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FALLBACK_FINALIZER } from '../../src/api/names.ts';
import { NEW, OLD } from '../sim/stories.ts';
import type { Json } from './admin-client.ts';
import { Attempt, imageOf, LIMIT_MS } from './attempt.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { refusal, refused } from './faults.ts';
import { type PlayOptions, until } from './story-run.ts';

let environment: Environment;

/** Runs `before` when there is a workload and no Upgrade yet. */
class ArrangedAttempt extends Attempt {
  before = async (): Promise<void> => {};

  override async startOperator(): Promise<void> {
    await this.before();
    await super.startOperator();
  }
}

const KUBECTL = resolve(import.meta.dirname, '../../.cluster/bin/kubectl');

/** Not synchronous: what it waits for happens in this process. */
async function kubectl({ namespace }: Attempt, args: readonly string[], input?: Json): Promise<void> {
  const running = promisify(execFile)(KUBECTL, [
    '--kubeconfig',
    environment.api.kubeconfig,
    '-n',
    namespace,
    ...args,
  ]);
  running.child.stdin?.end(input && JSON.stringify(input));
  await running;
}

const upgrade = (attempt: Attempt): Promise<Json> => environment.admin.get(attempt.upgradePath());

const goneFrom = (path: string): Promise<void> =>
  until(async () => (await environment.admin.find(path)) === undefined, LIMIT_MS);

/** The new pods that exist. */
const newPods = async (attempt: Attempt): Promise<Json[]> =>
  (await attempt.pods()).filter((pod) => imageOf(pod) === NEW);

/** As `kubectl get -o yaml` printed it, and somebody stored it. */
const manifest = ({ apiVersion, kind, metadata, spec }: Json): Json => ({
  apiVersion,
  kind,
  metadata: { name: metadata.name, labels: metadata.labels },
  spec,
});

async function limitReplicaSets(attempt: Attempt): Promise<void> {
  const quotas = attempt.path('v1', 'resourcequotas');
  const hard = { 'count/replicasets.apps': '1' };
  await environment.admin.create(quotas, { metadata: { name: 'few' }, spec: { hard } });
  const isCounted = async () =>
    (await environment.admin.get(`${quotas}/few`)).status?.used?.['count/replicasets.apps'] === '1';
  await until(isCounted, LIMIT_MS);
}

/** Refuses every exec with this message until it is restored, as if the tunnel from the API server to the nodes were down. */
function tunnelDown(message: string): Pick<PlayOptions, 'choose'> & { restore(): void } {
  let isDown = true;
  return {
    choose: ({ verb }) => (isDown && verb === 'exec' ? { fault: refused(refusal(500, message)) } : undefined),
    restore: () => {
      isDown = false;
    },
  };
}

const tests: Readonly<Record<string, () => Promise<void>>> = {
  'a quota that lets no further ReplicaSet be made is named, and the attempt ends well once it is gone':
    async () => {
      const attempt = new ArrangedAttempt(environment);
      attempt.before = () => limitReplicaSets(attempt);
      await playing(attempt, async () => {
        attempt.decide('good');
        await attempt.prepare();
        await attempt.sees(({ message }) => message.includes('exceeded quota: few'));
        await environment.admin.remove(attempt.path('v1', 'resourcequotas', 'few'));
        await attempt.ends('Succeeded', 3);
      });
    },
  ...Object.fromEntries(
    [
      'error dialing backend: No agent available',
      'error dialing backend: remote error: tls: internal error',
      'Internal error occurred: failed calling webhook "exec.example.com": context deadline exceeded',
    ].map((message) => [
      `an exec that is answered "${message}" fails nothing, and is named`,
      async () => {
        const tunnel = tunnelDown(message);
        const attempt = new Attempt(environment, 'Deployment', { choose: tunnel.choose });
        await playing(attempt, async () => {
          attempt.decide('good');
          await attempt.prepare();
          await attempt.sees((seen) => seen.message?.includes(message));
          tunnel.restore();
          await attempt.ends('Succeeded', 3);
        });
      },
    ]),
  ),
  'kubectl replace takes the finalizer away: it is set again, and a deletion restores': async () => {
    const attempt = new Attempt(environment);
    await playing(attempt, async () => {
      await attempt.prepare();
      await attempt.midWay();
      await kubectl(attempt, ['replace', '-f', '-'], manifest(await upgrade(attempt)));
      await until(
        async () => (await upgrade(attempt)).metadata.finalizers?.includes(FALLBACK_FINALIZER),
        LIMIT_MS,
      );
      await kubectl(attempt, ['delete', 'upgrade', 'web', '--wait=false']);
      await goneFrom(attempt.upgradePath());
      await attempt.serves(3, OLD);
      expect(imageOf((await attempt.workload()).spec.template)).toBe(OLD);
    });
  },
  'kubectl replace --force creates the Upgrade again: the old one restores, the new one starts over':
    async () => {
      const attempt = new Attempt(environment);
      await playing(attempt, async () => {
        await attempt.prepare();
        await attempt.midWay();
        const before = await upgrade(attempt);
        await kubectl(attempt, ['replace', '--force', '-f', '-'], manifest(before));
        expect((await upgrade(attempt)).metadata.uid).not.toBe(before.metadata.uid);
        attempt.decide('good');
        const { from } = await attempt.ends('Succeeded', 3);
        expect(from.images).toEqual({ web: OLD });
      });
    },
  'a finalizer of somebody else keeps the failed pod of a StatefulSet: the fallback goes on once it is gone':
    async () => {
      const attempt = new Attempt(environment, 'StatefulSet');
      await playing(attempt, async () => {
        await attempt.prepare();
        await attempt.midWay();
        const [pod] = await newPods(attempt);
        const path = attempt.path('v1', 'pods', pod.metadata.name);
        await environment.admin.patch(path, { metadata: { finalizers: ['example.com/backup'] } });
        attempt.decide('bad');
        await until(async () => (await environment.admin.get(path)).metadata.deletionTimestamp, LIMIT_MS);
        const { phase } = await attempt.sees(({ message }) => message.includes(pod.metadata.name));
        expect(phase).not.toBe('FallbackFailed');
        await environment.admin.patch(path, { metadata: { finalizers: null } });
        await attempt.ends('FellBack', 3);
      });
    },
  'a StatefulSet that is deleted without its pods and created again, as for larger volumes: the version is verified':
    async () => {
      const attempt = new Attempt(environment, 'StatefulSet');
      await playing(attempt, async () => {
        await attempt.prepare();
        await attempt.midWay();
        const stored = manifest(await attempt.workload());
        await kubectl(attempt, ['delete', 'statefulset', 'web', '--cascade=orphan']);
        await attempt.sees(({ attempt: { end } }) => end?.reason === 'TargetNotFound');
        await kubectl(attempt, ['create', '-f', '-'], stored);
        attempt.decide('good');
        const status = await attempt.sees(({ phase }) => phase === 'Succeeded');
        await attempt.serves(3, NEW);
        expect(status.counts.passed).toBe(3);
      });
    },
};

async function playing(attempt: Attempt, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    expect([...attempt.violations, ...attempt.memory.errors]).toEqual([]);
  } finally {
    await attempt.clear();
  }
}

const outcomes = new Map<string, Promise<void>>();
// All at once: most of what they do is to wait.
beforeAll(async () => {
  environment = await startEnvironment();
  for (const [name, run] of Object.entries(tests)) {
    const outcome = run();
    outcome.catch(() => undefined);
    outcomes.set(name, outcome);
  }
}, 900_000);
afterAll(() => environment.stop());

test.each(Object.keys(tests))('%s', (name) => outcomes.get(name), 300_000);
