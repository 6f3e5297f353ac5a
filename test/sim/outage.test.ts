/** Cycles while the API server is away, or when nobody in the pod can be asked. */
import { expect, test } from '@jest/globals';
import type { PodView } from '../../src/api/views.ts';
import type { PlannedCycle } from '../../src/core/plan.ts';
import { possibleTries } from '../../src/core/verification/tries.ts';
import type { ExecResult, Reader } from '../../src/engine/ports.ts';
import { ProbeRunner } from '../../src/engine/probe-runner.ts';
import { drain } from './clock.ts';
import { play } from './run.ts';
import { good } from './stories.ts';
import { remembered, rememberingTelemetry } from './telemetry.ts';

const unready = (pod: PodView): PodView => ({
  ...pod,
  conditions: { ...pod.conditions, ContainersReady: { status: 'False', reason: '', message: '', since: 0 } },
});

interface Bench {
  readonly runner: ProbeRunner;
  readonly cycle: PlannedCycle;
  readonly pod: PodView;
  /** Lets virtual time pass. */
  readonly pass: (seconds: number) => Promise<void>;
  execs: number;
}

/** A runner beside a finished story, whose execs and looks at the pod answer as told. */
async function bench(
  exec: ExecResult,
  look: (pod: PodView) => Awaited<ReturnType<Reader['getPod']>>,
  tries = true,
): Promise<Bench> {
  const { world } = await play(good('Deployment'));
  const [ready] = world.pods();
  const pod = tries ? (ready as PodView) : unready(ready as PodView);
  const spec = world.upgrade()?.spec;
  if (!spec) {
    throw new Error('no Upgrade');
  }
  const { clock } = world;
  const made: Bench = {
    runner: new ProbeRunner({
      clock,
      executor: {
        exec: () => {
          made.execs++;
          return Promise.resolve(exec);
        },
      },
      prober: { probe: () => Promise.resolve({ kind: 'unconnected', message: '' }) },
      reader: {
        getPod: () => Promise.resolve(look(pod)),
        listUpgrades: () => Promise.resolve('unknown'),
        failedCreate: () => Promise.resolve(undefined),
        failedStart: () => Promise.resolve(undefined),
      },
      telemetry: rememberingTelemetry(remembered()),
      maxExecs: 16,
      maxExecsPerNode: 4,
    }),
    cycle: {
      pod,
      verification: '1-abc',
      inFallback: false,
      template: ['web'],
      tries: tries ? possibleTries({ spec, template: ['web'] }, pod) : [],
    },
    pod,
    pass: async (seconds) => {
      await drain();
      await clock.runUntil(clock.now() + seconds * 1000, () => {});
    },
    execs: 0,
  };
  return made;
}

const broken: ExecResult = { kind: 'broken', message: 'connection refused' };

test('while the API server does not answer, a pod is asked every few seconds, however often a cycle is planned', async () => {
  const at = await bench(broken, () => 'unknown');
  const counted: unknown[] = [];
  for (let second = 0; second < 60; second++) {
    at.runner.start('shop/web', at.cycle, (finished) => counted.push(finished));
    await at.pass(1);
  }
  expect(at.execs).toBeGreaterThanOrEqual(7);
  expect(at.execs).toBeLessThanOrEqual(24);
  expect(new Set(counted)).toEqual(new Set([undefined]));
});

test.each([
  ['does not answer', () => 'unknown' as const],
  ['has no such pod any more', () => 'gone' as const],
  ['has another pod of that name', (pod: PodView) => ({ ...pod, uid: 'another' })],
])('a cycle without anybody to ask counts for nothing when the API server %s', async (_what, look) => {
  const at = await bench(broken, look, false);
  const counted: unknown[] = [];
  at.runner.start('shop/web', at.cycle, (finished) => counted.push(finished));
  await at.pass(10);
  expect(counted).toEqual([undefined]);
});

test('a ready pod without checks is believed without another look: its result is stored on this very pod', async () => {
  const at = await bench(broken, () => 'unknown');
  const counted: unknown[] = [];
  at.runner.start('shop/web', { ...at.cycle, tries: [] }, (finished) => counted.push(finished));
  await at.pass(0);
  expect(counted).toMatchObject([{ results: [] }]);
});

test.each([
  ['has another image by then', { containers: 'another' }],
  ['had another image meanwhile', { imagesChanged: ['web'] }],
] as const)('an answer against a pod that %s is no evidence', async (_what, change) => {
  const bad: ExecResult = { kind: 'exit', code: 17, output: '' };
  const changed = (pod: PodView): PodView =>
    'imagesChanged' in change
      ? { ...pod, ...change }
      : { ...pod, containers: pod.containers.map((own) => ({ ...own, image: 'registry.example/web:9.9' })) };
  const outcomes = async (look: (pod: PodView) => PodView): Promise<unknown[]> => {
    const at = await bench(bad, look);
    const kinds: unknown[] = [];
    at.runner.start('shop/web', at.cycle, (finished) =>
      kinds.push(finished?.results.map(({ outcome }) => outcome.kind)),
    );
    await at.pass(10);
    return kinds;
  };
  expect(await outcomes((pod) => pod)).toEqual([['exit']]);
  expect(await outcomes(changed)).toEqual([['unreachable']]);
});

test('a cycle without anybody to ask goes by the pod as the API server shows it now', async () => {
  const at = await bench(broken, (pod) => ({ ...pod, resourceVersion: '999999' }), false);
  const counted: unknown[] = [];
  at.runner.start('shop/web', at.cycle, (finished) => counted.push(finished));
  await at.pass(10);
  expect(counted).toMatchObject([{ results: [], seen: { uid: at.pod.uid, resourceVersion: '999999' } }]);
});
