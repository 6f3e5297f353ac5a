/** What the verbs say they will do is what the operator's decisions do. */
import { describe, expect, test } from '@jest/globals';
import type { Upgrade } from '../../../src/api/types.ts';
import { Stage } from '../../../test/support/stage.ts';
import type { Cluster } from '../src/cluster.ts';
import { Conflict } from '../src/fault.ts';
import { predict, tokenFor } from '../src/predict.ts';
import type { Scene } from '../src/scene.ts';
import { waitsForPerson } from '../src/upgrade-state.ts';
import { patched, resuming } from '../src/verbs/act.ts';
import { strayText } from '../src/verbs/set-image.ts';
import { fakeIo } from './io.ts';

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
const prediction = (verb: 'abort' | 'retry', stage: Stage) => predict(verb, sceneOf(stage), TOKEN, stage.now);

/** The stage after the operator has acted on the token. */
function acted(verb: 'abort' | 'retry', stage: Stage): string {
  const annotations = { [`postcheck.dev/${verb}`]: TOKEN };
  stage.upgrade = { ...stage.upgrade, metadata: { ...stage.upgrade.metadata, annotations } };
  return stage.decide().status.message ?? '';
}

function running(): Stage {
  const stage = new Stage();
  stage.settle();
  return stage;
}
function succeeded(): Stage {
  const stage = running();
  stage.hears(GOOD).settle();
  return stage;
}

test('resume says whether the attempt continues or its fallback', () => {
  const stage = running();
  expect(resuming(stage.upgrade, true)).toBe('Attempt 1 continues; each pod has its full deadline again');
  acted('abort', stage);
  expect(resuming(stage.upgrade, true)).toBe(
    'Attempt 1 continues to fall back; each pod has its full deadline again',
  );
});

test('set image names the containers that stay in the spec and that the workload does not have', () => {
  const { upgrade, workload } = new Stage();
  const stray = { name: 'wbe', image: 'registry.example/web:2.0' };
  const mistyped = { ...upgrade, spec: { ...upgrade.spec, containers: [stray, ...upgrade.spec.containers] } };
  const known = workload ? { workload } : {};
  expect(strayText({ upgrade: mistyped, ...known })).toBe(
    'spec.containers still names wbe, which Deployment web does not have, so no attempt starts: remove it with `kubectl edit upgrade web -n shop`',
  );
  expect(strayText({ upgrade, ...known })).toBeUndefined();
  expect(strayText({ upgrade: mistyped })).toBeUndefined();
});

