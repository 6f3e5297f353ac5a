import { describe, expect, test } from '@jest/globals';
import { ago, exit, fallbackOf, NOW, statusOf, upgradeOf } from '../../../test/support/snapshots.ts';
import type { PodReport, Upgrade, UpgradeStatus } from '../../api/types.ts';
import { evaluateTry, type TryVerdict } from '../verification/exit-codes.ts';
import { failedPods, podSpan, type Span, spansOfChange, trySpan } from './spans.ts';

const HEX = /^[0-9a-f]+$/;
const ended = (outcome: 'Succeeded' | 'FellBack' | 'Failed', reason: 'PostCheckPassed' | 'ProbeFailed') => ({
  end: { outcome, reason, cause: 'it exited 17', at: ago(10) },
});
const SUCCEEDED = statusOf({ phase: 'Succeeded' }, ended('Succeeded', 'PostCheckPassed'));
const FALLING_BACK = statusOf({ phase: 'FallingBack', fallback: fallbackOf() });
const fellBack = (state: 'Verified' | 'Failed') =>
  statusOf(
    { phase: 'FellBack', message: 'web:1.0 runs again', fallback: fallbackOf({ state, finishedAt: ago(5) }) },
    ended('FellBack', 'ProbeFailed'),
  );
const ofTarget = {
  'k8s.namespace.name': 'shop',
  'postcheck.upgrade.name': 'web',
  'postcheck.target.kind': 'Deployment',
  'postcheck.target.name': 'web',
};
const timesOf = ({ startedAt, endedAt }: Span) => [startedAt, endedAt];

describe('the span of an attempt', () => {
  const [span, ...more] = spansOfChange(upgradeOf(), statusOf(), SUCCEEDED) as [Span];

  test('covers the whole attempt, and names its target, its trigger and its end', () => {
    expect(more).toEqual([]);
    expect(span).toEqual({
      traceId: expect.stringMatching(HEX),
      spanId: expect.stringMatching(HEX),
      name: 'attempt',
      startedAt: Date.parse(ago(120)),
      endedAt: Date.parse(ago(10)),
      failure: undefined,
      attributes: {
        ...ofTarget,
        'postcheck.attempt': SUCCEEDED.attempt?.id,
        'postcheck.trigger': 'Created',
        'postcheck.outcome': 'Succeeded',
        'postcheck.reason': 'PostCheckPassed',
      },
    });
    expect([span.traceId.length, span.spanId.length]).toEqual([32, 16]);
  });

  test('has the same IDs in every process, and others for another Upgrade or another attempt', () => {
    const idsOf = (upgrade: Upgrade, attempt = {}) => {
      const after = statusOf({}, { ...ended('Succeeded', 'PostCheckPassed'), ...attempt });
      return spansOfChange(upgrade, statusOf(), after).map(({ traceId, spanId }) => [traceId, spanId]);
    };
    const { metadata, ...rest } = upgradeOf();
    const all = [
      idsOf(upgradeOf()),
      idsOf({ ...rest, metadata: { ...metadata, uid: 'upgrade-2' } }),
      idsOf(upgradeOf(), { id: '2-aaaaaaaaaa' }),
    ];
    expect(idsOf(upgradeOf())).toEqual([[span.traceId, span.spanId]]);
    expect(new Set(all.flat(2)).size).toBe(6);
  });

  test('says why it failed, and does not fail with a success', () => {
    const failed = statusOf({ phase: 'Failed' }, ended('Failed', 'ProbeFailed'));
    expect(spansOfChange(upgradeOf(), statusOf(), failed)).toMatchObject([{ failure: 'it exited 17' }]);
  });

  test('is reported once, and not before the attempt has ended', () => {
    expect(spansOfChange(upgradeOf(), undefined, {})).toEqual([]);
    expect(spansOfChange(upgradeOf(), undefined, statusOf())).toEqual([]);
    expect(spansOfChange(upgradeOf(), SUCCEEDED, SUCCEEDED)).toEqual([]);
  });
});

