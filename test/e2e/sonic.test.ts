/**
 * The SONiC-like feature from end to end: supervisord as process 1, a `start` program, a critical process with its exit listener, the readiness
 * script with a hook, and the operator. The bad versions run on one node each, which shows as much as three.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { readRegistry } from '../../packages/cli/src/registry.ts';
import { Api, type Json, run } from './support/api.ts';
import {
  createIn,
  inNamespace,
  loadImages,
  manifests,
  PATIENT,
  PATIENT_SECONDS,
  rolledOut,
  statusOf,
} from './support/manifests.ts';
import { waitFor } from './support/wait.ts';

const ENDED_SECONDS = 240;
const TEST_MS = 480_000;
const IMAGE = 'postcheck.local/examples/sonic-feature';
const api = new Api();

beforeAll(() => loadImages('examples/sonic-feature/images.sh'), TEST_MS);

interface Wanted {
  readonly tag: string;
  /** Laid over the example's own post-check. */
  readonly postCheck?: Json;
  /** Laid over the feature's container. */
  readonly container?: Json;
  readonly everyNode?: boolean;
}

/** What a test looks at: the namespace, and the Upgrade's status once its attempt has ended. */
interface Seen {
  readonly namespace: string;
  readonly status: Json;
}

const podsIn = (namespace: string): Promise<Json[]> => api.list(`/api/v1/namespaces/${namespace}/pods`);
const eventsIn = (namespace: string): Promise<Json[]> => api.list(`/api/v1/namespaces/${namespace}/events`);
const exec = (namespace: string, pod: string, ...command: string[]): string =>
  run('kubectl', ['-n', namespace, 'exec', pod, '--', ...command]);

async function readyNode(): Promise<string> {
  const nodes = await api.list('/api/v1/nodes');
  const ready = (node: Json) =>
    !node.spec.taints &&
    node.status.conditions.some(({ type, status }: Json) => type === 'Ready' && status === 'True');
  return nodes.find(ready)?.metadata.name;
}

/** The example as it is, at 1.0 and then on its way to another version, until that attempt has ended. */
const upgraded =
  (
    name: string,
    { tag, postCheck, container, everyNode = false }: Wanted,
    look: (seen: Seen) => Promise<void>,
  ) =>
  () =>
    inNamespace(api, `sonic-${name}`, async (namespace) => {
      const objects = manifests('sonic-feature/daemonset.yaml').filter(({ kind }) => kind !== 'Namespace');
      const workload = objects.find(({ kind }) => kind === 'DaemonSet');
      const { spec } = workload.spec.template;
      Object.assign(spec.containers[0], { env: PATIENT }, container);
      Object.assign(spec.containers[0].readinessProbe, { periodSeconds: 5, timeoutSeconds: PATIENT_SECONDS });
      // By label: a pod that names its node would not go through the scheduler, whose rules are part of what is tried.
      if (!everyNode) {
        spec.nodeSelector = { 'kubernetes.io/hostname': await readyNode() };
      }
      for (const object of objects) {
        await createIn(api, namespace, object);
      }
      await rolledOut(api, namespace, workload);

      const [upgrade] = manifests('sonic-feature/upgrade.yaml');
      upgrade.spec.containers[0].image = `${IMAGE}:${tag}`;
      upgrade.spec.postCheck = {
        ...upgrade.spec.postCheck,
        periodSeconds: 4,
        readiness: { minReadySeconds: 2 },
        ...postCheck,
      };
      upgrade.spec.postCheck.checks[0].timeoutSeconds = PATIENT_SECONDS;
      upgrade.spec.fallback = { deadlineSeconds: 90 };
      await createIn(api, namespace, upgrade);
      await look({
        namespace,
        status: await statusOf(api, namespace, 'feature', ({ attempt }) => attempt?.end, ENDED_SECONDS),
      });
    });

/** It fell back from `tag` because of `cause`, and the old version was verified by the readiness script. */
async function expectFellBack({ namespace, status }: Seen, tag: string, cause: RegExp): Promise<void> {
  expect(status).toMatchObject({
    phase: 'FellBack',
    fallback: { state: 'Verified', verified: 'PostCheck', images: { feature: `${IMAGE}:1.0` } },
  });
  expect(status.fallback.cause).toMatch(cause);
  expect(status.message).toContain(
    `sonic-feature:1.0 runs again, verified on 1 pod; sonic-feature:${tag} failed: ${status.fallback.cause}`,
  );
  const [pod] = await podsIn(namespace);
  expect(pod.spec.containers[0].image).toBe(`${IMAGE}:1.0`);
  expect(exec(namespace, pod.metadata.name, '/usr/bin/readiness_probe.sh')).toMatch(
    /^postcheck: stage=ready code=0 /m,
  );
}

/** Kills the critical process; the command may end with the container, as all that runs there. */
function endContainer(namespace: string, pod: string): void {
  try {
    exec(namespace, pod, 'supervisorctl', 'signal', 'KILL', 'featured');
  } catch (error) {
    expect(error).toMatchObject({ status: 137 });
  }
}

/** What its evidence keeps of the script's output. */
const scriptSaid = ({ status }: Seen): string => status.fallback.evidence[0].checks[0].output;