describe('predict', () => {
  test.each([
    ['abort', running],
    ['retry', succeeded],
  ] as const)('says of %s what the operator then does', (verb, make) => {
    const stage = make();
    const predicted = prediction(verb, stage);
    const pods = verb === 'abort' ? '; 3 pods of it now: web-746d-a, web-746d-b, web-746d-c' : '';
    expect(predicted).toEqual({ will: `${acted(verb, stage)}${pods}` });
  });

  test('says why nothing would happen', () => {
    expect(prediction('retry', running())).toEqual({ nothing: 'attempt 1 is still running; abort it first' });
    expect(prediction('abort', succeeded())).toEqual({
      nothing: 'attempt 1 has ended (Succeeded), and there is nothing to roll back',
    });
    expect(prediction('abort', new Stage())).toEqual({ nothing: 'no attempt has been recorded yet' });
  });

  test('describes how a stage is approved, and the effect', () => {
    const strategy = { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] };
    const stage = new Stage({ strategy });
    stage.settle();
    expect(predict('approve', sceneOf(stage), '1/canary', stage.now)).toEqual({
      will: 'stage canary of attempt 1 is approved in advance: it will not wait for approval',
    });
    expect(predict('approve', sceneOf(stage), '1/nope', stage.now)).toEqual({
      nothing: expect.stringMatching(
        /^there is no stage nope; the stages of attempt 1: canary \(\w+\), rest \(Waiting\)$/,
      ),
    });
    expect(predict('approve', sceneOf(stage), '1/cannary', stage.now)).toEqual({
      nothing: expect.stringMatching(/^there is no stage cannary; did you mean canary\?; the stages of /),
    });
    expect(predict('approve', sceneOf(stage), '1/rest', stage.now)).toEqual({
      nothing:
        'stage rest needs no approval: its approval is Auto; to approve canary: `kubectl postcheck approve web canary -n shop`',
    });
    expect(
      predict('promote', sceneOf(stage), tokenFor('promote', stage.upgrade, undefined, 0), stage.now),
    ).toEqual({
      will: 'attempt 1 is promoted: it skips the waits of its remaining stages, but no check',
    });
    expect(predict('promote', sceneOf(running()), '1', running().now)).toEqual({
      nothing: 'attempt 1 has no stages',
    });
  });

  test('without a name approves the stage that waits now, and never the next one in advance', () => {
    const stages = ['one', 'two'].map((name) => ({ name, pods: 1, approval: 'Manual' }));
    const stage = new Stage({ strategy: { stages } });
    const token = () => tokenFor('approve', stage.upgrade, undefined, stage.now);
    const none = (first: string) =>
      new RegExp(
        `^nothing to approve: no stage waits for approval now: ${first} .*; to approve ${first}: .kubectl postcheck approve web ${first} -n shop.$`,
      );
    stage.settle();
    expect(token).toThrow(none('one'));
    stage.hears(GOOD).settle();
    expect(stage.upgrade.status?.stages?.[0]?.state).toBe('AwaitingApproval');
    expect(token()).toBe('1/one');
    expect(predict('approve', sceneOf(stage), token(), stage.now)).toEqual({
      will: 'stage one of attempt 1 is approved',
    });
    expect(waitsForPerson(stage.upgrade)).toContain('kubectl postcheck approve web');
    const annotations = { 'postcheck.dev/approve': token() };
    stage.upgrade = { ...stage.upgrade, metadata: { ...stage.upgrade.metadata, annotations } };
    // Approved, and not observed yet: whoever approved need not do so again.
    expect(waitsForPerson(stage.upgrade)).toBeUndefined();
    stage.decide();
    // Observed, and the stage is completed by the next write.
    expect(stage.upgrade.status?.stages?.[0]).toMatchObject({ state: 'AwaitingApproval' });
    expect(waitsForPerson(stage.upgrade)).toBeUndefined();
    stage.decide();
    expect(stage.upgrade.status?.stages?.[0]?.state).toBe('Done');
    expect(token).toThrow(none('two'));
    expect(predict('approve', sceneOf(stage), '1/one', stage.now)).toEqual({
      nothing: 'stage one is done; to approve two: `kubectl postcheck approve web two -n shop`',
    });
  });

  test('names during the soak of a stage the one that needs approval, and none if there is none', () => {
    const soaking = (approval: string): Stage => {
      const stages = [
        { name: 'canary', pods: 1, soakSeconds: 60 },
        { name: 'half', pods: 2, approval },
      ];
      const stage = new Stage({ strategy: { stages } });
      stage.settle();
      stage.hears(GOOD).settle();
      expect(stage.upgrade.status?.waiting?.reason).toBe('Soaking');
      return stage;
    };
    const token = (stage: Stage) => () => tokenFor('approve', stage.upgrade, undefined, stage.now);
    expect(token(soaking('Manual'))).toThrow(/kubectl postcheck approve web half -n shop/);
    expect(token(soaking('Auto'))).toThrow(/; no further stage needs approval$/);
  });

  test('says that a retry has no effect if the workload does not exist', () => {
    const stage = succeeded();
    stage.workload = undefined;
    stage.settle();
    expect(prediction('retry', stage)).toEqual({
      nothing: expect.stringMatching(/^Deployment web does not exist in namespace shop: create it/),
    });
  });

  test('names resume for a paused Upgrade, both if the verb has no effect and if its effect is suspended', () => {
    const paused = (stage: Stage): Stage => {
      stage.upgrade = { ...stage.upgrade, spec: { ...stage.upgrade.spec, paused: true } };
      stage.decide();
      return stage;
    };
    const resume = '`kubectl postcheck resume web -n shop`';
    expect(prediction('retry', paused(running()))).toEqual({
      nothing: `attempt 1 is paused; to continue it: ${resume}`,
    });
    for (const [verb, stage] of [
      ['retry', succeeded()],
      ['abort', running()],
    ] as const) {
      expect(prediction(verb, paused(stage))).toEqual({
        will: expect.stringMatching(/paused until `kubectl postcheck resume web -n shop`$/),
      });
    }
    expect(prediction('abort', paused(new Stage()))).toEqual({
      nothing: `no attempt has been recorded yet; to start the first one: ${resume}`,
    });
  });

  test('names the Upgrades that are waited for, which promote does not skip', () => {
    const stage = new Stage({ dependsOn: [{ name: 'database' }] });
    const { upgrade } = new Stage();
    const database = { ...upgrade, metadata: { ...upgrade.metadata, name: 'database' } };
    stage.also = { upgradeNamed: () => database };
    stage.settle();
    const scene = { ...sceneOf(stage), others: [database] };
    expect(predict('promote', scene, tokenFor('promote', stage.upgrade, undefined, 0), stage.now)).toEqual({
      nothing: expect.stringMatching(/it waits for Upgrade database, which is Pending$/),
    });
  });

  test('says that another Upgrade acts on the target', () => {
    const stage = succeeded();
    stage.also = { claimedBy: 'web-old' };
    stage.settle();
    expect(prediction('retry', stage)).toEqual({
      nothing: 'Upgrade web-old already acts on Deployment web: delete one of the two',
    });
  });

  test('of one whose attempt waits for its window does not name the way to start it at once', () => {
    const stage = new Stage({ windows: [{ start: '00:00', durationSeconds: 60, timeZone: 'UTC' }] });
    stage.settle();
    expect(prediction('abort', stage)).toEqual({
      nothing:
        'attempt 1 has not started; it waits for its window: Fri 2026-01-02 00:00 UTC; to keep it from starting: `kubectl postcheck pause web -n shop`',
    });
    expect(predict('promote', sceneOf(stage), '1', stage.now)).toHaveProperty('will');
  });

  test('says that a new attempt starts anyway', () => {
    const stage = succeeded();
    stage.upgrade = {
      ...stage.upgrade,
      spec: { ...stage.upgrade.spec, containers: [{ name: 'web', image: 'registry.example/web:3.0' }] },
    };
    expect(prediction('retry', stage)).toEqual({
      nothing: expect.stringMatching(/^a new attempt starts automatically: Starting attempt 2/),
    });
  });
});

