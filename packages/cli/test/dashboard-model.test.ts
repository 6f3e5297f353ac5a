/** What the dashboard draws, as a function of what the API says: played by the operator's own decisions. */
import { describe, expect, test } from '@jest/globals';
import type { PodView } from '../../../src/api/views.ts';
import { cardOf, cardOfAny } from '../src/dashboard/card.ts';
import type { Detail, Life, Sample } from '../src/dashboard/model.ts';
import type { Traffic } from '../src/scene.ts';
import { BAD, begun, GOOD, gated, type Watched } from './watched.ts';

const livesOf = ({ lanes }: Detail, version: Life['version']): Life[] =>
  lanes.lanes.flatMap(({ lives }) => lives).filter((life) => life.version === version);

const whats = ({ bars }: Life): string[] => bars.map(({ what }) => what);

describe('lanes', () => {
  test('draw the pods of both versions, by node, with a deadline for those that have to pass', () => {
    const detail = begun().look();
    expect(detail.lanes).toMatchObject({ isLive: true, left: 0 });
    expect(detail.lanes.marks.map(({ text }) => text)).toEqual(['attempt 1']);
    expect(detail.lanes.lanes.map(({ node }) => node)).toEqual([
      'node-1', 'node-1', 'node-2', 'node-2', 'node-3', 'node-3',
    ]); // biome-ignore format: a line
    expect(detail.lanes.lanes.at(-1)?.zone).toBe('zone-b');
    expect(livesOf(detail, 'before').map(whats)).toEqual([['serve'], ['serve'], ['serve']]);
    for (const life of livesOf(detail, 'wanted')) {
      expect(life).toMatchObject({ gate: 'closed', tries: [], look: 'still' });
      expect(life.deadlineAt).toBeGreaterThan(detail.lanes.to);
      expect(life.verdict).toBeUndefined();
    }
  });

  test('keep each observed probe with its exit code, and count those in between', () => {
    const watched = begun();
    const { stage } = watched;
    stage.hears(BAD).settle();
    watched.look();
    stage.seconds(30).hears(BAD).hears(BAD).settle();
    watched.look();
    watched.look();
    const [life] = livesOf(watched.look(), 'wanted');
    expect(life?.tries.map(({ text, class: kind, number }) => [text, kind, number])).toEqual([
      ['17', 'Retry', 1],
      ['17', 'Retry', 3],
    ]);
    expect(life).toMatchObject({ state: 'Retrying', look: 'busy', words: 'config: key tls.cert missing' });
    expect(life && whats(life).at(-1)).toBe('check');
  });

  test('show verdict, gate and first endpoint of a pod that passes, none before the probe that caused it', () => {
    const watched = begun();
    watched.stage.seconds(1.4).hears(GOOD).settle();
    const detail = watched.look();
    for (const life of livesOf(detail, 'wanted')) {
      const at = life.verdict?.at ?? 0;
      expect(life).toMatchObject({ state: 'Passed', look: 'good', gate: 'open', verdict: { good: true } });
      expect(life.gateOpenedAt).toBe(at);
      expect(at).toBeGreaterThanOrEqual(life.tries[0]?.at ?? Number.POSITIVE_INFINITY);
      expect(life.endpoint).toMatchObject({ seen: true });
      expect(life.endpoint?.at).toBeGreaterThanOrEqual(at);
      expect(whats(life).slice(-1)).toEqual(['serve']);
      expect(life.deadlineAt).toBeUndefined();
    }
  });

  test('draw pull and start from the events of the kubelet', () => {
    const watched = begun();
    const [pod] = watched.stage.pods;
    const at = pod?.createdAt ?? 0;
    watched.stage.containers({ startedAt: at + 9000 });
    watched.recording = undefined;
    watched.notes = [{ uid: pod?.uid ?? '', reason: 'Pulling', at: at + 2000 }];
    const [life] = livesOf(watched.look(), 'wanted');
    expect(life && whats(life)).toEqual(['waiting', 'pull', 'start', 'check']);
    expect(life?.bars.slice(0, 3).map(({ from, to }) => (to ?? 0) - from)).toEqual([2000, 7000, 0]);
  });

  test('continue to the right with the fallback; a deleted pod keeps its lane, with its last message', () => {
    const watched = begun();
    const { stage } = watched;
    stage.hears(BAD).settle();
    watched.look();
    stage.seconds(600).hears(BAD);
    stage.decide();
    watched.look();
    stage.settle();
    watched.others = [];
    watched.look();
    stage.seconds(2).hears(GOOD).settle();
    const detail = watched.look();
    expect(detail.lanes.marks.map(({ text, look }) => [text, look])).toEqual([
      ['attempt 1', 'still'],
      ['falls back', 'back'],
      ['fell back', 'back'],
    ]);
    const failed = livesOf(detail, 'wanted');
    expect(failed).toHaveLength(3);
    for (const life of failed) {
      expect(life).toMatchObject({
        state: 'Failed',
        look: 'bad',
        verdict: { good: false, text: 'ProbeFailed' },
      });
      expect(life.goneAt).toBeDefined();
      expect(life.tries.at(-1)).toMatchObject({ text: '17' });
      expect(life.words).toBe('config: key tls.cert missing');
    }
    const [first] = livesOf(detail, 'restored');
    expect(first).toMatchObject({ state: 'Passed', look: 'good' });
    expect(first?.bars[0]?.from).toBeGreaterThan(failed[0]?.bars[0]?.from ?? 0);
  });

  test('of an attempt that was not watched are drawn from the evidence in the status', () => {
    const watched = begun();
    const { stage } = watched;
    stage.hears(BAD).settle();
    stage.seconds(600).hears(BAD).settle();
    stage.hears(GOOD).settle();
    watched.others = [];
    watched.recording = undefined;
    const detail = watched.look();
    const failed = livesOf(detail, 'wanted');
    expect(failed).toHaveLength(3);
    expect(failed[0]).toMatchObject({ state: 'Failed', words: 'config: key tls.cert missing' });
    expect(detail.lanes.isLive).toBe(false);
  });

  test('are grouped by the stage of their node, or by creation time', () => {
    const stagesIn = (stages: object[]): string[] => {
      const watched = begun();
      const { upgrade } = watched.stage;
      const status = {
        ...upgrade.status,
        stages: [{ name: 'canary', state: 'Rolling', desired: 1, verified: 0 }],
      };
      const spec = { ...upgrade.spec, strategy: { stages } };
      watched.stage.upgrade = { ...upgrade, spec, status } as unknown as typeof upgrade;
      return watched
        .look()
        .lanes.lanes.flatMap(({ node, stage }) => (stage === '' ? [] : `${node} ${stage}`));
    };
    const canary = { name: 'canary', nodes: { matchLabels: { canary: 'true' } } };
    expect(stagesIn([canary, { name: 'all' }])).toEqual(['node-1 all', 'node-2 all', 'node-3 canary']);
    expect(stagesIn([{ name: 'canary', pods: 1 }, { name: 'all' }])).toEqual([
      'node-1 canary', 'node-2 all', 'node-3 all',
    ]); // biome-ignore format: a line
  });

  test('are limited: the worst are drawn, and the rest is counted', () => {
    const watched = begun();
    const [pod] = watched.stage.pods;
    watched.others = Array.from({ length: 500 }, (_, index) => ({
      ...(pod as PodView),
      uid: `pod-${index}`,
      name: `many-${index}`,
      revision: 'before',
    }));
    watched.look();
    watched.stage.hears(BAD).settle();
    const { lanes } = watched.look();
    expect(lanes.lanes).toHaveLength(60);
    expect(lanes.left).toBeGreaterThan(400);
    expect(
      lanes.lanes.flatMap(({ lives }) => lives).filter(({ state }) => state === 'Retrying'),
    ).toHaveLength(3);
  });
});

