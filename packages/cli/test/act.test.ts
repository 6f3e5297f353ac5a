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
    expect(foreseen('retry', running())).toEqual({ nothing: 'attempt 1 still runs; abort it first' });
    expect(foreseen('abort', succeeded())).toEqual({
      nothing: 'attempt 1 has ended (Succeeded), and there is nothing to take back',
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

  test('says so when a new attempt starts anyway', () => {
    const stage = succeeded();
    stage.upgrade = {
      ...stage.upgrade,
      spec: { ...stage.upgrade.spec, containers: [{ name: 'web', image: 'registry.example/web:3.0' }] },
    };
    expect(foreseen('retry', stage)).toEqual({
      nothing: expect.stringMatching(/^a new attempt starts by itself: Starting attempt 2/),
    });
  });
});