describe('the span of a fallback', () => {
  test('is part of that of its attempt', () => {
    const [attempt, fallback] = spansOfChange(upgradeOf(), FALLING_BACK, fellBack('Verified'));
    expect(attempt).toMatchObject({ name: 'attempt', failure: 'it exited 17' });
    expect(fallback).toEqual({
      traceId: attempt?.traceId,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: attempt?.spanId,
      name: 'fallback',
      startedAt: Date.parse(ago(30)),
      endedAt: Date.parse(ago(5)),
      failure: undefined,
      attributes: {
        ...ofTarget,
        'postcheck.attempt': FALLING_BACK.attempt?.id,
        'postcheck.reason': 'ProbeFailed',
        'postcheck.outcome': 'Verified',
      },
    });
    expect(fallback?.spanId).not.toBe(attempt?.spanId);
  });

  test('fails where its pods failed', () => {
    const [, fallback] = spansOfChange(upgradeOf(), FALLING_BACK, fellBack('Failed'));
    expect(fallback?.failure).toBe('web:1.0 runs again');
  });

  test('is reported once, and not of a status without an attempt', () => {
    expect(spansOfChange(upgradeOf(), undefined, FALLING_BACK)).toEqual([]);
    expect(spansOfChange(upgradeOf(), fellBack('Verified'), fellBack('Verified'))).toEqual([]);
    const { attempt: _, ...lost } = fellBack('Verified');
    expect(spansOfChange(upgradeOf(), FALLING_BACK, lost)).toEqual([]);
  });
});

describe('the pods that failed', () => {
  const report = (name: string, state: PodReport['state'], message?: string): PodReport => ({
    name,
    state,
    reason: 'ProbeFailed',
    message,
    checks: [],
  });
  const pods = [report('a', 'Failed', 'it exited 17'), report('b', 'Passed'), report('c', 'Failed')];
  const failed = (secondsAgo: number) => [
    {
      name: 'a',
      passed: false,
      reason: 'ProbeFailed',
      message: 'it exited 17',
      at: Date.parse(ago(secondsAgo)),
    },
    {
      name: 'c',
      passed: false,
      reason: 'ProbeFailed',
      message: 'ProbeFailed',
      at: Date.parse(ago(secondsAgo)),
    },
  ];

  test('are those of the evidence, when a fallback starts', () => {
    const started = {
      ...FALLING_BACK,
      pods: [report('z', 'Failed')],
      fallback: fallbackOf({ evidence: pods }),
    };
    expect(failedPods(statusOf(), started)).toEqual(failed(30));
    expect(failedPods(undefined, started)).toEqual(failed(30));
    expect(failedPods(started, { ...started, message: 'later' })).toEqual([]);
  });

  test('are those of the status, when an attempt ends without a fallback', () => {
    const after: UpgradeStatus = { ...statusOf({ pods }, ended('Failed', 'ProbeFailed')) };
    expect(failedPods(statusOf(), after)).toEqual(failed(10));
    expect(failedPods(after, after)).toEqual([]);
    expect(failedPods(statusOf(), statusOf({ pods }))).toEqual([]);
  });
});

const POD = { name: 'web-1', uid: 'pod-1', node: 'node-1', createdAt: NOW - 50_000 };
const ofPod = { 'k8s.pod.name': 'web-1', 'k8s.pod.uid': 'pod-1', 'k8s.node.name': 'node-1' };
const attemptSpan = spansOfChange(upgradeOf(), statusOf(), SUCCEEDED)[0];
const fallbackSpan = spansOfChange(upgradeOf(), FALLING_BACK, fellBack('Verified'))[1];