describe('a StatefulSet', () => {
  test('has one lane for all pods of a name, and the evidence keeps the image that failed', () => {
    const watched = begun();
    const { stage } = watched;
    const named = (name: (pod: PodView) => string): void => {
      stage.pods = stage.pods.map((pod) => ({ ...pod, name: name(pod) }));
    };
    const ordinal = ({ node }: PodView): string => `db-${Number(node.slice(-1)) - 1}`;
    watched.others = watched.others.map((pod) => ({ ...pod, name: ordinal(pod), uid: `${pod.uid}-before` }));
    watched.recording = undefined;
    watched.look();
    named(ordinal);
    stage.seconds(1).hears(BAD).settle();
    watched.others = [];
    watched.look();
    stage.seconds(600).hears(BAD).settle();
    named(ordinal);
    watched.look();
    stage.seconds(2).hears(GOOD).settle();
    const { lanes, evidence } = watched.look();
    expect(lanes.lanes.map(({ pod, lives }) => [pod, lives.map(({ version }) => version)])).toEqual(
      ['db-0', 'db-1', 'db-2'].map((name) => [name, ['before', 'wanted', 'restored']]),
    );
    expect(evidence.worst?.image).toBe('registry.example/web:2.0');
  });
});

describe('evidence', () => {
  test('has the worst pod, its output and the codes by node, image and zone', () => {
    const watched = begun();
    watched.stage.hears(BAD).settle();
    const { evidence } = watched.look();
    expect(evidence.worst).toMatchObject({
      node: 'node-1',
      zone: 'zone-a',
      image: 'registry.example/web:2.0',
    });
    expect(evidence.worst?.checks[0]).toMatchObject({ code: '17', output: ['config: key tls.cert missing'] });
    expect(evidence.splits.map(({ by, rows }) => [by, rows.map(({ name }) => name)])).toEqual([
      ['node', ['node-1', 'node-2', 'node-3']],
      ['image', ['registry.example/web:2.0']],
      ['zone', ['zone-a', 'zone-b']],
    ]);
    expect(evidence.splits[2]?.rows[0]?.codes).toEqual([{ text: 'exit 17', look: 'back', pods: 2 }]);
  });

  test('is what caused the fallback, also after other pods have passed', () => {
    const watched = begun();
    const { stage } = watched;
    stage.hears(BAD).settle();
    watched.look();
    stage.seconds(600).hears(BAD).settle();
    watched.others = [];
    stage.hears(GOOD).settle();
    const { evidence } = watched.look();
    expect(evidence.worst?.checks[0]).toMatchObject({ code: '17' });
    expect(evidence.splits.find(({ by }) => by === 'image')?.rows.map(({ name }) => name)).toEqual([
      'registry.example/web:2.0',
    ]);
    expect(evidence.splits[0]?.rows.flatMap(({ codes }) => codes.map(({ text }) => text))).toEqual([
      'exit 17', 'exit 17', 'exit 17',
    ]); // biome-ignore format: a line
  });

  test('shortens the output of a container to single lines of limited length without control characters', () => {
    const watched = begun();
    const output = `\u001b[31mred\u001b[0m <script>alert(1)</script>\u202e\n${'x'.repeat(5000)}\n${'line\n'.repeat(80)}`;
    watched.stage.hears({ kind: 'exit', code: 17, output }).settle();
    const lines = watched.look().evidence.worst?.checks[0]?.output ?? [];
    expect(lines[0]).toBe('red <script>alert(1)</script>');
    expect(lines.length).toBeLessThanOrEqual(41);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(300);
  });
});