test.concurrent(
  'a healthy version is verified on every node; a critical process that dies later is a matter of its listener alone',
  upgraded('healthy', { tag: '2.0', everyNode: true }, async ({ namespace, status }) => {
    const pods = await podsIn(namespace);
    expect(status).toMatchObject({
      phase: 'Succeeded',
      summary: `${pods.length}/${pods.length}`,
      attempt: { end: { reason: 'PostCheckPassed' } },
    });
    expect(status.message).toMatch(
      `DaemonSet feature runs sonic-feature:2.0, verified on ${pods.length} of ${pods.length} pods`,
    );
    for (const { message } of status.pods) {
      expect(message).toBe('readiness-probe in container feature exited 0');
    }
    expect((await eventsIn(namespace)).filter(({ reason }) => reason === 'StartupProbe')).toEqual([]);

    const { name, uid } = pods[0].metadata;
    endContainer(namespace, name);

    const restarted = await waitFor(
      'the container to be ready again',
      () => api.get(`/api/v1/namespaces/${namespace}/pods/${name}`),
      ({ status: { containerStatuses } }) =>
        containerStatuses[0].restartCount === 1 && containerStatuses[0].ready,
    );
    expect(restarted.metadata.uid).toBe(uid);
    expect(run('kubectl', ['-n', namespace, 'logs', name, '--previous'])).toContain(
      'exit listener: critical process featured ended unexpectedly; ending the container',
    );
    // Neither kubelet, because of a probe, nor postcheck had a hand in it.
    expect(
      (await eventsIn(namespace)).filter(
        ({ reason, involvedObject }) => reason === 'Killing' && involvedObject.uid === uid,
      ),
    ).toEqual([]);
    const now = await statusOf(api, namespace, 'feature', () => true, 0);
    expect(now).toMatchObject({ phase: 'Succeeded', attempt: { number: 1, end: status.attempt.end } });
  }),
  TEST_MS,
);

test.concurrent(
  'a version whose start waits behind its gate stays at code 2 until the deadline, and is taken back',
  upgraded('frozen', { tag: '2.0-frozen', postCheck: { deadlineSeconds: 20 } }, async (seen) => {
    await expectFellBack(
      seen,
      '2.0-frozen',
      /readiness-probe in container feature exited 2 \(StartServiceNotDone: start is RUNNING, not yet EXITED with status 0\).* until the deadline of 20s$/,
    );
    expect(scriptSaid(seen)).toMatch(/^postcheck: stage=supervisor code=2 state=RUNNING exitstatus=- /m);
  }),
  TEST_MS,
);

test.concurrent(
  'a version whose start ends with 3 is taken back, and the status says so in the words of the script',
  upgraded('start-fails', { tag: '2.0-start-fails', postCheck: { deadlineSeconds: 20 } }, async (seen) => {
    await expectFellBack(
      seen,
      '2.0-start-fails',
      /exited 2 \(StartServiceNotDone: start ended with exit status 3\).* until the deadline of 20s$/,
    );
    expect(scriptSaid(seen)).toMatch(/^postcheck: stage=supervisor code=2 state=EXITED exitstatus=3 /m);
  }),
  TEST_MS,
);

const registry = readRegistry(
  readFileSync(join(import.meta.dirname, '../../examples/sonic-feature/codes.yaml'), 'utf8'),
);
const exitCodes = 'rules' in registry ? registry.rules : [];
const CHECK = { name: 'readiness-probe', exec: { command: ['/usr/bin/readiness_probe.sh'] }, exitCodes };

test.concurrent(
  'a version whose hook returns 17 is taken back, and the status gives the meaning from the registry of the hook',
  upgraded(
    'hook-17',
    { tag: '2.0-hook-17', postCheck: { deadlineSeconds: 20, checks: [CHECK] } },
    async (seen) => {
      await expectFellBack(
        seen,
        '2.0-hook-17',
        /readiness-probe in container feature exited 17 \(NoNeighbour: No neighbour is connected\).* until the deadline of 20s$/,
      );
      expect(scriptSaid(seen)).toMatch(/^no neighbour is connected$.*^postcheck: stage=hook code=17 /ms);
    },
  ),
  TEST_MS,
);

test.concurrent(
  'a version whose critical process dies again and again is restarted by its listener, and taken back after maxRestarts',
  upgraded(
    'critical-dies',
    {
      tag: '2.0-critical-dies',
      postCheck: { deadlineSeconds: 200, readiness: { minReadySeconds: 10, maxRestarts: 1 } },
    },
    async (seen) => {
      await expectFellBack(
        seen,
        '2.0-critical-dies',
        /container feature restarted 2 times, last with exit code 0; allowed: 1$/,
      );
      const probed = (await eventsIn(seen.namespace)).filter(({ message }) =>
        /failed (startup|liveness) probe/.test(message),
      );
      expect(probed).toEqual([]);
    },
  ),
  TEST_MS,
);

test.concurrent(
  'a workload with a startupProbe is upgraded, with one warning that it may hide what the post-check should see',
  upgraded(
    'startup-probe',
    {
      tag: '2.0',
      container: {
        startupProbe: {
          exec: { command: ['/usr/bin/readiness_probe.sh'] },
          timeoutSeconds: PATIENT_SECONDS,
          failureThreshold: 30,
        },
      },
    },
    async ({ namespace, status }) => {
      expect(status.phase).toBe('Succeeded');
      const about = (await eventsIn(namespace)).filter(
        ({ involvedObject, reason }) => involvedObject.kind === 'Upgrade' && reason === 'StartupProbe',
      );
      expect(about).toHaveLength(1);
      expect(about[0]).toMatchObject({
        type: 'Warning',
        message:
          'container feature has a startupProbe, which restarts it before the post-check can detect a failure: use a readinessProbe',
      });
      expect(about[0].series ?? null).toBeNull();
    },
  ),
  TEST_MS,
);
