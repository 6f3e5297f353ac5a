/** Every situation that has a runbook is explained, in words that a person can act on. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Upgrade, UpgradeStatus } from '../../../src/api/types.ts';
import { SCENES } from '../../../test/docs/scenes.ts';
import { Stage } from '../../../test/support/stage.ts';
import { explain, explainEntry } from '../src/explain.ts';
import { EXIT } from '../src/fault.ts';
import { decided, isUpToDate, needsAttention, unseen } from '../src/upgrade-state.ts';
import { line } from '../src/verbs/status.ts';
import { fakeIo } from './io.ts';

const NOW = Date.parse('2026-01-01T03:30:00Z');

/** The Upgrade whose status a scene comes to. */
const upgradeOf = (scene: string) => ({ ...new Stage().upgrade, status: SCENES[scene]?.().status ?? {} });
function partsOf(scene: string) {
  const { headline, parts } = explain(upgradeOf(scene), NOW);
  return {
    headline,
    ...Object.fromEntries(parts.map(({ topic, lines }) => [topic, lines.join('\n')])),
  } as Record<string, string>;
}

/** An attempt that waits for a window of another day. */
function closed(): Stage {
  const stage = new Stage({
    windows: [{ days: ['Sun'], start: '00:00', durationSeconds: 60, timeZone: 'UTC' }],
  });
  stage.settle();
  return stage;
}

