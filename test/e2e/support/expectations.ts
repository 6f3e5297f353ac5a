/** What is true of every scenario that ends in the same way: the cluster, the status, the events and the metrics. */
import { expect } from '@jest/globals';
import type { Json } from './api.ts';
import { imageOf, isReady } from './pod-history.ts';
import type { Scenario } from './scenario.ts';
import { waitFor } from './wait.ts';
import { CONTAINER, image, REPLICAS } from './workloads.ts';

const conditions = (status: Json): Json =>
  Object.fromEntries(status.conditions.map(({ type, status: value }: Json) => [type, value]));

/** Every pod runs `tag` and is Ready, and the template says so too. */
export async function expectServing(s: Scenario, tag: string): Promise<void> {
  const { spec, metadata } = await s.settled();
  // A claim on the image would make the next server-side apply of the workload's owner conflict.
  expect(metadata.managedFields.filter(({ manager }: Json) => manager === 'postcheck')).toEqual([]);
  expect(spec.template.spec.containers.map(({ image }: Json) => image)).toEqual([image(tag)]);
  const pods = await waitFor(
    'old pods to go',
    async () => s.pods.live,
    (live) => live.every((pod) => imageOf(pod) === image(tag) && isReady(pod)),
  );
  expect(pods).toHaveLength(s.kind === 'DaemonSet' ? 3 : REPLICAS);
}

/** No unverified pod served, and as many went on serving as the workload's own strategy promises. */
export function expectProtected(s: Scenario): void {
  expect([...s.pods.leaked]).toEqual([]);
  const wanted = s.kind === 'DaemonSet' ? 3 : REPLICAS;
  expect(s.pods.leastServing).toBeGreaterThanOrEqual(s.kind === 'StatefulSet' ? wanted - 1 : wanted);
}

/** The attempt succeeded with `tag`. */
export async function expectSucceeded(s: Scenario, status: Json, tag: string): Promise<void> {
  const pods = s.kind === 'DaemonSet' ? 3 : REPLICAS;
  expect(status).toMatchObject({
    phase: 'Succeeded',
    summary: `${pods}/${pods}`,
    attempt: { gating: false, end: { outcome: 'Succeeded', reason: 'PostCheckPassed' } },
    lastVerified: { images: { [CONTAINER]: image(tag) }, pods },
    counts: {
      desired: pods,
      updated: pods,
      passed: pods,
      retrying: 0,
      failed: 0,
      inconclusive: 0,
      skipped: 0,
    },
    exitCodes: [{ check: 'readiness-probe', container: CONTAINER, code: 0, class: 'Pass' }],
  });
  expect(status.message).toMatch(`${s.kind} web runs app:${tag}, verified on ${pods} of ${pods} pods`);
  expect(conditions(status)).toMatchObject({
    Ready: 'True',
    Reconciling: 'False',
    Stalled: 'False',
    Verified: 'True',
    FallenBack: 'False',
  });
  await expectServing(s, tag);
  await s.saw('UpgradeStarted', 'PostCheckPassed');
  await s.counted('Succeeded');
}

/** The attempt with `bad` fell back to v1, because of `cause`. */
export async function expectFellBack(s: Scenario, status: Json, bad: string, cause: RegExp): Promise<void> {
  expect(status).toMatchObject({
    phase: 'FellBack',
    attempt: { gating: false, end: { outcome: 'FellBack' } },
    fallback: { state: 'Verified', verified: 'PostCheck', images: { [CONTAINER]: image('v1') } },
    quarantined: { images: { [CONTAINER]: image(bad) } },
  });
  expect(status.message).toMatch(`app:v1 runs again, verified on`);
  expect(status.message).toMatch(cause);
  expect(status.fallback.cause).toMatch(cause);
  expect(conditions(status)).toMatchObject({
    Ready: 'False',
    Reconciling: 'False',
    Stalled: 'True',
    FallenBack: 'True',
  });
  await expectServing(s, 'v1');
  expect(s.pods.served).toEqual(new Set([image('v1')]));
  expectProtected(s);
  await s.counted('FellBack');
}
