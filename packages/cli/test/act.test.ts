/** What the verbs say they will do is what the operator's decisions do. */
import { describe, expect, test } from '@jest/globals';
import { Stage } from '../../../test/docs/stage.ts';
import type { Scene } from '../src/scene.ts';
import { foresee, tokenFor } from '../src/verbs/act.ts';

const TOKEN = '2026-01-01T03:05:00.000Z';
const GOOD = { kind: 'exit', code: 0, output: '' } as const;
const sceneOf = ({ upgrade, workload, pods, image }: Stage): Scene => ({
  upgrade,
  ...(workload ? { workload } : {}),
  pods,
  rawPods: [],
  revisions: [],
  updateRevision: image.endsWith('1.9') ? '7d9c' : '746d',
  missing: [],
});
const foreseen = (verb: 'abort' | 'retry', stage: Stage) => foresee(verb, sceneOf(stage), TOKEN, stage.now);

/** The stage after the operator has acted on the token. */
function acted(verb: 'abort' | 'retry', stage: Stage): string {
  const annotations = { [`postcheck.dev/${verb}`]: TOKEN };
  stage.upgrade = { ...stage.upgrade, metadata: { ...stage.upgrade.metadata, annotations } };
  return stage.decide().status.message ?? '';
}

const running = (): Stage => {
  const stage = new Stage();
  stage.settle();
  return stage;
};
const succeeded = (): Stage => {
  const stage = running();
  stage.hears(GOOD).settle();
  return stage;
};

describe('foresee', () => {
  test.each([
    ['abort', running],
    ['retry', succeeded],
  ] as const)('says of %s what the operator then does', (verb, make) => {
    const stage = make();
    const told = foreseen(verb, stage);
    expect(told).toEqual({ will: acted(verb, stage) });
  });

  test('says why nothing would happen', () => {
    expect(foreseen('retry', running())).toEqual({ nothing: 'attempt 1 is still running; abort it first' });
    expect(foreseen('abort', succeeded())).toEqual({
      nothing: 'attempt 1 has ended (Succeeded), and there is nothing to roll back',
    });
    expect(foreseen('abort', new Stage())).toEqual({ nothing: 'no attempt has been recorded yet' });
  });

  test('knows what a stage is approved by, and what comes of it', () => {
    const strategy = { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] };
    const stage = new Stage({ strategy });
    stage.settle();
    const approval = tokenFor('approve', stage.upgrade, undefined, stage.now);
    expect(approval).toBe('1/canary');
    expect(foresee('approve', sceneOf(stage), approval, stage.now)).toEqual({
      will: expect.stringMatching(/^Approved 1\/canary: /),
    });
    expect(foresee('approve', sceneOf(stage), '1/nope', stage.now)).toEqual({
      nothing: expect.stringMatching(
        /^NoSuchStage; the stages of attempt 1: canary \(\w+\), rest \(Waiting\)$/,
      ),
    });
    expect(
      foresee('promote', sceneOf(stage), tokenFor('promote', stage.upgrade, undefined, 0), stage.now),
    ).toEqual({
      will: expect.stringMatching(/^Promoted 1: /),
    });
    expect(foresee('promote', sceneOf(running()), '1', running().now)).toEqual({
      nothing: 'attempt 1 has no stages',
    });
  });

  test('of one that is paused names resume: where nothing comes of a word, and where what comes of it stands still', () => {
    const paused = (stage: Stage): Stage => {
      stage.upgrade = { ...stage.upgrade, spec: { ...stage.upgrade.spec, paused: true } };
      stage.decide();
      return stage;
    };
    const resume = '`kubectl postcheck resume web -n shop`';
    expect(foreseen('retry', paused(running()))).toEqual({
      nothing: `attempt 1 is paused; to continue it: ${resume}`,
    });
    for (const [verb, stage] of [
      ['retry', succeeded()],
      ['abort', running()],
    ] as const) {
      expect(foreseen(verb, paused(stage))).toEqual({
        will: expect.stringMatching(/paused until `kubectl postcheck resume web -n shop`$/),
      });
    }
    expect(foreseen('abort', paused(new Stage()))).toEqual({
      nothing: `no attempt has been recorded yet; to start the first one: ${resume}`,
    });
  });

  test('of one that waits for others says for which: promote does not skip them', () => {
    const stage = new Stage({ dependsOn: [{ name: 'database' }] });
    const { upgrade } = new Stage();
    const database = { ...upgrade, metadata: { ...upgrade.metadata, name: 'database' } };
    stage.also = { upgradeNamed: () => database };
    stage.settle();
    const scene = { ...sceneOf(stage), others: [database] };
    expect(foresee('promote', scene, tokenFor('promote', stage.upgrade, undefined, 0), stage.now)).toEqual({
      nothing: expect.stringMatching(/it waits for Upgrade database, which is Pending$/),
    });
  });

  test('of one whose target another Upgrade acts on says so', () => {
    const stage = succeeded();
    stage.also = { claimedBy: 'web-old' };
    stage.settle();
    expect(foreseen('retry', stage)).toEqual({
      nothing: 'Upgrade web-old is older and acts on Deployment web: delete one of the two',
    });
  });

  test('says so when a new attempt starts anyway', () => {
    const stage = succeeded();
    stage.upgrade = {
      ...stage.upgrade,
      spec: { ...stage.upgrade.spec, containers: [{ name: 'web', image: 'registry.example/web:3.0' }] },
    };
    expect(foreseen('retry', stage)).toEqual({
      nothing: expect.stringMatching(/^a new attempt starts automatically: Starting attempt 2/),
    });
  });
});
