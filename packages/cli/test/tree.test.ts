/** The tree of Upgrades that the real decisions drove there. */
import { describe, expect, test } from '@jest/globals';
import { Stage } from '../../../test/docs/stage.ts';
import type { Scene } from '../src/scene.ts';
import { treeLines } from '../src/tree-picture.ts';
import { fakeIo } from './io.ts';

const sceneOf = (stage: Stage, also: Partial<Scene> = {}): Scene => ({
  upgrade: stage.upgrade,
  ...(stage.workload ? { workload: stage.workload } : {}),
  pods: stage.pods,
  rawPods: [],
  revisions: [],
  updateRevision: '746d',
  missing: [],
  ...also,
});
const linesOf = (stage: Stage, also: Partial<Scene> = {}): string[] =>
  treeLines(fakeIo({ now: stage.now }), sceneOf(stage, also));

/** An attempt whose pods said 17 once, a minute ago. */
function retrying(): Stage {
  const stage = new Stage();
  stage.settle();
  stage.hears({
    kind: 'exit',
    code: 17,
    output: 'starting\nconfig: key \u001b[31mtls.cert\u001b[0m missing\n',
  });
  stage.decide();
  stage.seconds(60);
  return stage;
}

describe('tree', () => {
  test('shows each pod with its gate, code, last words and the time left', () => {
    const lines = linesOf(retrying());
    expect(lines[0]).toBe(
      '◌ Upgrade shop/web   attempt 1: web=registry.example/web:2.0   PostChecking   0 of 3 passed   gate on',
    );
    const pod = lines.find((line) => line.includes('web-746d-a')) ?? '';
    expect(pod).toContain('◌ web-746d-a');
    expect(pod).toContain('gate CLOSED');
    expect(pod).toMatch(/readiness-probe 17 after 1 probe {3}probed every 10s, deadline in (8m5\ds|9m)/);
    expect(lines).toContain('      │      “config: key tls.cert missing”');
    expect(lines.at(-1)).toMatch(
      /^If nothing changes: falls back to web=registry.example\/web:1.9 at \d\d:\d\d:\d\d\.$/,
    );
  });

  test('says whether unverified pods serve', () => {
    const stage = retrying();
    const traffic = new Map(
      stage.pods.map(({ uid }, index) => [uid, index === 0 ? ('serving' as const) : ('out' as const)]),
    );
    expect(linesOf(stage, { traffic })).toContain(
      'Traffic: 1 pod in the endpoints of Services; 1 pod of them behind a closed gate.',
    );
  });

  test('of a decided Upgrade ends with its sentence, and shows no clock', () => {
    const stage = retrying();
    stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
    const text = linesOf(stage).join('\n');
    expect(text).toContain('Deployment web runs web:2.0, verified on');
    expect(text).not.toContain('deadline');
  });

  test('of pods without an answer names no decision at a deadline that is over', () => {
    const stage = new Stage({ postCheck: { checks: [{ name: 'open', tcpSocket: { port: 9999 } }] } });
    stage.settle();
    const refused = { kind: 'unconnected', message: 'connect ECONNREFUSED' } as const;
    stage.seconds(600).hears(refused).settle();
    const text = linesOf(stage.seconds(70)).join('\n');
    expect(text).toContain('deadline is over without an answer');
    expect(text).not.toMatch(/one last probe|If nothing changes/);
  });

  test('names what the caller may not read', () => {
    const stage = retrying();
    const lines = linesOf(stage, {
      pods: [],
      missing: ['forbidden: jane may not list pods in namespace shop'],
    });
    expect(lines.at(-1)).toBe('Not shown: forbidden: jane may not list pods in namespace shop');
  });
});