describe('a write that conflicts with a newer Upgrade', () => {
  /** The Upgrade changes this many times between a read and the write. */
  function changing(times: number): { cluster: Cluster; bodies: unknown[] } {
    const bodies: unknown[] = [];
    const raw = { ...new Stage().upgrade, kind: 'Upgrade' };
    const read = async () => ({
      ...raw,
      metadata: { ...raw.metadata, resourceVersion: String(bodies.length + 1) },
    });
    const patch = async (_target: unknown, body: unknown) => {
      bodies.push(body);
      if (bodies.length <= times) {
        throw new Conflict('the object has been modified');
      }
      return await read();
    };
    return { cluster: { patch, read } as unknown as Cluster, bodies };
  }
  const { upgrade } = new Stage();
  const found = { raw: {}, upgrade };
  const bodyFor = ({ metadata: { resourceVersion } }: Upgrade) => ({ resourceVersion });

  test('is computed again from the newer one', async () => {
    const { cluster, bodies } = changing(2);
    const io = fakeIo();
    expect(await patched(io, cluster, found, { effects: ['Starting attempt 2'] }, bodyFor)).toBe(0);
    expect(io.lines).toEqual(['Starting attempt 2', 'upgrade.postcheck.dev/web patched']);
    expect(bodies).toEqual(['1', '2', '3'].map((resourceVersion) => ({ resourceVersion })));
  });

  test('gives up after some conflicts', async () => {
    const { cluster } = changing(Number.POSITIVE_INFINITY);
    const io = fakeIo();
    const acting = { effects: ['Starting attempt 2'] };
    await expect(patched(io, cluster, found, acting, bodyFor)).rejects.toThrow('has been modified');
    expect(io.lines).toEqual([]);
  });
});
