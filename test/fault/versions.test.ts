/**
 * The operator is upgraded in the middle of an attempt, and back, and again: at each of the first writes of the status another process goes on.
 * What a newer one, with its newer CRD, has put into the status is still there at the end.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as stories from '../sim/stories.ts';
import type { Json } from './admin-client.ts';
import { differences } from './compare-with-simulation.ts';
import { type Environment, startEnvironment } from './environment.ts';
import type { SentRequest } from './sent-request.ts';
import { withShortTimes } from './short-times.ts';
import { type StoryRun, until } from './story-run.ts';

let environment: Environment;
beforeAll(async () => {
  environment = await startEnvironment();
  await allowMoreFields();
}, 900_000);
afterAll(() => environment.stop());

/** So many of the operator's writes; a process that never lives for a second gets nowhere, and nobody would expect it to. */
const ALTERNATING = 8;
const FUTURE = { since: 'a later version', list: [1, 2, 3] };
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/upgrades.postcheck.dev';
const STATUS = ['openAPIV3Schema', 'properties', 'status'];

/** The CRD of a later version: it knows fields that this operator does not. */
async function allowMoreFields(): Promise<void> {
  const { spec } = await environment.admin.get(CRD);
  expect(spec.versions).toHaveLength(1);
  const allow = (path: readonly string[]) => ({
    op: 'add',
    path: `/spec/versions/0/schema/${path.join('/')}/x-kubernetes-preserve-unknown-fields`,
    value: true,
  });
  const patch = [allow(STATUS), allow([...STATUS, 'properties', 'attempt'])];
  environment.api.kubectl([
    'patch',
    'crd',
    'upgrades.postcheck.dev',
    '--type=json',
    '-p',
    JSON.stringify(patch),
  ]);
}

/** Writes into the status as soon as an attempt is under way, and returns what is left of it at the end. */
async function writeAsNewer(run: StoryRun): Promise<Json> {
  const path = run.upgradePath();
  await until(
    async () => (await environment.admin.get(path)).status?.attempt?.rolledAt !== undefined,
    30_000,
  );
  await environment.admin.patch(`${path}/status`, {
    status: { future: FUTURE, attempt: { future: FUTURE } },
  });
  const ended = async () => (await environment.admin.get(path)).status.attempt?.end !== undefined;
  await until(ended, 120_000);
  const { status } = await environment.admin.get(path);
  return { status: status.future, attempt: status.attempt.future };
}

const isStatusWrite = ({ verb, resource }: SentRequest): boolean =>
  verb === 'patch' && resource === 'upgrades/status';

test.each([stories.retryThenGood('Deployment'), stories.bad('StatefulSet'), stories.bad('DaemonSet')])(
  '$name ends the same when another process goes on at each write of its status',
  async (story) => {
    let left: Json;
    const { played, wrong } = await differences(environment, withShortTimes(story), 'alternating', {
      limitMs: 120_000,
      choose: (sent, act = 0) => (isStatusWrite(sent) && act <= ALTERNATING ? { cut: 'after' } : undefined),
      meddle: async (run) => {
        left = await writeAsNewer(run);
      },
    });
    expect(wrong).toEqual([]);
    expect(played.deaths).toBeGreaterThan(2);
    expect(left).toEqual({ status: FUTURE, attempt: FUTURE });
  },
  300_000,
);
