/** Each story's end: what runs, what the status says, and what was told. */
import { describe, expect, test } from '@jest/globals';
import { VERIFIED } from '../../src/api/names.ts';
import { exits } from './behaviour.ts';
import type { Faults } from './operator.ts';
import { three } from './played.ts';
import { play, type Run } from './run.ts';
import * as stories from './stories.ts';
import { isOnDelete, KINDS, type KindName, NEW, OLD } from './stories.ts';
import { phaseIs, type Story } from './story.ts';

/** Plays, and insists on every rule of the oracle. */
async function told(story: Story): Promise<Run> {
  const run = await play(story);
  expect(run.violations).toEqual([]);
  return run;
}

const reasons = (run: Run): string[] => run.events.map(({ reason }) => reason);
function condition(run: Run, type: string): string {
  const found = run.world.upgrade()?.status?.conditions?.find((own) => own.type === type);
  return `${found?.status} ${found?.reason}`;
}
const target = (kind: KindName): string => `${kind.split(' ')[0]} web`;
const writes = (run: Run, kind: string): number =>
  run.writes.filter((write) => write.kind === kind && write.result === 'ok').length;

describe.each(KINDS)('an upgrade of a %s', (kind) => {
  test('that works replaces every pod and says on how many it was verified', async () => {
    const run = await told(stories.good(kind));
    expect(run.ending).toMatchObject({
      phase: 'Succeeded',
      images: { web: NEW },
      pods: three(NEW),
      gating: false,
    });
    expect(run.message).toMatch(
      new RegExp(`^${target(kind)} runs web:2.0, verified on 3 of 3 pods in [68]s$`),
    );
    expect(reasons(run)).toEqual(['UpgradeStarted', 'PostCheckPassed']);
    expect(run.memory.completions).toEqual([`${kind.split(' ')[0]} Succeeded`]);
    expect(run.memory.gates).toEqual(['Passed', 'Passed', 'Passed']);
    expect([condition(run, 'Ready'), condition(run, 'Verified'), condition(run, 'Stalled')]).toEqual([
      'True PostCheckPassed',
      'True PostCheckPassed',
      'False PostCheckPassed',
    ]);
  });

  test('whose pods need a few tries waits for them', async () => {
    const run = await told(stories.retryThenGood(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.memory.tries.filter((entry) => entry === 'exec Retry 2')).toHaveLength(9);
    // Three of the version before, and three of the new one.
    expect(run.memory.tries.filter((entry) => entry === 'exec Pass 0')).toHaveLength(6);
  });

  test('with an exit code that a rule calls final falls back at once and verifies what ran before', async () => {
    const run = await told(stories.bad(kind));
    expect(run.ending).toMatchObject({
      phase: 'FellBack',
      images: { web: OLD },
      pods: three(OLD),
      fallback: 'Verified PostCheck',
      gating: false,
    });
    expect(run.message).toMatch(
      /^web:1.0 runs again, verified on 3 pods; web:2.0 failed: pod web-\S+ on node-\d: readiness-probe in container web exited 17 \(SchemaTooOld: the database schema is too old\)/,
    );
    expect(run.tookSeconds).toBeLessThan(6);
    expect(reasons(run).filter((reason) => reason !== 'StuckPodDeleted')).toEqual([
      'UpgradeStarted',
      'PostCheckFailed',
      'FallbackStarted',
      'FallbackVerified',
    ]);
    expect(run.memory.fallbacks).toEqual([
      'begun: status',
      'begun: images',
      `${kind.split(' ')[0]} Verified`,
    ]);
    expect([
      condition(run, 'Ready'),
      condition(run, 'Verified'),
      condition(run, 'FallenBack'),
      condition(run, 'Stalled'),
    ]).toEqual(['False SchemaTooOld', 'False SchemaTooOld', 'True Verified', 'True SchemaTooOld']);
    const { fallback, quarantined, lastVerified } = run.world.upgrade()?.status ?? {};
    expect(fallback?.evidence?.[0]?.checks[0]).toMatchObject({
      exitCode: 17,
      class: 'Fail',
      output: 'schema too old',
    });
    expect(fallback?.exitCodes).toEqual([expect.objectContaining({ check: 'readiness-probe', code: 17 })]);
    expect(fallback?.why).toMatchObject({ check: 'readiness-probe', exitCode: 17, reason: 'SchemaTooOld' });
    expect(quarantined?.images).toEqual({ web: NEW });
    expect(lastVerified?.images).toEqual({ web: OLD });
  });

  test('that never passes falls back at the deadline, after one more try', async () => {
    const run = await told(stories.deadline(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    expect(run.message).toMatch(
      /readiness-probe in container web exited 17 \(ProbeFailed\) until the deadline of 1m; before the upgrade it exited 0 on 3 of 3 pods$/,
    );
    expect(run.fellBackAfterSeconds).toBeGreaterThanOrEqual(60);
    expect(run.fellBackAfterSeconds).toBeLessThan(63);
  });

  test.each([
    [
      'never becomes ready',
      stories.neverReady,
      /not ready: container web is running but not ready until the deadline of 1m$/,
    ],
    [
      'crashes again and again',
      stories.crashLoop,
      /container web restarted 3 times, last with exit code 3; allowed: 2$/,
    ],
    [
      'has no image',
      stories.cannotBePulled,
      /image web:2.0 cannot be pulled \(\w+: cannot pull registry.example\/web:2.0: not found\)$/,
    ],
    [
      'lacks the command',
      stories.commandMissing,
      /image web:2.0 has no \/usr\/bin\/readiness_probe.sh \(CommandMissing\)/,
    ],
    [
      'hangs when it is asked',
      stories.hang,
      /\(ProbeTimedOut: still running after 10s\) until the deadline of 1m$/,
    ],
    [
      'dies when it is asked',
      stories.diesUnderTheCheck,
      /container web restarted 3 times, last with exit code 137; allowed: 2$/,
    ],
    [
      'fails three times in a row',
      stories.threeInARow,
      /exited 5 \(ProbeFailed\), 3 times in a row \(failureThreshold 3\); before the upgrade it exited 0 on 3 of 3 pods$/,
    ],
    ['has one bad pod of three', stories.secondIsBad, /exited 17 \(SchemaTooOld/],
  ])('that %s falls back', async (_how, tell, message) => {
    const run = await told(tell(kind));
    expect(run.ending).toMatchObject({
      phase: 'FellBack',
      images: { web: OLD },
      pods: three(OLD),
      gating: false,
    });
    expect(run.message).toMatch(message);
  });

  test('that cannot be asked is inconclusive, keeps its gates closed and writes once a minute at most', async () => {
    const run = await told(stories.cannotBeAsked('Wait', kind));
    expect(run.ending).toMatchObject({ phase: 'Inconclusive', images: { web: NEW }, gating: true });
    expect(run.ending.pods).toContain(`${NEW} does not serve`);
    expect(run.message).toMatch(
      /^No verdict on web:2.0 yet: 0 of 3 pods passed; .*\(NoEvidence: the connection was lost\) until the deadline of 1m$/,
    );
    expect(run.writes.length).toBeLessThan(45);
    expect([condition(run, 'Ready'), condition(run, 'Reconciling')]).toEqual([
      'Unknown Inconclusive',
      'True Inconclusive',
    ]);
  });

  test('that cannot be asked falls back at the deadline when told so', async () => {
    const run = await told(stories.cannotBeAsked('Fallback', kind));
    expect(run.ending).toMatchObject({
      phase: 'FellBack',
      reason: 'InconclusiveAtDeadline',
      pods: three(OLD),
    });
  });

  test('whose pods never start, as a volume cannot be mounted, waits or falls back as onInconclusive says', async () => {
    const waits = await told(stories.cannotBeMounted('Wait', kind));
    expect(waits.ending).toMatchObject({ phase: 'Inconclusive', images: { web: NEW } });
    const run = await told(stories.cannotBeMounted('Fallback', kind));
    expect(run.ending).toMatchObject({
      phase: 'FellBack',
      reason: 'InconclusiveAtDeadline',
      pods: three(OLD),
    });
    // The kubelet says why in an event about the pod alone.
    const why = '(FailedMount: MountVolume.SetUp failed for volume "data")';
    expect(waits.message).toContain(`not ready: container web is ContainerCreating ${why}`);
    expect(run.message).toContain(`container web is ContainerCreating ${why} until the deadline of 1m`);
  });

  test('that answers after its deadline still passes, because silence is no evidence', async () => {
    expect((await told(stories.answersAtLast(kind))).ending).toMatchObject({
      phase: 'Succeeded',
      pods: three(NEW),
    });
  });

  test('whose fallback fails too ends loudly', async () => {
    const run = await told(stories.fallbackFailsToo(kind));
    expect(run.ending).toMatchObject({
      phase: 'FallbackFailed',
      images: { web: OLD },
      fallback: 'Failed No',
    });
    expect(run.message).toMatch(
      /did not complete, manual intervention is required: .*exited 17.*; the fallback failed too: pod web-/,
    );
    expect(reasons(run)).toContain('FallbackFailed');
  });

  test('does not verify the fallback when told so', async () => {
    const run = await told(stories.unverified(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', fallback: 'Unverified No', pods: three(OLD) });
    expect(run.message).toContain('not verified, because spec.fallback.verify is false');
  });

  test('with fallback.action Pause leaves everything as it is, the gates closed', async () => {
    const run = await told(stories.withFallback('Pause', kind));
    expect(run.ending).toMatchObject({
      phase: 'Failed',
      reason: 'FallbackPaused',
      images: { web: NEW },
      gating: true,
    });
    expect(run.ending.pods).toContain(`${NEW} does not serve`);
    expect(writes(run, 'patchImages')).toBe(1);
  });

  test('with fallback.action None reports only, and the rollout goes on where the controller rolls by itself', async () => {
    const run = await told(stories.withFallback('None', kind));
    const rolled = isOnDelete(kind) ? [`${OLD} serves`, `${OLD} serves`, `${NEW} serves`] : three(NEW);
    expect(run.ending).toMatchObject({
      phase: 'Failed',
      reason: 'FallbackDisabled',
      images: { web: NEW },
      pods: rolled,
      gating: false,
    });
  });

  test('whose every check says that there is nothing to check succeeds, unverified', async () => {
    const run = await told(stories.everythingSkipped(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', reason: 'AllSkipped', pods: three(NEW) });
    expect(condition(run, 'Verified')).toBe('Unknown AllSkipped');
  });

  test('without checks is verified by readiness only', async () => {
    const run = await told(stories.readinessOnly(kind));
    expect(run.message).toMatch(/verified by readiness only on 3 of 3 pods/);
    expect(condition(run, 'Verified')).toBe('True ReadinessOnly');
  });

  test('beside a container named constructor is written once, and remembers what ran before', async () => {
    const run = await told(stories.oddlyNamed(kind));
    const images = { web: OLD, constructor: 'registry.example/proxy:1' };
    expect(run.ending).toMatchObject({ phase: 'FellBack', images });
    expect(run.world.upgrade()?.status?.from?.images).toEqual(images);
    expect(run.world.upgrade()?.status?.to?.images).toEqual({ ...images, web: NEW });
    expect(writes(run, 'patchImages')).toBe(2);
  });

  describe('is answered for by its own question alone:', () => {
    test('an Upgrade made again asks, although pods of the same images have passed', async () => {
      const run = await told(stories.replacedByAnother(kind));
      expect(run.ending).toMatchObject({ phase: 'Failed', reason: 'NoFallbackTarget' });
      expect(run.message).toContain('exited 17 (SchemaTooOld)');
      expect(condition(run, 'Verified')).toBe('False NoFallbackTarget');
    });

    test('a check that is changed afterwards is said not to have been asked', async () => {
      const run = await told(stories.checkChangedAfterSuccess(kind));
      expect(run.ending).toMatchObject({ phase: 'Succeeded', outcomes: ['1 Succeeded'] });
      expect(run.message).toMatch(
        /verified on 3 of 3 pods in \ds; this was verified by an earlier spec\.postCheck: set postcheck\.dev\/retry to verify again$/,
      );
      expect([condition(run, 'Ready'), condition(run, 'Verified')]).toEqual([
        'True PostCheckChanged',
        'Unknown PostCheckChanged',
      ]);
    });

    test('a check that is changed in the middle is asked of pods that have passed, too', async () => {
      const run = await told(stories.checkChangedMeanwhile(kind));
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD), reason: 'SchemaTooOld' });
    });
  });

  test('with text that has to be cut in the middle of a character writes no more than with other text', async () => {
    const run = await told(stories.oddText(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    expect(run.world.upgrade()?.status?.commands?.abort?.result).toBe('NothingToAbort');
    expect(writes(run, 'patchStatus')).toBeLessThan(25);
  });

  describe('whose writes come to nothing', () => {
    test('for lack of a field in the CRD goes on slowly, and says so', async () => {
      const run = await told(stories.prunedStatus(kind));
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
      expect(run.message).toMatch(/^the API server stores a different status than postcheck writes/);
      expect(condition(run, 'Stalled')).toBe('True NoEffect');
      expect(run.writes.length).toBeLessThan(60);
    });

    test('as the status is refused goes on with a shorter one, which says why', async () => {
      const run = await play(stories.refusedStatus(kind));
      expect(run.violations.filter((violation) => !/^error: /.test(violation))).toEqual([]);
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
      expect(run.message).toMatch(
        /^The API server refuses the status, so the rest of it is left out: status.pods/,
      );
      expect(run.writes.length).toBeLessThan(60);
    });

    test('in the fallback tries again ever more slowly, and goes on when they are done', async () => {
      const story = stories.fallbackSetBack(kind);
      const stuck = await play({ ...story, steps: [], minutes: 20 });
      expect(stuck.ending).toMatchObject({ phase: 'FallingBack', images: { web: NEW } });
      expect(condition(stuck, 'Stalled')).toBe('True ImageRewritten');
      expect(stuck.writes.filter((write) => write.kind === 'patchImages').length).toBeLessThan(35);
      const freed = await play(story);
      // The first write was answered with the version that failed; the oracle takes it for one that was done.
      expect(freed.violations.filter((violation) => !violation.startsWith('I2 '))).toEqual([]);
      expect(freed.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    });

    test('as managed fields come back is no obstacle to the upgrade', async () => {
      const run = await play(stories.fieldsComeBack(kind));
      expect(run.violations.filter((violation) => !/^(fields|I10) /.test(violation))).toEqual([]);
      expect(run.writes.filter((write) => write.kind === 'releaseFields').length).toBeLessThan(40);
    });

    test('as results are taken off its pods records them ever more slowly', async () => {
      const run = await play(stories.resultsUndone(kind));
      expect(run.violations.filter((violation) => !/^(gate|I10) /.test(violation))).toEqual([]);
      expect(run.writes.filter((write) => write.kind === 'patchVerified').length).toBeLessThan(200);
      expect(run.memory.braked).toContain('no_effect');
    });

    test('as tokens come faster than they can be recorded writes a handful a second', async () => {
      const run = await told(stories.tokenStorm(kind));
      expect(run.world.upgrade()?.status?.commands?.abort?.token).toBe('token-199');
      expect(run.memory.braked).toContain('rate');
    });
  });

  describe('whose images admission rewrites', () => {
    const HUB = 'hub.example/web:2.0';

    test('is written once, and what was answered is what counts', async () => {
      const run = await told(stories.mirrored(kind, {}));
      expect(run.ending).toMatchObject({ phase: 'Succeeded', images: { web: NEW }, pods: three(NEW) });
      expect(writes(run, 'patchImages')).toBe(1);
      expect(run.world.upgrade()?.status?.to).toMatchObject({
        images: { web: NEW },
        requested: { web: HUB },
      });
      expect(run.message).toContain(`runs web:2.0 (requested: ${HUB}), `);
    });

    test.each([
      ['by a mirror', stories.mirrored, OLD],
      ['by a digest', stories.pinned, `${OLD}@sha256:${'0'.repeat(64)}`],
    ])('%s falls back to what ran before', async (_how, tell, old) => {
      const run = await told(tell(kind));
      expect(run.ending).toMatchObject({ phase: 'FellBack', images: { web: old }, pods: three(old) });
      expect(writes(run, 'patchImages')).toBe(2);
      expect(run.world.upgrade()?.status?.from?.images).toEqual({ web: OLD });
    });

    test('is checked again on a retry, without a write', async () => {
      const run = await told(stories.mirroredAndRetried(kind));
      expect(run.ending.outcomes).toEqual(['2 Succeeded', '1 Succeeded']);
      expect(writes(run, 'patchImages')).toBe(1);
    });

    test('to the version that runs already is adopted', async () => {
      const run = await told(stories.mirroredAlready(kind));
      expect(run.ending).toMatchObject({ phase: 'Succeeded', images: { web: OLD } });
      expect(run.world.upgrade()?.status?.attempt?.adopted).toBe(true);
    });

    test('to the version before ends with that, after one write', async () => {
      const run = await told(stories.setBack(kind));
      expect(run.ending).toMatchObject({ phase: 'Failed', reason: 'ImageRewritten', images: { web: OLD } });
      expect(run.writes.filter((write) => write.kind === 'patchImages')).toHaveLength(1);
    });

    test('while it is scaled remembers what ran before', async () => {
      const run = await told(stories.mirroredAndScaled(kind));
      expect(run.ending).toMatchObject({ phase: 'FellBack', images: { web: OLD } });
    });
  });

  test('that runs already is adopted: checked, and nothing is written to it', async () => {
    const run = await told(stories.adoptedGood(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(writes(run, 'patchImages')).toBe(0);
  });

  test('that runs already and fails has nothing to fall back to', async () => {
    const run = await told(stories.adoptedBad(kind));
    expect(run.ending).toMatchObject({ phase: 'Failed', reason: 'NoFallbackTarget', images: { web: NEW } });
    expect(writes(run, 'patchImages')).toBe(0);
  });

  test('that is overtaken by another change goes on with the new version', async () => {
    const run = await told(stories.superseded(kind));
    expect(run.ending).toMatchObject({
      phase: 'Succeeded',
      outcomes: ['2 Succeeded', '1 Superseded'],
      pods: three('registry.example/web:3.0'),
    });
    expect(run.world.upgrade()?.status?.from?.images).toEqual({ web: OLD });
  });

  test('that is overtaken by a worse one falls back to what ran before both', async () => {
    const run = await told(stories.supersededByWorse(kind));
    expect(run.ending).toMatchObject({
      phase: 'FellBack',
      outcomes: ['2 FellBack', '1 Superseded'],
      images: { web: OLD },
      pods: three(OLD),
    });
  });

  test('that is overtaken while it falls back finishes the fallback first', async () => {
    const run = await told(stories.supersededInFallback(kind));
    expect(run.ending).toMatchObject({
      phase: 'Succeeded',
      outcomes: ['2 Succeeded', '1 FellBack'],
      pods: three('registry.example/web:3.0'),
    });
  });

  test('stands still while paused, and its clocks with it', async () => {
    const run = await told(stories.pausedAndResumed(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.tookSeconds).toBeGreaterThan(900);
    const story = stories.pausedAndResumed(kind);
    const halfway = await play({ ...story, steps: (story.steps ?? []).slice(0, 1), minutes: 60 });
    expect(halfway.ending.pods.filter((pod) => pod === `${NEW} serves`)).toHaveLength(1);
    expect(halfway.message).toMatch(/^Paused by spec.paused since \S+, set it to false to continue; Rolling/);
    expect(condition(halfway, 'Reconciling')).toBe('False Paused');
  });

  test.each([
    ['Pending', { phase: 'Aborted', images: { web: OLD }, pods: three(OLD) }],
    ['Upgrading', { phase: 'FellBack', reason: 'Aborted', pods: three(OLD) }],
    ['PostChecking', { phase: 'FellBack', reason: 'Aborted', pods: three(OLD) }],
    ['Inconclusive', { phase: 'FellBack', reason: 'Aborted', pods: three(OLD) }],
    ['Failed', { phase: 'FellBack', reason: 'Aborted', pods: three(OLD) }],
    ['Succeeded', { phase: 'Succeeded', pods: three(NEW) }],
  ] as const)('that is aborted while %s ends as it should', async (phase, ending) => {
    const run = await told(stories.abortedWhile(phase, kind));
    expect(run.ending).toMatchObject(ending);
    expect(reasons(run)).toContain(phase === 'Succeeded' ? 'CommandIgnored' : 'CommandAccepted');
    expect(run.world.upgrade()?.status?.commands?.abort).toMatchObject({
      token: 'stop-1',
      result: phase === 'Succeeded' ? 'NothingToAbort' : phase === 'Pending' ? 'Aborted' : 'FallingBack',
    });
  });

  test('can be tried again after it fell back', async () => {
    const run = await told(stories.retriedAfterFallback(kind));
    expect(run.ending).toMatchObject({
      phase: 'Succeeded',
      outcomes: ['2 Succeeded', '1 FellBack'],
      pods: three(NEW),
    });
  });

  test('that is tried again ignores what a try of the attempt before still says', async () => {
    const run = await told(stories.retriedWhileAsked(kind));
    expect(run.world.kubelet.asked.some(({ result }) => result.kind === 'exit' && result.code === 17)).toBe(
      true,
    );
    expect(run.ending).toMatchObject({
      phase: 'Succeeded',
      outcomes: ['2 Succeeded', '1 Superseded'],
      pods: three(NEW),
    });
  });

  test('can be verified again after it succeeded, without writing an image', async () => {
    const run = await told(stories.retriedAfterSuccess(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', outcomes: ['2 Succeeded', '1 Succeeded'] });
    expect(writes(run, 'patchImages')).toBe(1);
  });

  test('ends when its target is deleted, and begins anew with another of the same name', async () => {
    expect((await told(stories.targetDeleted(kind))).ending).toMatchObject({
      phase: 'Aborted',
      reason: 'TargetNotFound',
    });
    const run = await told(stories.targetReplaced(kind));
    expect(run.ending).toMatchObject({
      phase: 'Succeeded',
      outcomes: ['2 Succeeded', '1 Aborted'],
      pods: three(NEW),
    });
  });

  describe('whose Upgrade is deleted', () => {
    const closed = (run: Run) =>
      run.world
        .pods()
        .filter((pod) => pod.gates.includes(VERIFIED) && pod.conditions[VERIFIED]?.status !== 'True');

    test.each([
      ['in the middle', stories.upgradeDeleted],
      ['while it holds a version that failed', stories.deletedWhileHeld],
      ['while it is paused', stories.deletedWhilePaused],
      ['during its fallback', stories.deletedInFallback],
    ])('%s puts back what ran before, verifies it, and then goes', async (_when, tell) => {
      const run = await told(tell(kind));
      expect(run.world.upgrade()).toBeUndefined();
      expect(run.ending).toMatchObject({ images: { web: OLD }, pods: three(OLD) });
      expect(reasons(run)).toContain('FallbackVerified');
      expect(closed(run)).toEqual([]);
    });

    test('with action None goes at once, and lets the new version serve', async () => {
      const run = await told(stories.deletedWithActionNone(kind));
      expect(run.world.upgrade()).toBeUndefined();
      expect(run.ending.images).toEqual({ web: NEW });
      // With OnDelete nobody replaces the others.
      expect(run.ending.pods).toContain(`${NEW} serves`);
      expect(closed(run)).toEqual([]);
    });

    test('after its success goes at once: no finalizer is left', async () => {
      const run = await told(stories.deletedAfterSuccess(kind));
      expect(run.world.upgrade()).toBeUndefined();
      expect(run.ending.pods).toEqual(three(NEW));
      expect(writes(run, 'patchFinalizers')).toBe(2);
    });

    test('with its target goes too', async () => {
      const run = await told(stories.deletedWithTarget(kind));
      expect(run.world.upgrade()).toBeUndefined();
      expect(run.world.pods()).toEqual([]);
    });

    test('and made again begins with what ran before', async () => {
      const run = await told(stories.replacedMeanwhile(kind));
      expect(run.world.upgrade()?.status?.from?.images).toEqual({ web: OLD });
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    });

    test('goes in the end although the API server refuses to put anything back', async () => {
      const story = stories.upgradeDeleted(kind);
      const refuse: Faults = {
        write: ({ kind: what, at }) =>
          what === 'patchImages' && at > Date.parse('2026-01-01T00:00:09Z') ? 'forbidden' : undefined,
      };
      const run = await play(story, { faults: refuse });
      expect(run.world.upgrade()).toBeUndefined();
      expect(closed(run)).toEqual([]);
      expect(run.ending.images).toEqual({ web: NEW });
    });
  });

  test('does not fight somebody else who changes the image', async () => {
    const run = await told(stories.foreignChange(kind));
    expect(run.ending).toMatchObject({
      phase: 'Failed',
      reason: 'ImageConflict',
      images: { web: 'registry.example/web:hotfix' },
    });
    expect(run.message).toContain('Container web was set to registry.example/web:hotfix by kubectl-edit');
    expect(writes(run, 'patchImages')).toBe(1);
  });

  test('follows another change of the template, and falls back from it too', async () => {
    expect((await told(stories.foreignTemplateChange(kind))).ending).toMatchObject({
      phase: 'Succeeded',
      pods: three(NEW),
    });
    expect((await told(stories.foreignTemplateChangeOfABadOne(kind))).ending).toMatchObject({
      phase: 'FellBack',
      pods: three(OLD),
    });
  });

  test('does not say that a version runs again whose container was renamed before the fallback (NVIDIA/nodewright#469)', async () => {
    for (const image of [NEW, stories.NEWER]) {
      const run = await told(stories.renamedInFallback(kind, image));
      expect(run.ending).toMatchObject({ phase: 'Failed', reason: 'ImageConflict', images: { app: image } });
      expect(run.message).toBe(
        'Container web was removed from its workload during the fallback; postcheck has nothing left to restore, and ended the attempt to roll to web:2.0',
      );
    }
    const { ending } = await told(stories.renamedInFallback(kind, OLD));
    expect(ending).toMatchObject({ phase: 'FellBack', fallback: 'Verified PostCheck', pods: three(OLD) });
  });

  test('with gate Disabled puts no gate on any pod', async () => {
    const run = await told(stories.gateOff(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.world.pods().flatMap(({ gates }) => gates)).toEqual([]);
    expect(condition(run, 'Gated')).toBe('False GateDisabled');
  });
});

test('a broken pod of an ordered StatefulSet is deleted exactly once, so that the fallback can go on (kubernetes#67250)', async () => {
  const run = await told(stories.bad('StatefulSet'));
  expect(run.writes.filter(({ kind }) => kind === 'deletePod').map(({ what }) => what)).toEqual(['web-2']);
  expect(reasons(run)).toContain('StuckPodDeleted');
  for (const kind of ['Deployment', 'StatefulSet Parallel', 'DaemonSet'] as const) {
    expect(writes(await play(stories.bad(kind)), 'deletePod')).toBe(0);
  }
});

test('a deleted Upgrade of a Deployment that is paused puts the images back, and does not wait for pods', async () => {
  const run = await told(stories.deletedWithPausedWorkload);
  expect(run.world.upgrade()).toBeUndefined();
  expect(run.ending.images).toEqual({ web: OLD });
});

describe('a workload that wants no pods', () => {
  test('is not verified: the attempt stays open and gating, and whoever waits for Ready does not wait with it', async () => {
    const run = await told(stories.noReplicas);
    expect(run.ending).toMatchObject({ phase: 'PostChecking', images: { web: NEW }, gating: true });
    expect(run.message).toBe('Deployment web has 0 replicas: web:2.0 is verified once it has pods');
    expect([condition(run, 'Verified'), condition(run, 'Ready'), condition(run, 'Reconciling')]).toEqual([
      'Unknown NoPods',
      'True NoPods',
      'False NoPods',
    ]);
  });

  test('in the middle of an attempt is not verified either, and not ready', async () => {
    const run = await told(stories.scaledToNothing());
    expect(run.ending).toMatchObject({ phase: 'PostChecking', pods: [], gating: true });
    expect([condition(run, 'Ready'), condition(run, 'Reconciling')]).toEqual([
      'Unknown NoPods',
      'True NoPods',
    ]);
  });

  test.each([
    ['from the start', stories.noReplicasAtFirst],
    ['in the middle', stories.scaledToNothingAndBack],
  ])('%s has its pods verified when they come, with all their time', async (_when, tell) => {
    const late = await told(tell({ answer: ({ ageMs }) => (ageMs < 30_000 ? 2 : 0) }));
    expect(late.ending).toMatchObject({ phase: 'Succeeded', pods: [`${NEW} serves`, `${NEW} serves`] });
    const failing = await told(tell(exits(17)));
    expect(failing.ending).toMatchObject({ phase: 'FellBack', pods: [`${OLD} serves`, `${OLD} serves`] });
  });

  test('during a fallback ends it: what ran before is restored, and said to be unverified', async () => {
    const run = await told(stories.scaledToNothingInFallback);
    expect(run.ending).toMatchObject({ phase: 'FellBack', fallback: 'Unverified No', images: { web: OLD } });
    expect(run.message).toContain('is set again, not verified, because it has 0 replicas');
  });
});

test('of two Upgrades on one target the younger stalls and writes nothing', async () => {
  const run = await told(stories.twoUpgrades);
  expect(run.ending).toMatchObject({ phase: 'Succeeded', images: { web: NEW } });
  const rival = run.world.upgrade('rival')?.status;
  expect(rival?.message).toBe('Upgrade web already acts on Deployment web: delete one of the two');
  expect(rival?.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'TargetClaimed',
  });
});

test('when the older of two Upgrades is deleted, the other one acts', async () => {
  const run = await told(stories.claimGoesOver);
  expect(run.ending.images).toEqual({ web: 'registry.example/web:3.0' });
  expect(run.world.upgrade('rival')?.status).toMatchObject({
    phase: 'Succeeded',
    from: { images: { web: NEW } },
  });
});

test('an Upgrade that a finalizer of others keeps after its end does not keep its target', async () => {
  const run = await told(stories.claimKeptByOthers);
  expect(run.world.upgrade()?.metadata.deletionTimestamp).toBeDefined();
  expect(run.ending.images).toEqual({ web: 'registry.example/web:3.0' });
  expect(run.world.upgrade('rival')?.status?.phase).toBe('Succeeded');
});

test.each(['Deployment', 'StatefulSet', 'StatefulSet Parallel'] as const)(
  'an attempt on a %s goes on to its end when an Upgrade with an earlier name is created in the same second',
  async (kind) => {
    const run = await told(stories.sameSecond(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', images: { web: OLD } });
    expect(run.ending.pods).toEqual(three(OLD));
    for (const set of run.world.state.all('StatefulSet')) {
      expect(set).toMatchObject({ partition: 0 });
    }
    // Only then does the other one have its turn, with the fallback target that it found.
    expect(run.world.upgrade('a')?.status).toMatchObject({
      phase: 'FellBack',
      from: { images: { web: OLD } },
      attempt: { adopted: false },
    });
  },
);

test.each(['Deployment', 'StatefulSet', 'StatefulSet Parallel'] as const)(
  'of two attempts that are under way on a %s the first to have begun goes on to its end',
  async (kind) => {
    const run = await told(stories.takenOver(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', images: { web: OLD }, pods: three(OLD) });
    for (const set of run.world.state.all('StatefulSet')) {
      expect(set).toMatchObject({ partition: 0 });
    }
    expect(run.world.upgrade('a')?.status).toMatchObject({
      phase: 'Failed',
      attempt: { end: { reason: 'ImageConflict' } },
    });
  },
);

test.each(KINDS)(
  'a lost status of a %s makes the operator adopt what runs, and guess no fallback target',
  async (kind) => {
    const run = await play(stories.statusLost(kind));
    // The numbers begin anew with the status, which the oracle cannot know.
    expect(run.violations.filter((violation) => !/^I[46] /.test(violation))).toEqual([]);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', images: { web: NEW } });
    expect(run.world.upgrade()?.status).toMatchObject({
      attempt: { adopted: true },
      from: { images: { web: NEW } },
    });
  },
);

test('an image that somebody changes after the success is drift, and is left alone', async () => {
  const run = await told(stories.drifted);
  expect(run.ending).toMatchObject({ phase: 'Succeeded', images: { web: 'registry.example/web:hotfix' } });
  expect(run.message).toBe(
    'Deployment web was upgraded, but kubectl-edit has since set container web to registry.example/web:hotfix: change spec.containers, or revert that change',
  );
  expect(condition(run, 'Ready')).toBe('False Drifted');
});

test('a workload that is scaled meanwhile has to verify as many pods as it wants in the end', async () => {
  const run = await told(stories.scaledMeanwhile);
  expect(run.message).toMatch(/verified on 2 of 2 pods/);
});

test('a workload that is scaled just before the write of an overtaking version keeps the fallback target', async () => {
  for (const kind of ['Deployment', 'StatefulSet', 'StatefulSet Parallel'] as const) {
    const run = await told(stories.supersededAndScaled(kind));
    expect(run.ending).toMatchObject({
      phase: 'FellBack',
      outcomes: ['2 FellBack', '1 Superseded'],
      images: { web: OLD },
    });
    expect(run.ending.pods).toEqual(Array(4).fill(`${OLD} serves`));
  }
});

test('a Deployment that is paused meanwhile stalls the Upgrade, and its clocks stand still', async () => {
  expect((await told(stories.workloadPausedMeanwhile)).ending).toMatchObject({
    phase: 'Succeeded',
    pods: three(NEW),
  });
  const { steps = [] } = stories.workloadPausedMeanwhile;
  const halfway = await play({ ...stories.workloadPausedMeanwhile, steps: steps.slice(0, 1) });
  expect(halfway.message).toMatch(
    /^Blocked: Deployment web is paused, so nothing rolls: run `kubectl rollout resume deployment\/web -n shop`;/,
  );
  expect(condition(halfway, 'Stalled')).toBe('True WorkloadPaused');
});

describe('the gate', () => {
  test('that is not installed is told, and the upgrade goes on without it', async () => {
    const run = await told(stories.noGatePolicy);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(
      run.writes.some(({ what }) =>
        what.includes('not gated, because neither gate policy nor webhook acts here'),
      ),
    ).toBe(true);
  });

  test('that is required but not installed keeps the attempt from starting, until it is', async () => {
    const stalled = await told(stories.gateRequired);
    expect(stalled.ending).toMatchObject({ phase: 'Pending', images: { web: OLD } });
    expect(condition(stalled, 'Stalled')).toBe('True GateUnavailable');
    const install = {
      when: phaseIs('Pending'),
      act: (world: Run['world']) => {
        world.gatePolicy.installed = true;
      },
    };
    expect((await told({ ...stories.gateRequired, steps: [install] })).ending).toMatchObject({
      phase: 'Succeeded',
      pods: three(NEW),
    });
  });

  test('that a pod slipped past is reported, and the pod is checked all the same', async () => {
    const run = await told(stories.slippedPod('Auto'));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(reasons(run)).toContain('GateMissed');
    expect(writes(run, 'deletePod')).toBe(0);
  });

  test('that is required deletes pods that slipped past it, but not as fast as they come', async () => {
    const run = await told(stories.slippedPod('Required'));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(writes(run, 'deletePod')).toBeGreaterThan(0);
    expect(writes(run, 'deletePod')).toBeLessThan(6);
  });
});

describe('a node that is lost', () => {
  test('before the start is left and named', async () => {
    const run = await told(stories.nodeDownBefore);
    expect(run.ending.phase).toBe('Partial');
    expect(run.message).toMatch(/verified on 2 of 2 pods; 1 unreachable: node-2: node node-2 is not Ready$/);
  });

  test('during the attempt makes its pod inconclusive, never failed, and the attempt goes on when it is back', async () => {
    const run = await told(stories.nodeDownMeanwhile);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(
      run.writes.some(({ what }) => /^Inconclusive: .* on node-1: node node-1 is not Ready$/.test(what)),
    ).toBe(true);
    expect(writes(run, 'patchImages')).toBe(1);
  });

  test('ahead of the rollout makes the attempt inconclusive, and the message says where to look', async () => {
    const run = await told(stories.nodeDownAhead);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    const message =
      'Inconclusive: No verdict on web:2.0 yet: 1 of 2 pods passed; 1 unreachable: node-3: node node-3 is not Ready; the controller of DaemonSet web replaces no further pod, most likely because they use up its maxUnavailable: recover or delete the nodes, or, if the new version is not the cause, raise it';
    expect(run.writes.map(({ what }) => what)).toContain(message);
  });
});

test('containers in every role are upgraded, and the checks run in those that can be asked', async () => {
  const run = await told(stories.manyContainers);
  expect(run.ending.phase).toBe('Succeeded');
  expect(new Set(run.world.kubelet.asked.map(({ image }) => image))).toEqual(
    new Set([OLD, 'registry.example/proxy:1', NEW, 'registry.example/proxy:2']),
  );
});

test('a story plays the same every time with one seed', async () => {
  const [first, second] = [
    await play(stories.deadline('Deployment'), { seed: 7 }),
    await play(stories.deadline('Deployment'), { seed: 7 }),
  ];
  expect(second.timeline).toEqual(first.timeline);
});

test('a finished Upgrade writes nothing for a whole day', async () => {
  const run = await told({ ...stories.good('Deployment'), minutes: 24 * 60 });
  expect(run.writes.at(-1)?.at).toBeLessThan(run.writes[0]!.at + 60_000);
  expect(
    (await told({ ...stories.bad('Deployment'), images: { [NEW]: exits(17) }, minutes: 24 * 60 })).ending
      .phase,
  ).toBe('FellBack');
});

test('a StatefulSet that was broken before says which pod is in the way and how to delete it, and goes on without it', async () => {
  const run = await told(stories.brokenBefore('StatefulSet'));
  const said = run.writes.filter(({ kind }) => kind === 'patchStatus').map(({ what }) => what);
  const clause =
    '; this attempt did not create that pod (kubernetes#67250): fix it, or run kubectl delete pod web-2 -n shop';
  expect(said).toEqual(
    expect.arrayContaining([expect.stringMatching(/^Upgrading: Rolling .*kubernetes#67250/)]),
  );
  const inconclusive = said.find((what) => what.startsWith('Inconclusive: '));
  expect(inconclusive).toMatch(/; its controller waits for web-2: (not ready: |container |image )/);
  expect(inconclusive).toContain(clause);
  expect(writes(run, 'deletePod')).toBe(0);
  expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
  expect(run.message).not.toContain('67250');
});

test.each(KINDS.filter((kind) => kind.endsWith(' OnDelete')))(
  'a pod of a %s that was broken before is replaced first, and holds up none of the others',
  async (kind) => {
    const run = await told(stories.firstPodBroken(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    const deleted = run.writes.filter((write) => write.kind === 'deletePod').map(({ what }) => what);
    expect(deleted).toHaveLength(3);
    expect(run.world.upgrade()?.status?.from?.images).toEqual({ web: 'registry.example/web:1.5' });
    expect(deleted[0]).toContain(kind.startsWith('StatefulSet') ? 'web-0' : 'web-');
  },
);

test.each(KINDS.filter((kind) => kind !== 'Deployment'))(
  'a %s whose new pods are refused says why, and falls back at the progress deadline',
  async (kind) => {
    const run = await told(stories.podsRefused(kind));
    const said = run.writes.filter(({ kind: what }) => what === 'patchStatus').map(({ what }) => what);
    expect(said).toContainEqual(
      expect.stringMatching(
        /^Upgrading: Rolling .*; Error creating: pods "web-\S+" is forbidden: image is not signed/,
      ),
    );
    expect(run.ending).toMatchObject({ phase: 'FellBack', reason: 'PodsRefused', pods: three(OLD) });
    expect(run.message).toMatch(/none of its pods can be created: .*image is not signed$/);
    expect(run.fellBackAfterSeconds).toBeLessThan(160);
  },
);