describe('the span of a pod', () => {
  const passed = { passed: true, reason: 'PostCheckPassed', message: 'ready', at: NOW };
  const of = (status: UpgradeStatus | undefined, end = passed, pod = POD) =>
    podSpan(upgradeOf({ status }), pod, end);

  test('begins with the pod, is part of the attempt, and fails where the pod did', () => {
    expect(of(statusOf())).toEqual({
      traceId: attemptSpan?.traceId,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: attemptSpan?.spanId,
      name: 'pod',
      startedAt: NOW - 50_000,
      endedAt: NOW,
      failure: undefined,
      attributes: {
        ...ofTarget,
        ...ofPod,
        'postcheck.attempt': attemptSpan?.attributes['postcheck.attempt'],
        'postcheck.reason': 'PostCheckPassed',
      },
    });
    expect(of(statusOf(), { ...passed, passed: false })?.failure).toBe('ready');
  });

  test('is part of the fallback while one runs', () => {
    expect(of(FALLING_BACK)?.parentSpanId).toBe(fallbackSpan?.spanId);
    expect(of(FALLING_BACK)?.spanId).not.toBe(of(statusOf())?.spanId);
  });

  test('does not end before it begins, and differs from that of another pod', () => {
    expect(timesOf(of(statusOf(), passed, { ...POD, createdAt: NOW + 1000 }) as Span)).toEqual([NOW, NOW]);
    expect(of(statusOf(), passed, { ...POD, uid: 'pod-2' })?.spanId).not.toBe(of(statusOf())?.spanId);
  });

  test('does not exist without an attempt', () => {
    expect(of(undefined)).toBeUndefined();
    expect(of({})).toBeUndefined();
  });
});

describe('the span of a try', () => {
  const CYCLE = { startedAt: NOW - 2000, finishedAt: NOW - 1000, results: [] };
  const CHECK = {
    name: 'ready',
    exec: { command: ['true'] },
    timeoutSeconds: 10,
    whenMissing: 'Auto',
    exitCodes: [],
    maxOutputBytes: 10,
  } as const;
  const verdictOf = (code: number): TryVerdict =>
    evaluateTry(CHECK, exit(code), { inFallback: false, podReady: true });
  const of = (status: UpgradeStatus | undefined, verdict: TryVerdict, container = 'web') => {
    const record = {
      check: 'ready',
      container,
      containerId: 'a',
      attempts: 1,
      timeouts: 0,
      firstAt: 0,
      lastAt: 0,
    };
    return trySpan(upgradeOf({ status }), POD, { ...record, verdict }, CYCLE);
  };
  const pod = podSpan(upgradeOf({ status: statusOf() }), POD, {
    passed: true,
    reason: 'x',
    message: '',
    at: NOW,
  });

  test('covers its cycle, and is part of that of its pod', () => {
    expect(of(statusOf(), verdictOf(0))).toEqual({
      traceId: pod?.traceId,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: pod?.spanId,
      name: 'check ready',
      startedAt: NOW - 2000,
      endedAt: NOW - 1000,
      attributes: {
        ...ofTarget,
        ...ofPod,
        'postcheck.attempt': attemptSpan?.attributes['postcheck.attempt'],
        'k8s.container.name': 'web',
        'postcheck.check': 'ready',
        'postcheck.class': 'Pass',
        'postcheck.reason': 'Passed',
        'process.exit.code': 0,
      },
    });
  });

  test('is that of a baseline before the images are written', () => {
    const span = of(statusOf({ phase: 'Pending' }, { rolledAt: undefined }), verdictOf(0));
    expect([span?.name, span?.parentSpanId]).toEqual(['baseline ready', attemptSpan?.spanId]);
  });

  test.each([
    ['what a code means', verdictOf(137), 'killed by SIGKILL'],
    ['the reason, where a code means nothing', verdictOf(3), 'ProbeFailed'],
    ['the text of a rule', { ...verdictOf(3), class: 'Fail', message: 'no licence' } as const, 'no licence'],
  ])('fails with %s', (_, verdict, failure) => {
    expect(of(statusOf(), verdict)?.failure).toBe(failure);
  });

  test('has no failure and no code without a response', () => {
    const answer = { kind: 'unreachable', message: 'connection lost' } as const;
    const span = of(statusOf(), evaluateTry(CHECK, answer, { inFallback: false, podReady: true }));
    expect(span).not.toHaveProperty('failure');
    expect(span?.attributes).not.toHaveProperty(['process.exit.code']);
    expect(span?.attributes).toMatchObject({ 'postcheck.class': 'Error', 'postcheck.reason': 'NoEvidence' });
  });

  test('differs from that of another container, and does not exist without an attempt', () => {
    const [one, other] = [of(statusOf(), verdictOf(0)), of(statusOf(), verdictOf(0), 'log')];
    expect(one?.spanId).not.toBe(other?.spanId);
    expect(of(undefined, verdictOf(0))).toBeUndefined();
  });
});