describe('traffic', () => {
  test('distinguishes pods of the previous version, verified and unverified ones, and records only changes', () => {
    const watched = begun();
    watched.look();
    const [pod] = watched.stage.pods;
    watched.stage.pods = watched.stage.pods.map((one) => (one === pod ? { ...one, gates: [] } : one));
    watched.look();
    watched.stage.pods = watched.stage.pods.map(gated);
    watched.others = [];
    watched.stage.seconds(3).hears(GOOD).settle();
    const samples = watched
      .look()
      .traffic?.map(({ before, verified, unverified }) => [before, verified, unverified]);
    expect(samples?.slice(-3)).toEqual([[3, 0, 0], [3, 0, 1], [0, 3, 0]]); // biome-ignore format: a line
  });
});

describe('traffic behind a gate', () => {
  const lastOf = (endpoints: Traffic): Sample | undefined => {
    const watched = begun();
    watched.endpoints = endpoints;
    return watched.look().traffic?.at(-1);
  };

  test('is verified if the endpoint serves, even if the event of the pod arrives later', () => {
    expect(lastOf('serving')).toMatchObject({ before: 3, verified: 3, unverified: 0 });
  });

  test('is unverified if a Service publishes pods that are not ready', () => {
    expect(lastOf('published')).toMatchObject({ before: 3, verified: 0, unverified: 3 });
  });
});

describe('traffic of a fallback', () => {
  test('goes to the restored previous version, unverified until that is verified again', () => {
    const watched = begun();
    const { stage } = watched;
    stage.hears(BAD).settle();
    watched.look();
    stage.seconds(600).hears(BAD).settle();
    watched.others = [];
    watched.look();
    stage.seconds(2).hears(GOOD).settle();
    const samples = watched.look().traffic ?? [];
    expect(samples.filter(({ unverified }) => unverified > 0)).toEqual([]);
    expect(samples.at(-1)).toMatchObject({ before: 0, verified: 3 });
    expect(samples.at(-2)).toMatchObject({ before: 3, verified: 0 });
  });
});

describe('the available actions', () => {
  const acts = (watched: Watched): string[] => watched.look().acts.map(({ verb }) => verb);

  test('depend on the state of the Upgrade', () => {
    const watched = begun();
    expect(acts(watched)).toEqual(['pause', 'abort']);
    watched.stage.hears(GOOD).settle();
    expect(acts(watched)).toEqual(['retry']);
    const { upgrade } = watched.stage;
    watched.stage.upgrade = { ...upgrade, spec: { ...upgrade.spec, paused: true } };
    expect(acts(watched)).toContain('resume');
  });
});

describe('cards', () => {
  test('are shown also for Upgrades that cannot be read, without affecting others', () => {
    const { upgrade } = begun().stage;
    const broken = { ...upgrade, spec: {} } as typeof upgrade;
    expect(cardOfAny(broken)).toMatchObject({ key: 'shop/web', section: 'person', phase: 'Unknown' });
    expect(cardOfAny(broken).headline).toMatch(
      /^cannot be shown, because it has another version or is invalid: /,
    );
    expect(cardOfAny(upgrade)).toEqual(cardOf(upgrade));
  });

  test('list those that need a person first, and show the last attempts', () => {
    const watched = begun({ fallback: { action: 'Pause' } });
    expect(cardOf(watched.stage.upgrade)).toMatchObject({ section: 'busy', look: 'busy', key: 'shop/web' });
    watched.stage.hears(BAD).settle();
    watched.stage.seconds(600).hears(BAD).settle();
    expect(cardOf(watched.stage.upgrade)).toMatchObject({
      section: 'person',
      look: 'bad',
      phase: 'Failed',
      attempts: [{ number: 1, outcome: 'Failed', look: 'bad' }],
    });
  });
});
