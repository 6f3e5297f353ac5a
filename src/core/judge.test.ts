import { describe, expect, test } from '@jest/globals';
import { Value } from 'typebox/value';
import { SpecSchema } from '../api/schema-spec.ts';
import type { UpgradeSpec } from '../api/types.ts';
import type { PodView } from '../api/views.ts';
import { judgePod, type Proof } from './judge.ts';
import { addRound, type PodRecord } from './round.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-01-01T00:00:00Z');

const specWith = (postCheck: object): UpgradeSpec =>
  Value.Default(SpecSchema, {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    containers: [{ name: 'web', image: 'web:2' }],
    postCheck,
  }) as UpgradeSpec;

const proofOf = (spec: UpgradeSpec): Proof => ({
  id: '1-abc',
  spec,
  inFallback: false,
  startedAt: START,
  deadlineSeconds: 600,
  nodeReady: () => true,
  waitingSince: new Map(),
});

/** A pod whose container runs and is ready since `readySince`. */
const running = (readySince: number): PodView => ({
  namespace: 'shop',
  name: 'web-1',
  uid: 'pod-1',
  resourceVersion: '1',
  owner: { kind: 'ReplicaSet', name: 'web-abc', uid: 'set-1' },
  revision: 'abc',
  node: 'node-1',
  ip: '10.0.0.1',
  phase: 'Running',
  reason: '',
  deleting: false,
  createdAt: START,
  conditions: { ContainersReady: { status: 'True', reason: '', message: '', since: readySince } },
  gates: [],
  containers: [
    {
      name: 'web',
      image: 'web:2',
      role: 'regular',
      id: 'containerd://c1',
      restarts: 0,
      state: 'running',
      reason: '',
      message: '',
      startedAt: START,
      ready: true,
    },
  ],
});

const unschedulable: PodView = {
  ...running(0),
  node: '',
  phase: 'Pending',
  conditions: { PodScheduled: { status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available', since: START } },
  containers: running(0).containers.map(({ startedAt: _, ...container }) => ({ ...container, id: '', state: 'waiting', ready: false })),
};

type Outcome = { kind: 'exit'; code: number; output: string } | { kind: 'unreachable'; message: string };

/** One round at `at` in which the check in container web says `outcome`; without an outcome there was nothing to ask. */
function asked(pod: PodView, spec: UpgradeSpec, at: number, outcome?: Outcome): PodRecord {
  const [check] = spec.postCheck.checks;
  if (!check) throw new Error('no check');
  const results = outcome ? [{ check, container: 'web', containerId: 'containerd://c1', outcome }] : [];
  return addRound(undefined, { spec, proof: '1-abc', inFallback: false }, pod, { startedAt: at, finishedAt: at + 10, results });
}

const passes: Outcome = { kind: 'exit', code: 0, output: '' };
const lost: Outcome = { kind: 'unreachable', message: 'connection lost' };

describe('readiness and clocks', () => {
  test("a node whose clock is an hour ahead does not delay a pod's pass", () => {
    const spec = specWith({});
    const pod = running(START + HOUR);
    expect(judgePod(pod, asked(pod, spec, START + 5000, passes), proofOf(spec), START + 5010).state).toBe('Passed');
  });

  test('readiness must have held for minReadySeconds, rounded up', () => {
    const spec = specWith({ readiness: { minReadySeconds: 10 } });
    const pod = running(START + 5000);
    const judged = (at: number) => judgePod(pod, asked(pod, spec, at, passes), proofOf(spec), at);
    expect(judged(START + 15_900)).toMatchObject({ state: 'Retrying', message: 'not ready: ready, but not yet for 10s' });
    expect(judged(START + 16_000).state).toBe('Passed');
  });
});

describe('no evidence at the deadline', () => {
  const late = START + 600_000;

  test('of a container that cannot be asked falls back only when told so', () => {
    const pod = running(START);
    const judged = (onInconclusive: string) => {
      const spec = specWith({ onInconclusive });
      return judgePod(pod, asked(pod, spec, late, lost), proofOf(spec), late);
    };
    expect(judged('Wait')).toMatchObject({ state: 'Inconclusive', reason: 'NoEvidence' });
    expect(judged('Fallback')).toMatchObject({ state: 'Failed', reason: 'InconclusiveAtDeadline' });
  });

  test('of a pod that no node takes is inconclusive, whatever onInconclusive says', () => {
    const spec = specWith({ onInconclusive: 'Fallback' });
    const judged = judgePod(unschedulable, asked(unschedulable, spec, late), proofOf(spec), late);
    expect(judged).toMatchObject({ state: 'Inconclusive', reason: 'Unschedulable' });
  });
});
