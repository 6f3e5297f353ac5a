/** A fleet on real nodes in which the new version fails on one: exactly that node goes back, and is named with what sets it apart. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { env, execPath } from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import { tool } from '../../packages/cli/test/cli-environment.ts';
import { VERIFIED } from '../../src/api/names.ts';
import type { Json } from './support/api.ts';
import { conditionOf, imageOf, isReady } from './support/pod-history.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { image, type Overrides, upgrade } from './support/workloads.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const HOSTNAME = 'kubernetes.io/hostname';

/** Each container knows where it runs. */
const ON_DELETE: Overrides = {
  spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } },
  container: { env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }] },
};

/** Version v2 does not work on this node, as if it were of another make. */
const failsOn = (node: string, spec: Json = {}): Json =>
  upgrade('DaemonSet', 'v2', {
    strategy: { failureBudget: { maxFailed: 1 }, explainBy: [HOSTNAME] },
    ...spec,
    postCheck: {
      deadlineSeconds: 90,
      checks: [
        {
          name: 'asic',
          exec: { command: ['sh', '-c', `[ "$VERSION$NODE" != "v2${node}" ] || exit 17`] },
          exitCodes: [{ codes: '17', class: 'Fail', reason: 'AsicUnsupported' }],
        },
      ],
    },
  });

const runsOn = (s: Scenario): Readonly<Record<string, string>> =>
  Object.fromEntries(s.pods.live.filter(isReady).map((pod) => [pod.spec.nodeName, imageOf(pod)]));

const verdictOf = (pod: Json): string | undefined => conditionOf(pod, VERIFIED)?.status;

/** Our watch may be a moment behind the operator's. */
const seesRunning = (s: Scenario, wanted: Readonly<Record<string, string>>): Promise<unknown> =>
  waitFor(
    `${JSON.stringify(wanted)} to run`,
    async () => runsOn(s),
    (seen) => isDeepStrictEqual({ ...seen }, { ...wanted }),
  );

const all = (nodes: readonly string[], tag: string): Readonly<Record<string, string>> =>
  Object.fromEntries(nodes.map((node) => [node, image(tag)]));

/** The exit code of `kubectl postcheck status`. */
async function statusCode(namespace: string): Promise<number> {
  const path = await tool();
  const where = env['CONTEXT']
    ? ['--context', env['CONTEXT']]
    : ['--kubeconfig', join(ROOT, '.cluster/kubeconfig')];
  return await new Promise((done) => {
    execFile(execPath, [path, 'status', 'web', '-n', namespace, ...where], (error) =>
      done(error ? Number(error.code ?? 1) : 0),
    );
  });
}

test(
  'the one node on which the new version fails goes back, alone, and is tried again by a retry',
  scenario('DaemonSet', 'fleet failed pods', async (s) => {
    await s.deploy('v1', ON_DELETE);
    const [bad = '', ...good] = Object.keys(runsOn(s)).sort();
    await s.create(failsOn(bad, { fallback: { scope: 'FailedPods' } }));

    const status = await s.until('Partial', 180);
    expect(status.left).toMatchObject([{ name: bad, state: 'Back', reason: 'AsicUnsupported' }]);
    expect(status.message).toBe(
      `DaemonSet web runs app:v2, verified on ${good.length} of ${good.length + 1} pods; 1 runs app:v1 again: ${bad}: asic in container app exited 17 (AsicUnsupported); the failed pod is on a node with ${HOSTNAME}=${bad}, but none of the ${good.length} verified pods`,
    );
    await seesRunning(s, { ...all(good, 'v2'), [bad]: image('v1') });
    const { containers } = (await s.workload()).spec.template.spec;
    expect(containers[0].image).toBe(image('v2'));
    expect(await s.events()).toContain('PodFellBack');
    expect(await statusCode(s.namespace)).toBe(4);

    const verified = s.pods.live
      .filter((pod) => imageOf(pod) === image('v2'))
      .map(({ metadata }) => metadata.uid);
    await s.edit({ postCheck: failsOn('none').spec.postCheck });
    await s.say('retry', 'mended');
    await s.until('Succeeded', 180);
    await seesRunning(s, all([...good, bad], 'v2'));
    const now = s.pods.live.map(({ metadata }) => metadata.uid);
    expect(now).toEqual(expect.arrayContaining(verified));
  }),
  TEST_MS,
);

test(
  'a pod that fails within the budget stays, and an abort takes all of them back',
  scenario('DaemonSet', 'fleet budget', async (s) => {
    await s.deploy('v1', ON_DELETE);
    const [bad = '', ...good] = Object.keys(runsOn(s)).sort();
    await s.create(failsOn(bad));
    const status = await s.until('Partial', 180);
    expect(status.left).toMatchObject([{ name: bad, state: 'Failed' }]);
    const pods = await waitFor(
      'the pod that failed to be told so',
      async () => s.pods.live,
      (live) => live.some((pod) => pod.spec.nodeName === bad && verdictOf(pod) === 'False'),
    );
    expect(pods.map(imageOf)).toEqual(pods.map(() => image('v2')));

    await s.say('abort', 'after all');
    await s.until('FellBack', 180);
    await seesRunning(s, all([bad, ...good], 'v1'));
  }),
  TEST_MS,
);