describe('why', () => {
  test.each(Object.keys(SCENES))('has a headline for %s, and a reason or "nothing to do"', (scene) => {
    const { headline, Why } = partsOf(scene);
    expect(headline).toMatch(/^[A-Z].*\.$/);
    expect(`${headline}${Why}`).not.toMatch(/undefined|NaN|Invalid/);
    expect(Why ?? headline).not.toBe('');
  });

  test('of a fallback names the evidence, the rule, the spread and the next step', () => {
    const { headline, Why, Rule, Spread, Next, Runbook } = partsOf('FellBack');
    expect(headline).toContain(
      'serves on 3 of 3 pods and passed the same check. Not urgent: the upgrade is stalled until you act.',
    );
    expect(Why).toContain('readiness-probe in container web exited 17');
    expect(Rule).toBe(
      'readiness-probe has no rule for 17, so the default table applies: Retry, ProbeFailed; probed again until the deadline of 10m, then the pod fails',
    );
    expect(Spread).toContain('3 reported pods on node-1, node-2, node-3');
    expect(Next).toContain('kubectl postcheck set image web web=IMAGE -n shop');
    expect(Next).toContain('kubectl postcheck retry web -n shop');
    expect(Runbook).toBe('https://github.com/postcheck/postcheck/blob/main/docs/runbooks/ProbeFailed.md');
  });

  test('says what verified a version, and never more than that', () => {
    expect(partsOf('AllSkipped')['headline']).toContain(
      'runs, but nothing was verified: every check was skipped.',
    );
    const byReadiness = (phase: 'Succeeded' | 'FellBack', status: Partial<UpgradeStatus>) => {
      const upgrade = { ...upgradeOf('FellBack') };
      return explain({ ...upgrade, status: { ...upgrade.status, ...status, phase } as UpgradeStatus }, NOW)
        .headline;
    };
    const { attempt, fallback } = upgradeOf('FellBack').status as Required<UpgradeStatus>;
    const end = { ...attempt.end, outcome: 'Succeeded', reason: 'ReadinessOnly', at: attempt.startedAt };
    expect(byReadiness('Succeeded', { attempt: { ...attempt, end } } as Partial<UpgradeStatus>)).toContain(
      'runs, verified by readiness only on 3 of 3 pods.',
    );
    const fellBack = (verified: string) =>
      byReadiness('FellBack', { fallback: { ...fallback, verified } } as Partial<UpgradeStatus>);
    expect(fellBack('ReadinessOnly')).toContain(
      'serves on 3 of 3 pods and is verified by readiness only. Not urgent',
    );
    expect(fellBack('PostCheck')).toContain('serves on 3 of 3 pods and passed the same check. Not urgent');
  });

  test('counts no more pods than are desired, while a scale-down is still to remove some that passed', () => {
    const upgrade = upgradeOf('FellBack');
    const { counts } = upgrade.status as UpgradeStatus;
    const scaled = {
      ...upgrade,
      status: { ...upgrade.status, counts: { ...counts, desired: 1 } },
    } as Upgrade;
    expect(explain(scaled, NOW).headline).toContain('serves on 1 of 1 pod and passed');
  });

  test('says that nothing serves any more where it was scaled to nothing since', () => {
    const upgrade = upgradeOf('FellBack');
    const { counts } = upgrade.status as UpgradeStatus;
    const scaled = (phase: 'Succeeded' | 'FellBack', lastVerified?: object) =>
      explain(
        {
          ...upgrade,
          status: { ...upgrade.status, phase, lastVerified, counts: { ...counts, desired: 0, passed: 0 } },
        } as Upgrade,
        NOW,
      ).headline;
    expect(scaled('FellBack', { pods: 3 })).toContain(
      'is set again, verified on 3 pods before it had 0 replicas.',
    );
    expect(scaled('Succeeded')).toContain('is set, verified on all pods before it had 0 replicas.');
  });

  test('of an image that somebody else set adds no line that a reader would take for its own', () => {
    const upgrade = upgradeOf('ImageConflict');
    const image = 'web\u001b[31m\u202e:3\nNext      run: reboot';
    const { attempt } = upgrade.status as UpgradeStatus;
    const end = { ...attempt?.end, why: { reason: 'ImageConflict', container: 'web', image } };
    const hostile = {
      ...upgrade,
      status: { ...upgrade.status, attempt: { ...attempt, end } },
    } as Upgrade;
    const { headline, parts } = explain(hostile, NOW);
    const all = [headline, ...parts.flatMap(({ lines }) => lines)];
    expect(all.filter((text) => text.includes("'web=web:3 Next      run: reboot'"))).toHaveLength(1);
    expect(all.filter((text) => /[\p{Cc}\p{Bidi_Control}]/u.test(text))).toEqual([]);
  });

  test('of a version that failed and stays names the way back, where there is one', () => {
    const back = 'To roll back: kubectl postcheck abort web -n shop';
    expect(partsOf('FallbackPaused')['Next']?.split('\n')).toEqual([
      expect.stringContaining('postcheck set image web web=IMAGE'),
      expect.stringContaining('postcheck retry web'),
      back,
    ]);
    expect(partsOf('FellBack')['Next']).not.toContain(back);
    expect(partsOf('ImageConflict')['Next']).not.toContain(back);
  });

  test('of one that is being deleted says that it is removed, and nothing of its spec', () => {
    const upgrade = upgradeOf('FellBack');
    const { metadata, spec } = upgrade;
    const deleted = {
      ...upgrade,
      metadata: { ...metadata, generation: 9, deletionTimestamp: '2026-01-01T03:29:00Z' },
      spec: { ...spec, containers: [{ name: 'web', image: 'registry.example/web:3.0' }] },
    };
    expect(explain(deleted, NOW).parts.find(({ topic }) => topic === 'Next')?.lines).toEqual([
      'the previous images are restored and verified, then the Upgrade is removed',
    ]);
    expect(line(fakeIo(), deleted)).not.toContain('not observed');
  });

  test('of a workload without pods says what it waits for', () => {
    const stage = new Stage({}, { desired: 0 });
    stage.pods = [];
    stage.settle();
    expect(explain(stage.upgrade, NOW).parts.find(({ topic }) => topic === 'Next')?.lines).toEqual([
      'it continues automatically once Deployment web has pods to verify',
    ]);
  });

  test('names commands that were set on the workload', () => {
    const present = {
      ready: 3,
      desired: 3,
      annotations: { 'postcheck.dev/retry': 'x', 'postcheck.dev/x': 'y' },
    };
    expect(
      explain(upgradeOf('FellBack'), NOW, present).parts.find(({ topic }) => topic === 'Ignored')?.lines,
    ).toEqual([
      'postcheck.dev/retry of Deployment web: commands are read from the Upgrade, not from its workload',
    ]);
  });

  test('names annotations that look like commands and are none', () => {
    const upgrade = upgradeOf('FellBack');
    const ignored = (...names: string[]): readonly string[] | undefined => {
      const annotations = Object.fromEntries(names.map((name) => [name, 'x']));
      const metadata = { ...upgrade.metadata, annotations };
      return explain({ ...upgrade, metadata }, NOW).parts.find(({ topic }) => topic === 'Ignored')?.lines;
    };
    expect(ignored('postcheck.dev/rety', 'other.example/rety')).toEqual([
      'postcheck.dev/rety: postcheck reads no such annotation; did you mean postcheck.dev/retry?',
    ]);
    expect(ignored('postcheck/retry', 'postchek.dev/abort', 'postcheck.dev/Approve')).toEqual([
      'postcheck/retry: postcheck reads no such annotation; did you mean postcheck.dev/retry?',
      'postchek.dev/abort: postcheck reads no such annotation; did you mean postcheck.dev/abort?',
      'postcheck.dev/Approve: postcheck reads no such annotation; did you mean postcheck.dev/approve?',
    ]);
    expect(ignored('postcheck.dev/retry', 'other.example/retry', 'retry')).toBeUndefined();
    const many = ignored(...Array.from({ length: 100 }, (_, index) => `postcheck.dev/x${index}`));
    expect([many?.length, many?.at(-1)]).toEqual([4, 'and 97 more']);
  });

  test('of a failed baseline says that nothing was upgraded, and how to upgrade nevertheless', () => {
    const { headline, Why, Next } = partsOf('BaselineFailed');
    expect(Next).toContain('To upgrade all the same: kubectl postcheck retry web -n shop');
    expect(headline).toContain('Nothing was upgraded to');
    expect(Why).toContain('(and 2 more): readiness-probe in container web exited 17');
    expect(Next).toContain('kubectl postcheck retry web -n shop');
  });

  test('of pods that failed within the budget names them, and both possible next steps', () => {
    const { headline, Why, Next, Runbook } = partsOf('Partial');
    expect(headline).toContain('is verified on 2 of 3 pods; 1 failed. Action is required.');
    expect(Why).toContain('node-3: readiness-probe in container web exited 17');
    expect(Runbook).toMatch(/Partial\.md$/);
    expect(Next).toContain('kubectl postcheck retry web -n shop');
    expect(Next).toContain('kubectl postcheck abort web -n shop');
  });

  test('of a fallback does not compare with pods of the version that runs now, and counts all that failed', () => {
    const upgrade = upgradeOf('FellBack');
    const { fallback } = upgrade.status;
    const evidence = fallback?.evidence?.slice(0, 1) ?? [];
    const status = { ...upgrade.status, ...(fallback ? { fallback: { ...fallback, evidence } } : {}) };
    const { parts } = explain({ ...upgrade, status }, NOW);
    expect(parts.find(({ topic }) => topic === 'Spread')?.lines).toEqual([
      '1 reported pod on node-1',
      'readiness-probe 17 on 3 pods',
    ]);
  });

  test('of a running attempt says when the first deadline is, and how to stop it', () => {
    const upgrade = upgradeOf('GateMissed');
    const { parts } = explain(upgrade, Date.parse('2026-01-01T03:01:00Z'));
    expect(parts.find(({ topic }) => topic === 'Next')?.lines).toEqual([
      expect.stringMatching(
        /^the first deadline is at .*, in 9m\d+s\. To stop it: kubectl postcheck abort web -n shop$/,
      ),
    ]);
  });

  test('counts probes beyond the deadline too, as of the last one that the status has', () => {
    const stage = new Stage();
    const unreachable = { kind: 'unreachable', message: 'the connection was closed' } as const;
    stage.settle();
    stage.hears(unreachable).seconds(700).hears(unreachable).settle();
    stage.seconds(10).hears(unreachable).settle();
    expect(stage.upgrade.status?.phase).toBe('Inconclusive');
    const probed = (): string | undefined =>
      explain(stage.upgrade, stage.now)
        .parts.find(({ topic }) => topic === 'Why')
        ?.lines.find((one) => one.includes('was probed'));
    expect(probed()).toMatch(/ was probed 3 times in 11m5\ds, as of \d\d:\d\d:\d\d$/);
  });

  test('of a blocked fallback first names the obstacle and its runbook', () => {
    const { status, ...rest } = upgradeOf('FellBack');
    const { fallback, attempt } = status;
    const upgrade = {
      ...rest,
      status: {
        ...status,
        phase: 'FallingBack' as const,
        ...(attempt ? { attempt: { ...attempt, end: undefined } } : {}),
        ...(fallback ? { fallback: { ...fallback, finishedAt: undefined } } : {}),
        conditions: [
          {
            type: 'Stalled' as const,
            status: 'True' as const,
            reason: 'Refused' as const,
            message: 'the API server refuses the write',
            observedGeneration: 1,
            lastTransitionTime: '2026-01-01T03:29:00Z',
          },
        ],
      },
    };
    const { parts } = explain(upgrade, NOW);
    expect(parts.find(({ topic }) => topic === 'Why')?.lines[0]).toBe('the API server refuses the write');
    expect(parts.find(({ topic }) => topic === 'Runbook')?.lines).toEqual([
      'https://github.com/postcheck/postcheck/blob/main/docs/runbooks/Refused.md',
    ]);
  });

  test('names a stage that contains no node, while it rolls and after its deadline', () => {
    const stages = [{ name: 'canary', nodes: { matchLabels: { pool: 'edge' } } }];
    const stage = new Stage({ strategy: { stages } }, { kind: 'DaemonSet', onDelete: true });
    stage.also = { nodeLabels: () => ({ pool: 'core' }) };
    const named =
      /; stage canary has no pods: no reachable node with a pod is known to have pool=edge; label a node, or correct spec\.strategy\.stages/;
    expect(stage.settle().status.message).toMatch(named);
    stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
    const late = stage.seconds(3600).settle().status;
    expect(late).toMatchObject({ phase: 'Inconclusive', message: expect.stringMatching(named) });
    const { parts } = explain(stage.upgrade, stage.now);
    expect(parts.find(({ topic }) => topic === 'Why')?.lines.join('\n')).toMatch(named);
  });

  test('of an attempt without a verdict that has no pod to probe speaks of what is to be fixed', () => {
    const stage = new Stage();
    stage.settle();
    stage.pods = [];
    stage.seconds(3600).settle();
    expect(stage.upgrade.status?.phase).toBe('Inconclusive');
    expect(explain(stage.upgrade, stage.now).parts.find(({ topic }) => topic === 'Next')?.lines[0]).toBe(
      'it continues automatically once that is fixed. To roll back: kubectl postcheck abort web -n shop',
    );
  });

  test('of a verdict says what happened to its pods afterwards, as the message describes the time of the verdict', () => {
    const now = (scene: string, ready: number, desired: number) =>
      explain(upgradeOf(scene), NOW, { ready, desired }).headline;
    expect(now('FellBack', 3, 3)).toMatch(
      /serves on 3 of 3 pods .* Not urgent: the upgrade is stalled until you act\.$/,
    );
    expect(now('FellBack', 1, 3)).toMatch(
      /ran again on 3 of 3 pods and passed the same check\. Since then pods have failed: 1 of 3 pods Ready now\. See kubectl postcheck tree web -n shop$/,
    );
    // The failed pod of the attempt is still not Ready, which is nothing new.
    expect(now('Partial', 2, 3)).not.toMatch(/Since then/);
    expect(now('Partial', 1, 3)).toMatch(/Since then pods have failed: 1 of 3 pods Ready now/);
    expect(now('FellBack', 0, 0)).toMatch(/ Since then it was scaled to 0 replicas\.$/);
    // Neither version is verified: whether anything is Ready decides how urgent that is.
    expect(now('FallbackFailed', 0, 3)).toMatch(/could be verified: act now\. 0 of 3 pods Ready now\.$/);
    expect(now('FallbackPaused', 1, 3)).toMatch(/was not rolled back\. 1 of 3 pods Ready now\.$/);
    // One that goes on has no pods Ready yet.
    expect(now('GateMissed', 0, 3)).not.toMatch(/Since then/);
  });

  test('of an attempt without evidence names no past deadline, and says how to roll back', () => {
    const { headline, Next, Rule, Output } = partsOf('Inconclusive');
    expect(headline).toMatch(/^Inconclusive\. .* is verified on 0 of 3 pods; nothing speaks against it/);
    expect(Next).toBe(
      'it continues automatically once its pods can be probed. To roll back: kubectl postcheck abort web -n shop\nto fall back at the deadline in such a case: spec.postCheck.onInconclusive: Fallback',
    );
    expect(Rule).toMatch(/^readiness-probe returned no result, which is no evidence/);
    expect(Output).toBeUndefined();
  });

  test('links the page of the outcome where what to do depends on it, and none while nothing is wrong', () => {
    expect(partsOf('FallbackFailed').Runbook).toMatch(/FallbackFailed\.md$/);
    expect(partsOf('Inconclusive').Runbook).toMatch(/Inconclusive\.md$/);
    expect(partsOf('Unschedulable').Runbook).toMatch(/Unschedulable\.md$/);
    expect(partsOf('NodeUnreachable').Runbook).toMatch(/NodeUnreachable\.md$/);
    // Reasons of Kubernetes and of the author are in no table.
    const crashed = new Stage();
    crashed.settle();
    const end = { ended: { reason: 'Error', message: '', byRule: false }, exitCode: 3 };
    crashed.containers({ state: 'waiting', reason: 'CrashLoopBackOff', ...end }).settle();
    crashed.seconds(700).hearsNothing().settle();
    expect(explain(crashed.upgrade, crashed.now).parts.at(-1)?.lines).toEqual([
      expect.stringMatching(/NotReady\.md$/),
    ]);
    const exitCodes = [{ codes: '17', class: 'Fail' as const, reason: 'NoNeighbour' }];
    const checks = [{ name: 'neighbour', exec: { command: ['/check'] }, exitCodes }];
    const owned = new Stage({ postCheck: { checks } });
    owned.settle();
    owned.hears({ kind: 'exit', code: 17, output: '' }).settle();
    expect(owned.upgrade.status?.message).toContain('NoNeighbour');
    expect(explain(owned.upgrade, owned.now).parts.at(-1)?.lines).toEqual([
      expect.stringMatching(/ProbeFailed\.md$/),
    ]);
    const stage = new Stage();
    stage.settle();
    const { upgrade } = stage;
    const waiting = { reason: 'WindowClosed', since: '2026-01-01T00:00:00Z' } as const;
    const conditions = (upgrade.status?.conditions ?? []).map((condition) =>
      condition.type === 'Ready' ? { ...condition, reason: 'WindowClosed' as const } : condition,
    );
    const { parts } = explain({ ...upgrade, status: { ...upgrade.status, waiting, conditions } }, NOW);
    expect(parts.map(({ topic }) => topic)).not.toContain('Runbook');
  });

  test('of a conflict blames neither the version nor its pods, and names both possible next steps', () => {
    const stage = new Stage();
    stage.settle();
    stage.hears({ kind: 'exit', code: 17, output: '' }).settle();
    stage.foreignImage('registry.example/web:1.8', 'kubectl-rollout').settle();
    const { headline, parts } = explain(stage.upgrade, NOW);
    expect(headline).toMatch(/^Failed, .*\. Another client set an image, and postcheck left it as it is: /);
    expect(stage.upgrade.status?.headline).toBe(
      'Container web was set to registry.example/web:1.8 by kubectl-rollout during the attempt',
    );
    expect(parts.map(({ topic }) => topic)).toEqual(['Why', 'Timeline', 'Next', 'Runbook']);
    expect(parts[0]?.lines).toEqual([
      'container web was set to registry.example/web:1.8 by kubectl-rollout during the attempt; postcheck does not overwrite it',
    ]);
    expect(parts[2]?.lines).toEqual([
      'to keep what runs now, and verify it, set it: kubectl postcheck set image web web=registry.example/web:1.8 -n shop',
      expect.stringMatching(
        /^to roll to web=registry.example\/web:2.0 again, .*: kubectl postcheck retry web -n shop$/,
      ),
    ]);
    expect(parts[3]?.lines).toEqual([
      'https://github.com/postcheck/postcheck/blob/main/docs/runbooks/ImageConflict.md',
    ]);
  });

  test('of an attempt that another client has aborted says whom a retry needs', () => {
    const stage = new Stage();
    stage.settle();
    stage.foreignImage('registry.example/web:1.9', 'argocd-controller').settle();
    stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
    expect(stage.upgrade.status?.phase).toBe('FellBack');
    const parts = explain(stage.upgrade, NOW).parts.filter(({ topic }) => ['Why', 'Next'].includes(topic));
    expect(parts.flatMap(({ lines }) => lines)).toContainEqual(
      expect.stringMatching(
        /^To retry the same images, once argocd-controller leaves them as they are: kubectl postcheck retry web/,
      ),
    );
  });

  test('of a conflict quotes an image that a shell would evaluate', () => {
    const stage = new Stage();
    stage.settle();
    stage.foreignImage('web:1;touch$IFS/tmp/x', 'kubectl-set').settle();
    const lines = explain(stage.upgrade, NOW).parts.find(({ topic }) => topic === 'Next')?.lines;
    expect(lines?.[0]).toMatch(/ set image web 'web=web:1;touch\$IFS\/tmp\/x' -n shop$/);
  });

  test('of a conflict during the fallback names the conflict first, then why the version fell back', () => {
    const stage = new Stage();
    stage.settle();
    stage.hears({ kind: 'exit', code: 17, output: '' }).settle();
    stage.seconds(600).hears({ kind: 'exit', code: 17, output: '' }).settle();
    expect(stage.upgrade.status?.phase).toBe('FallbackChecking');
    stage.foreignImage('registry.example/web:5', 'kubectl-set').settle();
    const { parts } = explain(stage.upgrade, NOW);
    const [Why] = parts;
    expect(Why?.lines).toEqual([
      expect.stringMatching(/^container web was set to registry.example\/web:5 by kubectl-set/),
      expect.stringMatching(/^web=registry.example\/web:2.0 had failed before: pod .* exited 17/),
    ]);
    expect(parts.at(-1)?.lines[0]).toMatch(/ImageConflict\.md$/);
  });

  describe('of an Upgrade whose next attempt is blocked', () => {
    /** It fell back; then another image was wanted. */
    const wanted = (spec: object, paused = false): Stage => {
      const stage = new Stage({ fallback: { verify: false } });
      stage.settle();
      stage.hears({ kind: 'exit', code: 17, output: '' }).settle();
      stage.seconds(600).hears({ kind: 'exit', code: 17, output: '' }).settle();
      expect(stage.upgrade.status?.phase).toBe('FellBack');
      const containers = [{ name: 'web', image: 'registry.example/web:3.0' }];
      stage.upgrade = { ...stage.upgrade, spec: { ...stage.upgrade.spec, containers, ...spec } };
      stage.workload = stage.workload && ({ ...stage.workload, paused } as typeof stage.workload);
      stage.settle();
      return stage;
    };
    const windows = [{ start: '00:00', durationSeconds: 60, timeZone: 'UTC' }];

    test.each([
      ['Stalled: action is required', wanted({}, true), /^Deployment web is paused/, /once that is fixed$/],
      ['Paused', wanted({ paused: true }), /^paused by spec.paused/, /postcheck resume web -n shop$/],
      ['Waiting', wanted({ windows }), /when its window opens/, /once that is over$/],
    ] as const)('begins with that: %s', (state, { upgrade }, cause, way) => {
      const { headline, parts } = explain(upgrade, NOW);
      expect(headline).toMatch(
        new RegExp(`^${state}\\. web=registry.example/web:3.0 has not started; the attempt before it, 1, `),
      );
      expect(parts.map(({ topic }) => topic).filter((topic) => topic !== 'Runbook')).toEqual(['Why', 'Next']);
      expect(parts[0]?.lines).toEqual([expect.stringMatching(cause)]);
      expect(parts[1]?.lines).toEqual([expect.stringMatching(way)]);
      expect([isUpToDate(upgrade), decided(upgrade)]).toEqual([false, undefined]);
    });

    test('of an Upgrade whose workload was deleted afterwards names the deletion, and suggests no retry', () => {
      const stage = new Stage();
      stage.settle();
      stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
      stage.workload = undefined;
      stage.settle();
      const { headline, parts } = explain(stage.upgrade, NOW);
      expect(headline).toBe('Succeeded, and stalled: action is required.');
      expect(parts[0]?.lines[0]).toMatch(
        /^Deployment web does not exist in namespace shop: create it, or delete this Upgrade and create one for the workload that you mean$/,
      );
      expect(JSON.stringify(parts)).not.toContain('postcheck retry');
    });
  });

  test('of a network check without a response names its port, and what is decided at the deadline', () => {
    const checks = [{ name: 'open', tcpSocket: { port: 9999 } }];
    const stage = new Stage({ postCheck: { checks } });
    stage.settle();
    const refused = { kind: 'unconnected', message: 'connect to 10.0.0.1:9999: connection refused' } as const;
    stage.hears(refused).settle();
    stage.seconds(600).hears(refused).settle();
    stage.seconds(70).hears(refused).settle();
    const lines = explain(stage.upgrade, stage.now).parts.find(({ topic }) => topic === 'Next')?.lines;
    expect(lines).toEqual([
      expect.stringMatching(/^it continues automatically once its pods can be probed/),
      expect.stringMatching(/^is 9999 the right port of check open, /),
      expect.stringMatching(/onInconclusive: Fallback$/),
    ]);
  });

  test('of a deadline at which nothing was decided says where to look, as an operator that is gone decides nothing', () => {
    const stage = new Stage();
    stage.settle();
    stage.hears({ kind: 'exit', code: 17, output: '' });
    stage.decide();
    const next = (later: number) =>
      explain(stage.upgrade, stage.now + later * 1000).parts.find(({ topic }) => topic === 'Next')?.lines;
    expect(next(630)).toEqual([
      expect.stringMatching(/^the first deadline was at .*; one last probe decides$/),
    ]);
    expect(next(4200)).toEqual([
      expect.stringMatching(
        /^the first deadline was at .*; nothing has been decided for 1h\S*: kubectl postcheck check says whether the operator runs$/,
      ),
    ]);
    stage.pods = [];
    stage.settle();
    expect(next(86_400)).toEqual([
      expect.stringMatching(
        /^its deadline was at .*; nothing has been decided for \S+: kubectl postcheck check /,
      ),
    ]);
  });

  test('of an attempt without any pod names the deadline', () => {
    const stage = new Stage();
    stage.settle();
    stage.pods = [];
    stage.settle();
    expect(explain(stage.upgrade, stage.now).parts.find(({ topic }) => topic === 'Next')?.lines).toEqual([
      expect.stringMatching(/^without further progress it ends at .*postcheck abort web -n shop$/),
    ]);
  });

  test('of a container that exits says how, and names its log only while the pod exists', () => {
    const stage = new Stage();
    stage.settle();
    const end = { ended: { reason: 'Error', message: '', byRule: false }, exitCode: 3 };
    stage.containers({ state: 'waiting', reason: 'CrashLoopBackOff', restarts: 1, ...end }).settle();
    const why = (): string => explain(stage.upgrade, stage.now).parts[0]?.lines.join('\n') ?? '';
    expect(why()).toContain(
      'container web last ended as Error (exit code 3); its log: kubectl logs web-746d-a -c web --previous -n shop',
    );
    stage.containers({ state: 'waiting', reason: 'CrashLoopBackOff', restarts: 3, ...end }).settle();
    expect(stage.upgrade.status?.fallback).toBeDefined();
    expect(why()).not.toContain('kubectl logs');
  });

  describe('of a fallback whose pods cannot be probed', () => {
    const silent = (): Stage => {
      const stage = new Stage({ fallback: { deadlineSeconds: 600 } });
      stage.settle();
      stage.hears({ kind: 'exit', code: 0, output: '' }, ({ name }) => name.endsWith('a')).settle();
      const annotations = { 'postcheck.dev/abort': '1' };
      stage.upgrade = { ...stage.upgrade, metadata: { ...stage.upgrade.metadata, annotations } };
      stage.settle();
      const none = { kind: 'unreachable', message: 'connection lost' } as const;
      stage.hears(none).settle();
      stage.seconds(700).hears(none).settle();
      return stage;
    };
    const partOf = (stage: Stage, topic: string): string =>
      explain(stage.upgrade, stage.now)
        .parts.find((one) => one.topic === topic)
        ?.lines.join('\n') ?? '';

    test('says why they are not verified, when it ends, and where to read more', () => {
      const stage = silent();
      expect([stage.upgrade.status?.phase, needsAttention(stage.upgrade)]).toEqual([
        'FallbackChecking',
        true,
      ]);
      expect(partOf(stage, 'Why')).toMatch(/pod \S+ of the previous version: .*connection lost/);
      expect(partOf(stage, 'Next')).toMatch(/without further progress the fallback ends at \d\d:\d\d:\d\d/);
      expect(partOf(stage, 'Runbook')).toMatch(/runbooks\/Inconclusive\.md$/);
      expect(partOf(stage, 'Traffic')).toBe('');
    });

    test('does not say that a newer image starts within seconds', () => {
      const stage = silent();
      const { upgrade } = stage;
      const containers = [{ name: 'web', image: 'registry.example/web:3.0' }];
      stage.upgrade = {
        ...upgrade,
        spec: { ...upgrade.spec, containers },
        metadata: { ...upgrade.metadata, generation: upgrade.metadata.generation + 1 },
      };
      stage.settle();
      expect(stage.upgrade.status?.phase).toBe('FallbackChecking');
      expect(unseen(stage.upgrade)).toBeUndefined();
      expect(partOf(stage, 'Next')).toContain('; after that web=registry.example/web:3.0 is rolled');
      expect(partOf(stage, 'Next')).not.toContain('within seconds');
    });
  });

  test('of a pod that is not ready says where the reason is to be read', () => {
    const whyOf = (scene: string) => explain(upgradeOf(scene), NOW).parts[0]?.lines.join('\n');
    expect(whyOf('NotReady')).toMatch(
      /\npod web-746d-\w: its events say why: kubectl events --for pod\/web-746d-\w -n shop$/,
    );
    expect(whyOf('Initializing')).toMatch(
      /\npod web-746d-\w: what its init containers print: kubectl logs web-746d-\w --all-containers -n shop$/,
    );
    expect(whyOf('ProbeFailed')).not.toMatch(/kubectl (events|logs)/);
  });

  test('of a probe without an exit code says what follows from its result', () => {
    expect(
      explain(upgradeOf('ProbeTimedOut'), NOW).parts.find(({ topic }) => topic === 'Rule')?.lines,
    ).toEqual([
      'readiness-probe: Retry, ProbeTimedOut; probed again until the deadline of 10m, then the pod fails',
    ]);
  });

  test('of an Upgrade without a status names the command that checks for an operator', () => {
    const { headline, parts } = explain(new Stage().upgrade, NOW);
    expect(headline).toBe('Pending.');
    expect(parts.find(({ topic }) => topic === 'Next')?.lines).toEqual([
      'the operator observes it within seconds; if it does not, run kubectl postcheck check',
    ]);
  });

  test('of a container that the workload does not have names how to change the Upgrade', () => {
    const stage = new Stage();
    const containers = [{ name: 'wbe', image: 'registry.example/web:2.0' }];
    stage.upgrade = { ...stage.upgrade, spec: { ...stage.upgrade.spec, containers } };
    stage.settle();
    const { parts } = explain(stage.upgrade, NOW);
    expect(parts.find(({ topic }) => topic === 'Next')?.lines).toEqual([
      'it continues automatically once that is fixed; to change the Upgrade: kubectl edit upgrade web -n shop',
    ]);
  });

  test('of a paused Upgrade names resume', () => {
    const { upgrade } = new Stage();
    const status = { observedGeneration: 1, phase: 'Pending' as const };
    const { parts } = explain({ ...upgrade, status, spec: { ...upgrade.spec, paused: true } }, NOW);
    expect(parts.find(({ topic }) => topic === 'Next')?.lines).toEqual([
      'it is paused, and no deadline runs. To resume: kubectl postcheck resume web -n shop',
    ]);
  });

  test('of a success names no runbook, and that no action is needed', () => {
    const stage = new Stage();
    stage.settle();
    stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
    const { headline, parts } = explain(stage.upgrade, NOW);
    expect(headline).toMatch(/ verified on 3 of 3 pods\. No action is needed\.$/);
    expect(parts.map(({ topic }) => topic)).toEqual(['Why', 'Timeline']);
  });

  test.each([
    ['PostCheckChanged', /verified on 3 of 3 pods, but by an earlier spec\.postCheck\.$/],
    ['AllSkipped', /but nothing was verified: every check was skipped\.$/],
  ])('of a success that is not verified says so, and how to verify it: %s', (scene, outcome) => {
    const { headline, Next, Runbook } = partsOf(scene);
    expect(headline).toMatch(outcome);
    expect(Next).toBe('to verify what runs: kubectl postcheck retry web -n shop');
    expect(Runbook).toContain(`/${scene}.md`);
  });

  /** Scenes with a page of which another one says more: what happened, or what to do at once. */
  const ELSEWHERE: Readonly<Record<string, string>> = {
    FellBack: 'ProbeFailed',
    NoProgress: 'FallbackFailed',
    // That an attempt waits for a pod that is gone is only in its message.
    PodEnded: 'Inconclusive',
    PodTerminating: 'Inconclusive',
  };
  test.each(Object.keys(SCENES).filter((scene) => existsSync(`docs/runbooks/${scene}.md`)))(
    'of %s links its page',
    (scene) => {
      expect(partsOf(scene)['Runbook']).toMatch(new RegExp(`/${ELSEWHERE[scene] ?? scene}\\.md$`));
    },
  );

  test('of an image that was changed after the end says so, as the conditions do, and what to do', () => {
    const upgrade = upgradeOf('Drifted');
    const { headline, Why, Next, Runbook } = partsOf('Drifted');
    expect(headline).toBe('Succeeded, but another client has changed the images since: action is required.');
    expect(Why).toMatch(/^Deployment web was upgraded, but kubectl-set has since set container web to /);
    expect(Next).toContain('set it in spec.containers');
    expect(Next).toContain('kubectl postcheck retry web -n shop');
    expect(Runbook).toMatch(/Drifted\.md$/);
    expect(line(fakeIo(), upgrade)).toMatch(/^✗ Succeeded, Drifted /);
    expect(decided(upgrade)).toBe(EXIT.failed);
  });

  test.each(Object.keys(SCENES))('of %s calls nothing a success that the conditions do not', (scene) => {
    const upgrade = upgradeOf(scene);
    const refuted = upgrade.status.conditions?.some(
      ({ type, status }) =>
        (type === 'Ready' && status === 'False') || (type === 'Stalled' && status === 'True'),
    );
    const said = [`${partsOf(scene).headline}`, line(fakeIo(), upgrade), `${decided(upgrade)}`];
    expect(refuted && said.some((text) => /No action is needed|✔|^0$/.test(text))).toBe(false);
  });

  test('of pods that failed within the budget lists their places, and what their nodes have in common', () => {
    const upgrade = upgradeOf('Partial');
    const [first] = upgrade.status.left ?? [];
    const left = ['node-1', 'node-2', 'node-3', 'node-4'].map((name) => ({ ...first, name }) as never);
    const explained = [{ label: 'ring', value: 'lab', failed: 1, verified: 2 }];
    const { parts } = explain({ ...upgrade, status: { ...upgrade.status, left, explained } }, NOW);
    const lines = (topic: string) => parts.find((part) => part.topic === topic)?.lines;
    expect(lines('Why')?.slice(0, 4)).toEqual([
      ...[1, 2, 3].map((node) => expect.stringMatching(new RegExp(`^node-${node}: readiness-probe in `))),
      'and 1 more: kubectl postcheck tree web -n shop',
    ]);
    expect(lines('Spread')).toContain(
      'the failed pod is on a node with ring=lab, but none of the 2 verified pods',
    );
  });

  test('of a soak says until when in local time, and how to skip it', () => {
    const stages = [{ name: 'canary', pods: 1, soakSeconds: 3600 }];
    const stage = new Stage({ strategy: { stages } });
    stage.settle();
    stage.hears({ kind: 'exit', code: 0, output: '' }).settle();
    expect(stage.upgrade.status?.waiting?.reason).toBe('Soaking');
    const { parts } = explain(stage.upgrade, stage.now);
    const lines = (topic: string) => parts.find((part) => part.topic === topic)?.lines;
    expect(lines('Why')).toEqual([
      expect.stringMatching(/^stage canary: \d of 1 pod verified, still probed until \d\d:\d\d:\d\d$/),
    ]);
    expect(lines('Next')).toEqual([
      expect.stringMatching(
        /^it continues automatically at \d\d:\d\d:\d\d, in \d+[a-z]\S*\. To continue immediately: kubectl postcheck promote web -n shop$/,
      ),
    ]);
  });

  test('begins with what an attempt waits for, or that it is paused', () => {
    const headline = ({ upgrade, now }: Stage) => explain(upgrade, now).headline;
    const paused = new Stage();
    paused.settle();
    paused.upgrade = { ...paused.upgrade, spec: { ...paused.upgrade.spec, paused: true } };
    paused.settle();
    expect(headline(paused)).toBe('PostChecking, paused. 0 of 3 pods passed.');
    const manual = new Stage({ strategy: { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] } });
    manual.settle();
    manual.hears({ kind: 'exit', code: 0, output: '' }).settle();
    expect(headline(manual)).toMatch(
      /^[A-Z]\w+, waits for approval: action is required\. \d of 3 pods passed\.$/,
    );
    expect(headline(closed())).toBe('Pending, waits for its window.');
  });

  test('of a wait until another day says how long that is, as the clock of its reader is not that of the message', () => {
    const { upgrade, now } = closed();
    const { parts } = explain(upgrade, now);
    expect(parts.find(({ topic }) => topic === 'Next')?.lines).toEqual([
      expect.stringMatching(
        /^it continues automatically at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, in \d\d\S*\. To continue immediately: /,
      ),
    ]);
  });

  test('of an abort links its page, and not that of the pods which are going', () => {
    const stage = new Stage();
    stage.settle();
    stage.seconds(600).hears({ kind: 'unconnected', message: 'connect ECONNREFUSED' }).settle();
    expect(stage.upgrade.status?.pods?.[0]?.state).toBe('Inconclusive');
    const annotations = { 'postcheck.dev/abort': 'now' };
    stage.upgrade = { ...stage.upgrade, metadata: { ...stage.upgrade.metadata, annotations } };
    stage.decide();
    expect(stage.upgrade.status?.phase).toBe('FallingBack');
    expect(explain(stage.upgrade, stage.now).parts.at(-1)?.lines).toEqual([
      expect.stringMatching(/Aborted\.md$/),
    ]);
  });

  test('of an earlier attempt shows what the history has', () => {
    const upgrade = upgradeOf('FellBack');
    const [entry] = upgrade.status.history ?? [];
    expect(entry && explainEntry(entry, upgrade.spec, NOW).headline).toMatch(
      /^Attempt 1 of web=.*: FellBack, /,
    );
  });
});
