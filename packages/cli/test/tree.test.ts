/** The tree of Upgrades that the real decisions drove there. */
import { describe, expect, test } from '@jest/globals';
import type { UpgradeStatus } from '../../../src/api/types.ts';
import { Stage } from '../../../test/support/stage.ts';
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
  test('shows each pod with its gate, exit code, last message and the time left', () => {
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

  test('shows no output of a check that has passed for a pod whose other check has not', () => {
    const stage = retrying();
    const [first] = stage.upgrade.status?.pods ?? [];
    const passed = { ...first?.checks[0], check: 'ok', class: 'Pass' as const, output: 'all is well' };
    const silent = { ...first?.checks[0], output: undefined };
    const pods = stage.upgrade.status?.pods?.map((pod) => ({ ...pod, checks: [silent, passed] }));
    stage.upgrade = { ...stage.upgrade, status: { ...stage.upgrade.status, pods } as UpgradeStatus };
    expect(linesOf(stage).join('\n')).not.toContain('all is well');
  });

  test('says what suspends an attempt that nobody has paused', () => {
    const paused = retrying();
    paused.upgrade = { ...paused.upgrade, spec: { ...paused.upgrade.spec, paused: true } };
    paused.settle();
    expect(linesOf(paused).at(-1)).toMatch(/^Paused since \d\d:\d\d:\d\d: no deadline runs\.$/);
    const suspended = retrying();
    suspended.workload = { ...suspended.workload, paused: true } as typeof suspended.workload;
    suspended.settle();
    expect(linesOf(suspended).at(-1)).toMatch(
      /kubectl rollout resume deployment\/web -n shop.* {3}Suspended since \d\d:\d\d:\d\d: no deadline runs\.$/,
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

  test('of a decided Upgrade ends with its message, and shows no clock', () => {
    const stage = retrying();
    stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
    const text = linesOf(stage).join('\n');
    expect(text).toContain('Deployment web runs web:2.0, verified on');
    expect(text).not.toContain('deadline');
  });

  test('of a fallback that failed shows no clock of a pod that was not decided, as no pod is probed any more', () => {
    const stage = retrying();
    stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
    const { status } = stage.upgrade;
    const deadlineAt = new Date(stage.now - 1000).toISOString();
    const pods = status?.pods?.map((pod) => ({ ...pod, state: 'Waiting' as const, deadlineAt }));
    stage.upgrade = {
      ...stage.upgrade,
      status: { ...status, phase: 'FallbackFailed', pods } as UpgradeStatus,
    };
    expect(linesOf(stage).join('\n')).not.toMatch(/probed every|deadline is over/);
  });

  test('announces no last probe long after a deadline, as an operator that is gone sends none', () => {
    const stage = retrying();
    expect(linesOf(stage.seconds(545)).join('\n')).toMatch(/deadline is over: one last probe/);
    const text = linesOf(stage.seconds(3600)).join('\n');
    expect(text).toMatch(/deadline is over, and nothing is decided/);
    expect(text).toMatch(
      / {3}Its deadline is over; nothing has been decided for 1h\S*: kubectl postcheck check says whether the operator runs\.$/,
    );
  });

  test('of pods without a response announces no decision at a past deadline', () => {
    const stage = new Stage({ postCheck: { checks: [{ name: 'open', tcpSocket: { port: 9999 } }] } });
    stage.settle();
    const refused = { kind: 'unconnected', message: 'connect ECONNREFUSED' } as const;
    stage.seconds(600).hears(refused).settle();
    const text = linesOf(stage.seconds(70)).join('\n');
    expect(text).toContain('deadline is over without an answer');
    expect(text).not.toMatch(/one last probe|If nothing changes/);
  });

  describe('marks what runs by its images, and not by the template', () => {
    const STRATEGY = { strategy: { stages: [{ name: 'canary', pods: 1 }] } };
    const drawn = (stage: Stage): string =>
      linesOf(stage, { updateRevision: stage.image.endsWith('1.9') ? '7d9c' : '746d' }).join('\n');
    const GOOD = { kind: 'exit', code: 0, output: '' } as const;
    const BAD = { kind: 'exit', code: 17, output: '' } as const;

    test('the version that was not written, because that before fails', () => {
      const stage = new Stage({ preCheck: { baseline: 'RequirePass' } });
      stage.settle();
      stage.hears(BAD).settle();
      expect(drawn(stage)).toMatch(/0 of 3 updated[\s\S]*web=registry.example\/web:1.9 {3}\(current\)/);
    });

    test('the version before, after a fallback', () => {
      const stage = new Stage(STRATEGY);
      stage.settle();
      expect(drawn(stage)).toMatch(/3 of 3 updated[\s\S]*web=registry.example\/web:2.0 {3}\(wanted\)/);
      stage.hears(BAD).settle();
      stage.seconds(600).hears(BAD).settle();
      stage.hears(GOOD).settle();
      expect(stage.upgrade.status?.phase).toBe('FellBack');
      expect(drawn(stage)).toMatch(
        /0 of 3 run web=registry.example\/web:2.0,[\s\S]*web=registry.example\/web:1.9 {3}\(current\)/,
      );
    });

    test('what another client set', () => {
      const stage = retrying();
      stage.hears(GOOD).settle();
      stage.foreignImage('registry.example/web:1.8', 'kubectl-set').settle();
      expect(drawn(stage)).toMatch(
        /✗.* Succeeded, Drifted [\s\S]*0 of 3 updated[\s\S]*web=registry.example\/web:1.8 {3}\(current\)/,
      );
    });

    test('what runs until the window opens', () => {
      const windows = [{ start: '00:00', durationSeconds: 60, timeZone: 'UTC' }];
      const stage = new Stage({ windows });
      stage.settle();
      expect(drawn(stage)).toMatch(/0 of 3 updated[\s\S]*web=registry.example\/web:1.9 {3}\(current\)/);
    });

    test('names no deadline while a stage soaks, or waits for approval', () => {
      const stages = [{ name: 'canary', pods: 1, soakSeconds: 60, approval: 'Manual' }];
      const stage = new Stage({ strategy: { stages } });
      stage.settle();
      stage.hears(GOOD, ({ name }) => name.endsWith('a')).settle();
      expect(stage.upgrade.status?.waiting?.reason).toBe('Soaking');
      expect(drawn(stage)).toMatch(/still probed until \S+$/);
      stage
        .seconds(61)
        .hears(GOOD, ({ name }) => name.endsWith('a'))
        .settle();
      expect(stage.upgrade.status?.waiting?.reason).toBe('AwaitingApproval');
      expect(drawn(stage)).not.toMatch(/If nothing changes|Without further progress|deadline/);
    });
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
