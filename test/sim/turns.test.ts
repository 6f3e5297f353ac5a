/** Attempts that begin in windows, and after other Upgrades. */
import { describe, expect, jest, test } from '@jest/globals';
import { played, three } from './played.ts';
import type { Run } from './run.ts';
import { badInTheWait, dependent, NEW, OLD, promotedAtOnce, STAGED_KINDS, windowed } from './stories.ts';
import { sweep } from './sweep.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const reasonsOf = (run: Run) => run.events.map(({ reason }) => reason);
const begins = (run: Run) =>
  run.world.upgrade()?.status?.stages?.map(({ startedAt }) => startedAt?.slice(11, 16));

describe.each(STAGED_KINDS)('windows of a %s', (kind) => {
  test('let the attempt begin in one, and a stage that came too late in the next', async () => {
    const run = await played(windowed(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(begins(run)).toEqual(['00:01', '00:05']);
    expect(reasonsOf(run).filter((reason) => reason === 'WindowClosed')).toHaveLength(2);
    expect(reasonsOf(run)).not.toContain('Inconclusive');
    expect(run.memory.waits.map((wait) => wait.split(' ')[0])).toEqual([
      'WindowClosed',
      'Soaking',
      'WindowClosed',
    ]);
    expect(
      run.writes.filter(({ at }) => at < Date.parse('2026-01-01T00:00:59Z')).map((write) => write.kind),
    ).toEqual(['patchStatus']);
  });

  test('are not waited for by a fallback', async () => {
    const run = await played(badInTheWait(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    expect(run.world.upgrade()?.status?.fallback?.finishedAt).toMatch(/T00:0[34]:/);
  });

  test('are not waited for once it is promoted', async () => {
    const run = await played(promotedAtOnce(kind));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.world.upgrade()?.status?.attempt?.end?.at).toMatch(/T00:00:/);
  });
});

test.each([windowed('Deployment'), windowed('DaemonSet OnDelete')])(
  'windows hold also when the operator is cut at any write: $name',
  async (story) => {
    const { failures } = await sweep(story, 1);
    expect(failures).toEqual([]);
  },
);

describe('an Upgrade that depends on another', () => {
  test('begins when that has succeeded with what it names now', async () => {
    const run = await played(dependent('Deployment'));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.world.upgrade('database')?.status?.phase).toBe('Succeeded');
    expect(reasonsOf(run)).toContain('DependencyNotReady');
  });

  test('does so wherever the operator is cut', async () => {
    const { failures } = await sweep(dependent('Deployment'), 1);
    expect(failures).toEqual([]);
  });

  test('waits for the next window when that succeeds only after its own has closed (kontena/pharos-host-upgrades#1)', async () => {
    const story = dependent('Deployment');
    const minute = (number: number): number => Date.parse('2026-01-01T00:00:00Z') + number * 60_000;
    const windows = ['00:00', '00:30'].map((start) => ({ start, durationSeconds: 600, timeZone: 'UTC' }));
    const run = await played({
      ...story,
      minutes: 45,
      spec: { ...story.spec, windows },
      steps: (story.steps ?? []).map(({ when, act }) => ({
        when: (world) => when(world) && world.clock.now() > minute(12),
        act,
      })),
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    const startedAt = Date.parse(run.world.upgrade()?.status?.attempt?.startedAt ?? '');
    expect(startedAt - minute(30)).toBeLessThan(60_000);
    expect(startedAt).toBeGreaterThanOrEqual(minute(30));
    expect(run.memory.waits.map((wait) => wait.split(' ')[0])).toEqual([
      'DependencyNotReady',
      'WindowClosed',
    ]);
  });
});
