/**
 * What administrators, their tools and their nodes do to an attempt, on a real API server: quotas on objects, policies of others, nodes that
 * nobody can exec on, runtimes that fail, evictions, `kubectl replace`, finalizers of others, workloads that are deleted around their pods.
 */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FALLBACK_FINALIZER } from '../../src/api/names.ts';
import type { Answer } from '../sim/behaviour.ts';
import { NEW, OLD } from '../sim/stories.ts';
import type { Json } from './admin-client.ts';
import { Attempt, imageOf, isReady, LIMIT_MS } from './attempt.ts';
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

/** A quota that lets no further object of this resource be created. */
async function limit(attempt: Attempt, resource: string): Promise<void> {
  const quotas = attempt.path('v1', 'resourcequotas');
  const counted = `count/${resource}`;
  await environment.admin.create(quotas, { metadata: { name: 'few' }, spec: { hard: { [counted]: '1' } } });
  const isCounted = async () =>
    (await environment.admin.get(`${quotas}/few`)).status?.used?.[counted] === '1';
  await until(isCounted, LIMIT_MS);
}

const ADVICE = 'ask the security team';

interface Policy {
  readonly group: '' | 'apps';
  readonly resource: string;
  readonly expression: string;
  /** With which the API server answers 403 or 422. */
  readonly reason: 'Forbidden' | 'Invalid';
}

const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
const BINDINGS = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';

/** A policy that somebody else made for this namespace. Returns what removes it. */
async function forbid({ namespace }: Attempt, policy: Policy): Promise<() => Promise<void>> {
  const { admin } = environment;
  const { group, resource, expression, reason } = policy;
  const rule = {
    apiGroups: [group],
    apiVersions: ['v1'],
    operations: ['UPDATE'],
    resources: [resource],
  };
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  await admin.create(POLICIES, {
    metadata: { name: namespace },
    spec: {
      matchConstraints: { namespaceSelector, resourceRules: [rule] },
      validations: [{ expression, reason, message: ADVICE }],
    },
  });
  const binding = { policyName: namespace, validationActions: ['Deny'] };
  await admin.create(BINDINGS, { metadata: { name: namespace }, spec: binding });
  return async () => {
    await admin.remove(`${BINDINGS}/${namespace}`);
    await admin.remove(`${POLICIES}/${namespace}`);
  };
}

const stalledReason = ({ conditions = [] }: Json): string =>
  conditions.find(({ type }: Json) => type === 'Stalled')?.reason;

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

const REFUSED_BY_OTHERS: Readonly<Record<string, Policy>> = {
  'its verdicts with 403': {
    group: '',
    resource: 'pods/status',
    expression:
      "!has(object.status.conditions) || !object.status.conditions.exists(c, c.type == 'postcheck.dev/verified' && c.status == 'True')",
    reason: 'Forbidden',
  },
  'the release of its fields with 422': {
    group: 'apps',
    resource: 'deployments',
    // Nothing but the operator's release changes neither the template nor an annotation.
    expression: `object.spec.template != oldObject.spec.template || object.metadata.annotations != oldObject.metadata.annotations || object.spec.template.spec.containers.all(c, c.image != '${NEW}')`,
    reason: 'Invalid',
  },
};

const SCRIPT = '/usr/bin/readiness_probe.sh';

/** What a runtime answers for a command that it has not run, or whose result it has lost. */
const NO_EVIDENCE: Readonly<Record<string, { readonly answer: Answer; readonly said: string }>> = {
  'a container without a process left for its check': {
    answer: { code: 255, output: `exec ${SCRIPT}: resource temporarily unavailable\n` },
    said: 'resource temporarily unavailable',
  },
  'a runtime that could not start the check': {
    answer: {
      code: 126,
      output:
        'OCI runtime exec failed: exec failed: unable to start container process: read init-p: connection reset by peer: unknown\n',
    },
    said: 'read init-p: connection reset by peer',
  },
  'a runtime that reports success for what failed': {
    answer: { code: 0, output: 'postcheck: stage=hook code=17 state=EXITED hook=17 ms=40\n' },
    said: 'the container runtime reported exit code 0, but the script ended with 17',
  },
};

