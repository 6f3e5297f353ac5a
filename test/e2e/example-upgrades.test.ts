/** The examples' Upgrades: each verifies version 2 of its workload, and checks over the network find a version that does not answer well. */
import { beforeAll, expect, test } from '@jest/globals';
import { Api, type Json } from './support/api.ts';
import { createIn, inNamespace, loadImages, manifests, rolledOut, statusOf } from './support/manifests.ts';
import { scenario } from './support/scenario.ts';
import { image, upgrade } from './support/workloads.ts';

/** The examples' own deadlines are for real life: five minutes a pod. */
const ENDED_SECONDS = 240;
const TEST_MS = 480_000;
const api = new Api();

beforeAll(() => loadImages('examples/images.sh'), TEST_MS);

/** Creates the example's workload at version 1, changed as wanted, and waits for it; gives its Upgrade. */
async function deployed(
  namespace: string,
  example: string,
  change: (workload: Json) => void = () => undefined,
): Promise<Json> {
  const objects = manifests(`${example}/workload.yaml`);
  const [workload] = objects;
  change(workload);
  for (const object of objects) {
    await createIn(api, namespace, object);
  }
  await rolledOut(api, namespace, workload);
  return manifests(`${example}/upgrade.yaml`)[0];
}

const containerOf = (workload: Json): Json => workload.spec.template.spec.containers[0];

const EXAMPLES = [
  {
    example: 'liveness-readiness',
    pods: 3,
    checks: ['home-page in container app passed', 'right-page in container app exited 0'],
  },
  { example: 'tcp', pods: 2, checks: ['listens in container app passed'] },
  { example: 'grpc', pods: 2, checks: ['serving in container app passed'] },
  { example: 'worker-heartbeat', pods: 2, checks: ['readiness-probe in container app exited 0'] },
  { example: 'worker-socket', pods: 2, checks: ['readiness-probe in container app exited 0'] },
];

test.concurrent(
  'each example is upgraded to version 2 by its own Upgrade, verified by its own checks',
  () =>
    inNamespace(api, 'examples', async (namespace) => {
      await Promise.all(
        EXAMPLES.map(async ({ example, pods, checks }) => {
          await createIn(api, namespace, await deployed(namespace, example));

          const status = await statusOf(
            api,
            namespace,
            example,
            ({ attempt }) => attempt?.end,
            ENDED_SECONDS,
          );

          expect(status).toMatchObject({
            phase: 'Succeeded',
            summary: `${pods}/${pods}`,
            attempt: { gating: false, end: { reason: 'PostCheckPassed' } },
            lastVerified: { images: { app: `postcheck.local/examples/${example}:2` }, pods },
          });
          expect(status.message).toMatch(
            new RegExp(
              `^Deployment ${example} runs ${example}:2, verified on ${pods} of ${pods} pods in [\\dm]+s$`,
            ),
          );
          for (const { message } of status.pods) {
            expect(message).toBe(checks.join(', '));
          }
        }),
      );
    }),
  TEST_MS,
);

test.concurrent(
  'a port on which nobody listens says nothing about a pod that is Ready: the Upgrade is Inconclusive, and falls back from nothing',
  () =>
    inNamespace(api, 'tcp-nobody', async (namespace) => {
      const tcp = await deployed(namespace, 'tcp');
      tcp.spec.postCheck = {
        periodSeconds: 2,
        deadlineSeconds: 20,
        checks: [{ name: 'listens', tcpSocket: { port: 9001 }, timeoutSeconds: 3 }],
      };
      await createIn(api, namespace, tcp);

      const onItsWay = ['Pending', 'Upgrading', 'PostChecking'];
      const status = await statusOf(
        api,
        namespace,
        'tcp',
        ({ phase }) => phase && !onItsWay.includes(phase),
        ENDED_SECONDS,
      );

      expect(status).toMatchObject({
        phase: 'Inconclusive',
        counts: { passed: 0, failed: 0, inconclusive: 1 },
      });
      expect(status.message).toMatch(
        /^No verdict on tcp:2 yet: .*listens in container app returned no result \(NoEvidence: connect to \S+:9001: connection refused\)/,
      );
      expect(status.pods[0].checks[0]).toMatchObject({
        check: 'listens',
        class: 'Error',
        reason: 'NoEvidence',
      });
      expect(status).not.toHaveProperty('fallback');
    }),
  TEST_MS,
);

test.concurrent(
  'a page that answers 500 is evidence: the Upgrade falls back, and says so',
  scenario('Deployment', 'http 500', async (s) => {
    await s.deploy('v1');
    const page = { name: 'page', httpGet: { port: 8080, path: '/cgi-bin/ready' } };
    await s.create(
      upgrade('Deployment', 'neverready', { postCheck: { deadlineSeconds: 10, checks: [page] } }),
    );

    const status = await s.until((seen) => seen.attempt?.end);

    const cause =
      /pod web-\S+ on \S+: page in container app failed \(ProbeFailed: statuscode: 500\) until the deadline of 10s$/;
    expect(status).toMatchObject({
      phase: 'FellBack',
      fallback: { verified: 'PostCheck', cause: expect.stringMatching(cause) },
    });
    expect(status.message).toMatch(cause);
    expect(s.pods.served).toEqual(new Set([image('v1')]));
  }),
  TEST_MS,
);

test.concurrent(
  'a gRPC server that says NOT_SERVING is evidence: the Upgrade falls back, and says so',
  () =>
    inNamespace(api, 'grpc-not-serving', async (namespace) => {
      const grpc = await deployed(namespace, 'grpc', (workload) => {
        const container = containerOf(workload);
        // Version 2 switches to NOT_SERVING before it listens. kubelet must not ask: this is about the check's own evidence.
        container.command = [
          'node',
          '--eval',
          `import('/app/app.mjs').then(() => process.env.VERSION === '2' && process.emit('SIGUSR2'))`,
        ];
        delete container.readinessProbe;
      });
      grpc.spec.postCheck = {
        ...grpc.spec.postCheck,
        periodSeconds: 2,
        deadlineSeconds: 20,
        readiness: { minReadySeconds: 0 },
      };
      grpc.spec.fallback = { deadlineSeconds: 90 };
      await createIn(api, namespace, grpc);

      const status = await statusOf(api, namespace, 'grpc', ({ attempt }) => attempt?.end, ENDED_SECONDS);

      expect(status).toMatchObject({
        phase: 'FellBack',
        fallback: { verified: 'PostCheck', images: { app: 'postcheck.local/examples/grpc:1' } },
      });
      expect(status.message).toMatch(
        /serving in container app failed \(ProbeFailed: responded with "NOT_SERVING"\) until the deadline of 20s$/,
      );
    }),
  TEST_MS,
);
