/**
 * What people do with kubectl to a workload whose attempt is under way, on a real API server with its real controllers: undo, debug, set aside,
 * change the strategy, tidy up.
 */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type KindName, NEW } from '../sim/stories.ts';
import type { Json } from './admin-client.ts';
import { Attempt, imageOf, isReady, LIMIT_MS } from './attempt.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { until } from './story-run.ts';

let environment: Environment;

const KUBECTL = resolve(import.meta.dirname, '../../.cluster/bin/kubectl');

/** Not synchronous: what it waits for happens in this process. */
async function kubectl({ namespace }: Attempt, ...args: readonly string[]): Promise<void> {
  const flags = ['--kubeconfig', environment.api.kubeconfig, '-n', namespace];
  await promisify(execFile)(KUBECTL, [...flags, ...args]);
}

const workloadOf = ({ story }: Attempt): string => `${story.workload.kind.toLowerCase()}/web`;
const patch = (attempt: Attempt, spec: object): Promise<void> =>
  kubectl(attempt, 'patch', workloadOf(attempt), '-p', JSON.stringify({ spec }));

async function newPod(attempt: Attempt): Promise<Json> {
  const pods = await attempt.pods();
  return pods.find((pod) => imageOf(pod) === NEW && !pod.metadata.deletionTimestamp);
}

async function undone(attempt: Attempt): Promise<void> {
  await kubectl(attempt, 'rollout', 'undo', workloadOf(attempt));
  attempt.decide('good');
  const { message, attempt: last } = await attempt.ends('FellBack', 3);
  expect(last.end.reason).toBe('Aborted');
  expect(message).toMatch(/; web:2\.0 was aborted by kubectl\S*, which set the previous image again$/);
}

async function debugged(attempt: Attempt): Promise<void> {
  const { name } = (await newPod(attempt)).metadata;
  await kubectl(attempt, 'debug', name, '--image=busybox', '--target=web', '-c', 'look', '--', 'ps');
  await until(async () => (await newPod(attempt)).metadata.generation > 1, LIMIT_MS);
  attempt.decide('good');
  const { counts } = await attempt.ends('Succeeded', 3);
  expect(counts.passed).toBe(3);
  expect((await attempt.pods()).map(({ metadata }) => metadata.name)).toContain(name);
}

async function setAside(attempt: Attempt): Promise<void> {
  const { name } = (await newPod(attempt)).metadata;
  await kubectl(attempt, 'label', 'pod', name, 'app=aside', '--overwrite');
  attempt.decide('bad');
  const { fallback } = await attempt.sees(({ phase }) => phase === 'FellBack');
  expect(fallback.evidence.map(({ pod }: Json) => pod)).not.toContain(name);
  // It stays for whoever looks at it, and nothing is closed that nobody would open.
  const aside = attempt.path('v1', 'pods', name);
  await until(async () => isReady(await environment.admin.get(aside)), LIMIT_MS);
}

async function bad(attempt: Attempt): Promise<void> {
  attempt.decide('bad');
  await attempt.ends('FellBack', 3);
}

const RECREATE = { strategy: { $retainKeys: ['type'], type: 'Recreate' } };
const SURGE = { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } };

type Play = readonly [kind: KindName, play: (attempt: Attempt) => Promise<unknown>];
const ofEach = (kinds: readonly KindName[], what: string, play: Play[1]): [string, Play][] =>
  kinds.map((kind) => [`${what}: ${kind}`, [kind, play]]);

const PLAYS: Readonly<Record<string, Play>> = {
  ...Object.fromEntries(
    ofEach(
      ['Deployment', 'StatefulSet', 'DaemonSet OnDelete'],
      'kubectl rollout undo aborts the attempt, and every pod goes back (tidb-operator#5204, argo-rollouts#1254)',
      undone,
    ),
  ),
  'kubectl debug adds a container to a new pod, which is verified all the same (kubernetes#124270)': [
    'Deployment',
    debugged,
  ],
  'a new pod that is set aside by its labels is evidence no more, and its gate opens in the end (kubectl#1836)':
    ['Deployment', setAside],
  'a Deployment that becomes Recreate falls back': [
    'Deployment',
    async (attempt) => {
      await patch(attempt, RECREATE);
      await bad(attempt);
    },
  ],
  'a DaemonSet that is to surge falls back': [
    'DaemonSet',
    async (attempt) => {
      await patch(attempt, SURGE);
      await bad(attempt);
    },
  ],
  'a DaemonSet that is to surge is verified': [
    'DaemonSet',
    async (attempt) => {
      await patch(attempt, SURGE);
      attempt.decide('good');
      await attempt.ends('Succeeded', 3);
    },
  ],
  ...Object.fromEntries(
    ofEach(
      ['StatefulSet', 'DaemonSet'],
      'without the revisions that somebody deleted it falls back',
      async (attempt) => {
        await kubectl(attempt, 'delete', 'controllerrevisions', '--all');
        await bad(attempt);
      },
    ),
  ),
  'without the ReplicaSets that somebody deleted it falls back': [
    'Deployment',
    async (attempt) => {
      await kubectl(attempt, 'delete', 'replicasets', '--all');
      await bad(attempt);
    },
  ],
};

async function played([kind, play]: Play): Promise<void> {
  const attempt = new Attempt(environment, kind);
  try {
    await attempt.prepare();
    await attempt.midWay();
    await play(attempt);
    expect([...attempt.violations, ...attempt.memory.errors]).toEqual([]);
  } finally {
    await attempt.clear();
  }
}

const outcomes = new Map<string, Promise<void>>();
// All at once: most of what they do is to wait.
beforeAll(async () => {
  environment = await startEnvironment();
  for (const [name, play] of Object.entries(PLAYS)) {
    const outcome = played(play);
    outcome.catch(() => undefined);
    outcomes.set(name, outcome);
  }
}, 900_000);
afterAll(() => environment.stop());

test.each(Object.keys(PLAYS))('%s', (name) => outcomes.get(name), 300_000);