const tests: Readonly<Record<string, () => Promise<void>>> = {
  'a quota that lets no further ReplicaSet be made is named, and the attempt ends well once it is gone':
    async () => {
      const attempt = new ArrangedAttempt(environment);
      attempt.before = () => limit(attempt, 'replicasets.apps');
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
  'a quota that lets no further ControllerRevision be made is named as a possible cause, as no controller reports it':
    async () => {
      const attempt = new ArrangedAttempt(environment, 'StatefulSet');
      attempt.before = () => limit(attempt, 'controllerrevisions.apps');
      await playing(attempt, async () => {
        attempt.decide('good');
        await attempt.prepare();
        await attempt.sees(({ message }) =>
          message.includes('a quota may forbid a further ControllerRevision'),
        );
        await environment.admin.remove(attempt.path('v1', 'resourcequotas', 'few'));
        // Its controller tries again ever more rarely, and with each change.
        await environment.admin.patch(attempt.workloadPath(), {
          metadata: { annotations: { quota: 'gone' } },
        });
        await attempt.ends('Succeeded', 3);
      });
    },
  ...Object.fromEntries(
    Object.entries(REFUSED_BY_OTHERS).map(([what, policy]) => [
      `a policy of others that forbids ${what} is told as a rejection, not as a missing permission`,
      async () => {
        const attempt = new ArrangedAttempt(environment);
        let allow = async (): Promise<void> => {};
        attempt.before = async () => {
          allow = await forbid(attempt, policy);
        };
        const steps = async () => {
          attempt.decide('good');
          await attempt.prepare();
          const { message } = await attempt.sees((seen) => stalledReason(seen) === 'Refused');
          expect(message).toContain(ADVICE);
          await allow();
          await attempt.ends('Succeeded', 3);
        };
        await playing(attempt, steps, ADVICE);
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(NO_EVIDENCE).map(([what, { answer, said }]) => [
      `${what} neither passes nor fails a pod, and is named`,
      async () => {
        const attempt = new Attempt(environment);
        await playing(attempt, async () => {
          attempt.answer(answer);
          await attempt.prepare();
          await attempt.sees(({ message }) => message?.includes(said));
          attempt.decide('bad');
          await attempt.ends('FellBack', 3);
        });
      },
    ]),
  ),
  'a pod that is evicted in the middle of an attempt stays behind as a failed one, and its replacement is verified':
    async () => {
      const attempt = new Attempt(environment);
      await playing(attempt, async () => {
        await attempt.prepare();
        await attempt.midWay();
        const [pod] = await newPods(attempt);
        const { name } = pod.metadata;
        const status = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory.' };
        await environment.admin.patch(`${attempt.path('v1', 'pods', name)}/status`, { status });
        attempt.decide('good');
        const { counts, pods } = await attempt.sees(({ phase }) => phase === 'Succeeded');
        expect(counts.passed).toBe(3);
        expect(pods.map((one: Json) => one.name)).not.toContain(name);
        expect((await newPods(attempt)).map(({ metadata }) => metadata.name)).toContain(name);
      });
    },
  ...Object.fromEntries(
    (['Deployment', 'StatefulSet'] as const).map((kind) => [
      `a ${kind} that is deleted without its pods, and not created again, leaves no closed gate behind`,
      async () => {
        const attempt = new Attempt(environment, kind);
        await playing(attempt, async () => {
          await attempt.prepare();
          await attempt.midWay();
          expect((await newPods(attempt)).some(isReady)).toBe(false);
          await kubectl(attempt, ['delete', kind.toLowerCase(), 'web', '--cascade=orphan']);
          await attempt.sees(({ attempt: { end } }) => end?.reason === 'TargetNotFound');
          await until(async () => (await newPods(attempt)).every(isReady), LIMIT_MS);
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

/** `refused`: what the operator's log may say that the API server rejected. */
async function playing(attempt: Attempt, run: () => Promise<void>, refused?: string): Promise<void> {
  try {
    await run();
    const errors = attempt.memory.errors.filter((line) => !refused || !line.includes(refused));
    expect([...attempt.violations, ...errors]).toEqual([]);
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
