/** A workload that is too long for the operator: it says that the workload does not exist, and this tool, which reads the API itself, why. */
import { describe, expect, test } from '@jest/globals';
import { SCENES } from '../../../test/docs/scenes.ts';
import { Stage } from '../../../test/docs/stage.ts';
import { detailOf } from '../src/dashboard/detail.ts';
import { record } from '../src/dashboard/recording.ts';
import { predict } from '../src/predict.ts';
import { compose, type Scene } from '../src/scene.ts';
import { treeLines } from '../src/tree-picture.ts';
import { fakeIo } from './io.ts';

const NOW = Date.parse('2026-01-01T03:30:00Z');
const TRUTH =
  'Deployment web exists, but the operator skips it, because its container names, images, mounts and named ports have more than 131,072 characters together: shorten them';

const workloadWith = (image: string) => ({
  metadata: { name: 'web', namespace: 'shop', uid: 'w', generation: 1 },
  spec: { replicas: 3, template: { spec: { containers: [{ name: 'web', image }] } } },
});
const found = { ...new Stage().upgrade, status: SCENES['TargetNotFound']?.().status ?? {} };
const sceneOf = (image: string, upgrade: Scene['upgrade'] = found): Scene =>
  compose({ upgrade, rawWorkload: workloadWith(image), pods: [], revisions: [], missing: [] });
function lost(): Stage {
  const stage = new Stage();
  stage.settle();
  stage.workload = undefined;
  stage.settle();
  return stage;
}
const TOO_LONG = sceneOf('x'.repeat(140_000));

function whyIn(scene: Scene): string {
  const sources = { scene, recording: record(undefined, scene, NOW), notes: [], nodes: new Map(), now: NOW };
  return (
    detailOf(sources)
      .parts.find(({ topic }) => topic === 'Why')
      ?.lines.join('\n') ?? ''
  );
}

describe('a workload that is too long', () => {
  test('is named as the reason in the dashboard, in place of what is not true', () => {
    expect(whyIn(TOO_LONG)).toBe(TRUTH);
  });

  test('also if it became so during an attempt', () => {
    const { upgrade } = lost();
    expect(whyIn(sceneOf('web', upgrade))).toContain('deleted during the attempt');
    expect(whyIn(sceneOf('x'.repeat(140_000), upgrade))).toBe(TRUTH);
  });

  test('is named in the tree', () => {
    expect(treeLines(fakeIo({ now: NOW }), TOO_LONG).at(-1)).toBe(`${TRUTH}.`);
  });

  test('is why a command has no effect', () => {
    expect(predict('retry', { ...TOO_LONG, upgrade: lost().upgrade }, 'now', NOW)).toEqual({
      nothing: TRUTH,
    });
  });

  test('is not one that the operator will see in a moment', () => {
    expect(whyIn(sceneOf('registry.example/web:1.9'))).toContain('does not exist in namespace shop');
  });
});
