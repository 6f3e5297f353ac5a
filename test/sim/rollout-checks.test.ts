/** Attempts that are also checked as a whole, by what Prometheus says. */
import { describe, expect, jest, test } from '@jest/globals';
import { played, statesOf, three } from './played.ts';
import {
  measuredBad,
  measuredBadLate,
  measuredGood,
  measuredNothing,
  NEW,
  OLD,
  STAGED_KINDS,
} from './stories.ts';
import { afterSeconds, annotate, type Step, type Story } from './story.ts';
import { sweep } from './sweep.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

describe.each(STAGED_KINDS)('a check of the rollout of a %s', (kind) => {
  test('that passes lets each stage go on', async () => {
    const run = await played(measuredGood(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.world.upgrade()?.status?.rolloutChecks).toMatchObject([
      { name: 'errors', class: 'Pass', message: '0.01' },
    ]);
    expect(run.world.queried[0]?.expression).toMatch(/^errors\{pod=~"web-[a-z0-9-]+"\}$/);
  });

  test('that speaks against the version makes it fall back, and names itself', async () => {
    const run = await played(measuredBad(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    expect(run.world.upgrade()?.status?.fallback?.reason).toBe('RolloutCheckFailed');
    expect(run.message).toContain(
      'rollout check errors returned 0.2, but passes when < 0.05, 3 times in a row',
    );
    expect(run.world.queried).toHaveLength(3);
  });

  test('that comes to speak against it in the soak does so too', async () => {
    const run = await played(measuredBadLate(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
  });

  test('that speaks against it for one path makes it fall back although another path has no requests (argo-rollouts#459)', async () => {
    const story = measuredBad(kind);
    const run = await played({
      ...story,
      arrange: (world) => {
        world.prometheus = () => ({ kind: 'values', values: [Number.NaN, 0.2] });
      },
    });
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    expect(run.message).toContain('rollout check errors returned 0.2, but passes when < 0.05');
  });

  test('that has no data neither passes nor fails it', async () => {
    const run = await played(measuredNothing(kind));
    expect(statesOf(run)).toEqual(['canary Checking', 'rest Waiting']);
    expect(run.ending.phase).toBe('Inconclusive');
    expect(run.message).toContain('rollout check errors: no data');
  });
});

describe.each<[string, readonly number[]]>([
  ['no data', []],
  ['no data (NaN)', [Number.NaN]],
])(
  'a check that has %s because nothing calls the new pods any more (kortix-ai/suna#3410)',
  (text, values) => {
    const CLAUSE = `; rollout check errors: ${text}`;
    const stateOf = (world: World): string | undefined => world.upgrade()?.status?.stages?.[0]?.state;
    const quietIn = (state: string, canary: object, more: Partial<Story> = {}): Story => ({
      ...measuredNothing('Deployment'),
      minutes: 60,
      spec: {
        ...measuredNothing('Deployment').spec,
        progressDeadlineSeconds: 300,
        strategy: { stages: [{ name: 'canary', pods: 1, ...canary }] },
      },
      arrange: (world) => {
        world.prometheus = () => ({ kind: 'values', values: stateOf(world) === state ? values : [0.01] });
      },
      ...more,
    });
    const isReported = (world: World): boolean =>
      world.upgrade()?.status?.phase === 'Inconclusive' &&
      world.upgrade()?.status?.message?.endsWith(CLAUSE) === true;
    const flows: Step = {
      when: isReported,
      act: (world) => {
        world.prometheus = () => ({ kind: 'values', values: [0.01] });
      },
    };

    test('is named once the soak is over, and the attempt goes on when there is traffic again', async () => {
      const story = quietIn('Soaking', { soakSeconds: 120 });
      const run = await played(story);
      expect(isReported(run.world)).toBe(true);
      expect(run.writes.map(({ what }) => what)).toContainEqual(
        expect.stringMatching(
          /^Upgrading: Stage canary .*: 1 of 1 verified, soaked until \S+; rollout check/,
        ),
      );
      const again = await played({ ...story, steps: [flows] });
      expect(again.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    });

    test('is named to who is to approve the stage, and once it is approved', async () => {
      const approve: Step = {
        when: afterSeconds(1200),
        act: (world) => {
          expect(world.upgrade()?.status?.message).toMatch(
            / 1 of 1 verified; rollout check .*; waits for appr/,
          );
          annotate(world, 'approve', '1/canary');
        },
      };
      const story = quietIn('AwaitingApproval', { approval: 'Manual' }, { steps: [approve] });
      expect(isReported((await played(story)).world)).toBe(true);
      const again = await played({ ...story, steps: [approve, flows] });
      expect(again.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    });
  },
);

test.each([measuredGood('Deployment'), measuredBad('StatefulSet')])(
  'that is cut at any write ends the same: $name',
  async (story) => {
    const { failures } = await sweep(story, 1);
    expect(failures).toEqual([]);
  },
);
