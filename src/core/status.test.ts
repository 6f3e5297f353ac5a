import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { valuesOf } from '../../test/support/from-schema.ts';
import {
  activeStatusOf,
  ago,
  fallbackOf,
  NOW,
  specOf,
  statusOf,
  upgradeOf,
} from '../../test/support/snapshots.ts';
import { PHASES, type Phase } from '../api/enums.ts';
import { StatusSchema } from '../api/schema-status.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import { completeStatus, NOT_COUNTED, storedStatus, unlessEmpty } from './complete-status.ts';
import {
  begins,
  containersDigest,
  endAttempt,
  isAttempting,
  isFallingBack,
  isForSpec,
  isPostCheckChanged,
  isRetryable,
  isUnderWay,
  isVerificationOf,
  postCheckDigest,
  QUEUE_SHOWN_FROM,
  resumedAt,
  saysQueued,
  verificationId,
  waitsForPods,
} from './status.ts';
import { fromIso } from './time.ts';

function gatingAfter(wasGating: boolean, gating: boolean): boolean {
  const status = activeStatusOf({}, { gating: wasGating });
  const end = { phase: 'Failed', outcome: 'Failed', cause: { reason: 'ProbeFailed' }, gating } as const;
  return endAttempt(upgradeOf({ status }), status, end, NOW).attempt.gating;
}

describe('a status', () => {
  const stored = valuesOf(StatusSchema).map(
    (status): UpgradeStatus => ({ phase: 'Upgrading', ...(status as UpgradeStatus), message: 'x' }),
  );

  test('is stored as it was read, whatever it contains', () => {
    fc.assert(
      fc.property(stored, (status) => {
        expect(storedStatus(completeStatus(status))).toStrictEqual(status);
      }),
    );
    expect(storedStatus(completeStatus(undefined))).toStrictEqual({});
  });

  test('is stored with the empty lists that it has, and without those that it lacks', () => {
    const status = { ...statusOf(), pods: [], left: [] };
    expect(storedStatus({ ...completeStatus(status), left: unlessEmpty([]) })).toStrictEqual({
      ...statusOf(),
      pods: [],
    });
  });

  test('of which nothing has been counted yet is not one of a workload without pods', () => {
    const rolled = completeStatus({ ...statusOf(), phase: 'PostChecking' });
    expect(waitsForPods(rolled)).toBe(false);
    expect(waitsForPods({ ...rolled, counts: { ...NOT_COUNTED } })).toBe(true);
  });
});

describe('an attempt that has ended', () => {
  test('gates on only when it did, and unverified pods may still be there', () => {
    expect(gatingAfter(true, true)).toBe(true);
    expect(gatingAfter(true, false)).toBe(false);
    expect(gatingAfter(false, true)).toBe(false);
  });
});

test('clocks count from when they were resumed', () => {
  expect(resumedAt(statusOf({ paused: { resumedAt: ago(7), seconds: 60 } }))).toBe(fromIso(ago(7)));
  expect(resumedAt(statusOf({ paused: { since: ago(7) } }))).toBeUndefined();
});

describe('what pods are verified for', () => {
  const status = statusOf();
  const upgrade = upgradeOf({ status });
  const named = ({ uid = 'upgrade-1', ...spec }: Record<string, unknown>): Upgrade => {
    const { metadata, ...rest } = upgradeOf({ status, spec });
    return { ...rest, metadata: { ...metadata, uid: String(uid) } };
  };

  test.each<[string, string]>([
    ['another Upgrade of the same name', verificationId(named({ uid: 'other-1' }), status)],
    ['another question', verificationId(named({ postCheck: { successThreshold: 2 } }), status)],
    ['another attempt', verificationId(upgrade, statusOf({}, { id: '2-abc' }))],
    [
      'the version before, probed before the first write',
      verificationId(upgrade, statusOf({}, { rolledAt: undefined })),
    ],
    ['the fallback', verificationId(upgrade, statusOf({ phase: 'FallingBack', fallback: fallbackOf() }))],
  ])('is not what %s verifies', (_whose, id) => {
    expect(id).not.toBe(verificationId(upgrade, status));
    expect(isVerificationOf(upgrade, status, id)).toBe(false);
  });

  test('does not depend on how often it is probed', () => {
    const often = named({ postCheck: { periodSeconds: 1, deadlineSeconds: 60 } });
    expect(verificationId(often, status)).toBe(verificationId(upgrade, status));
  });
});

test('the pods of a fallback are verified beside those of an attempt, only while failed ones are left', () => {
  const status = statusOf();
  const upgrade = upgradeOf({ status });
  const id = verificationId(upgrade, status, 'Back');
  expect(isVerificationOf(upgrade, { ...status, left: [] }, id)).toBe(true);
  expect(isVerificationOf(upgrade, status, id)).toBe(false);
  expect(isVerificationOf(upgrade, { ...status, left: [] }, 'another')).toBe(false);
  expect(isVerificationOf(upgrade, status, verificationId(upgrade, status))).toBe(true);
});

describe('the phase', () => {
  const fallback = fallbackOf();
  const phasesOf = (
    holds: (status: UpgradeStatus) => boolean,
    change: Partial<UpgradeStatus> = {},
  ): Phase[] => PHASES.filter((phase) => holds(statusOf({ phase, ...change })));
  const rolling = ['Pending', 'Upgrading', 'PostChecking', 'Inconclusive'];

  test('says whether an attempt is under way, or its fallback', () => {
    expect(phasesOf(isAttempting)).toEqual(rolling);
    expect(phasesOf(isAttempting, { attempt: undefined })).toEqual([]);
    expect(phasesOf(isFallingBack, { fallback })).toEqual(['FallingBack', 'FallbackChecking']);
    expect(phasesOf(isFallingBack)).toEqual([]);
    expect(phasesOf(isUnderWay, { fallback })).toEqual([...rolling, 'FallingBack', 'FallbackChecking']);
    for (const status of [undefined, {}, statusOf({ phase: undefined, fallback })]) {
      expect(isUnderWay(status)).toBe(false);
    }
  });

  test('says whether a retry starts an attempt', () => {
    expect(phasesOf(isRetryable)).toEqual([
      'Inconclusive',
      'Succeeded',
      'Partial',
      'FellBack',
      'FallbackFailed',
      'Failed',
      'Aborted',
    ]);
    expect(isRetryable({})).toBe(false);
  });
});

describe('something begins', () => {
  const withPhase = (phase: Phase, observedGeneration: number, deleted = false): Upgrade => {
    const fallback = phase === 'FallingBack' || phase === 'FallbackChecking' ? fallbackOf() : undefined;
    const upgrade = upgradeOf({
      status: { ...activeStatusOf({ phase }), observedGeneration, ...(fallback && { fallback }) },
    });
    const deletionTimestamp = deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {};
    return { ...upgrade, metadata: { ...upgrade.metadata, generation: 2, ...deletionTimestamp } };
  };

  test('where no attempt ever was', () => {
    expect(begins({ ...upgradeOf({}), status: undefined } as Upgrade)).toBe(true);
  });

  test('also where it says that it waits for its turn', () => {
    const waiting = { reason: 'Queued', since: ago(1) } as const;
    const again = activeStatusOf({ phase: 'FellBack', waiting, observedGeneration: 1 });
    expect(begins(upgradeOf({ status: again }))).toBe(true);
    expect(begins(upgradeOf({ status: { ...again, phase: 'Upgrading' } }))).toBe(false);
  });

  test('and says that it waits for its turn, once, where many do', () => {
    expect(saysQueued(undefined, QUEUE_SHOWN_FROM - 1)).toBe(false);
    expect(saysQueued(undefined, QUEUE_SHOWN_FROM)).toBe(true);
    expect(saysQueued({ waiting: { reason: 'Queued', since: ago(1) } }, QUEUE_SHOWN_FROM)).toBe(false);
  });

  test.each(PHASES)(
    'after %s only with a spec that was not looked at yet, and where nothing is under way',
    (phase) => {
      const isUnder = isUnderWay(withPhase(phase, 2).status);
      expect(begins(withPhase(phase, 1))).toBe(!isUnder);
      expect(begins(withPhase(phase, 2))).toBe(false);
      expect(begins(withPhase(phase, 1, true))).toBe(false);
    },
  );
});

describe('the containers of an attempt', () => {
  const [web, log] = [
    { name: 'web', image: 'web:2' },
    { name: 'log', image: 'log:2' },
  ];
  test('are the same in any order', () => {
    expect(containersDigest([web, log])).toBe(containersDigest([log, web]));
    expect(containersDigest([web])).not.toBe(containersDigest([{ ...web, image: 'web:3' }]));
    expect(containersDigest([web])).not.toBe(containersDigest([{ ...web, name: 'app' }]));
    expect(containersDigest([web, log])).toHaveLength(10);
    expect(isForSpec({ id: `7-${containersDigest([web])}` }, specOf({ containers: [web] }))).toBe(true);
    expect(isForSpec({ id: `7-${containersDigest([web])}` }, specOf({ containers: [log] }))).toBe(false);
  });
});

describe('the post-check of an attempt', () => {
  const check = (fields: object) => specOf({ postCheck: { checks: [{ name: 'a', ...fields }] } });
  test('is the same with its fields in any order, and in no order of its checks', () => {
    const [a, b] = [
      check({ exec: { command: ['a'] }, timeoutSeconds: 5 }),
      check({ timeoutSeconds: 5, exec: { command: ['a'] } }),
    ];
    expect(postCheckDigest(a)).toBe(postCheckDigest(b));
    expect(postCheckDigest(a)).toHaveLength(10);
    expect(postCheckDigest(check({ exec: { command: ['a', 'b'] } }))).not.toBe(
      postCheckDigest(check({ exec: { command: ['b', 'a'] } })),
    );
    expect(postCheckDigest(specOf({ postCheck: { readiness: { required: false } } }))).not.toBe(
      postCheckDigest(specOf()),
    );
  });

  test('has changed only if it was another at the end', () => {
    const spec = specOf();
    const end = { outcome: 'Succeeded', reason: 'PostCheckPassed', cause: '', at: ago(1) } as const;
    const now = postCheckDigest(spec);
    expect(isPostCheckChanged(statusOf({}, { end, postCheckDigest: 'another' }), spec)).toBe(true);
    expect(isPostCheckChanged(statusOf({}, { end, postCheckDigest: now }), spec)).toBe(false);
    expect(isPostCheckChanged(statusOf({}, { end }), spec)).toBe(false);
    expect(isPostCheckChanged(statusOf({}, { postCheckDigest: 'another' }), spec)).toBe(false);
    expect(isPostCheckChanged({}, spec)).toBe(false);
  });
});

describe('the end of an attempt', () => {
  const cause = { reason: 'ProbeFailed', check: 'probe', container: 'web', exitCode: 17 } as const;
  const ended = (change: object = {}, historyLimit = 10, history: UpgradeStatus['history'] = []) => {
    const status = activeStatusOf(
      { history, turnedBack: { images: {}, startedAt: ago(9) } },
      { deadlineAt: ago(-9) },
    );
    const upgrade = upgradeOf({ spec: { historyLimit }, status });
    const end = { phase: 'Failed', outcome: 'Failed', cause, gating: true, ...change } as const;
    return endAttempt(upgrade, status, end, NOW);
  };

  test('is recorded with its cause, and in the history', () => {
    const text = 'probe in container web exited 17 (ProbeFailed)';
    expect(ended()).toMatchObject({
      phase: 'Failed',
      turnedBack: undefined,
      attempt: {
        deadlineAt: undefined,
        end: { outcome: 'Failed', reason: 'ProbeFailed', cause: text, why: cause, at: ago(0) },
      },
      history: [
        {
          attempt: 1,
          images: { web: 'registry.example/web:2.0' },
          outcome: 'Failed',
          cause: text,
          startedAt: ago(120),
          finishedAt: ago(0),
        },
      ],
    });
  });

  test('may have another reason and text than its cause', () => {
    const { attempt, history } = ended({ reason: 'FallbackDisabled', text: 'x'.repeat(3000) });
    expect(attempt.end).toMatchObject({ reason: 'FallbackDisabled', why: cause });
    expect([attempt.end?.cause.length, history[0]?.cause?.length]).toEqual([2000, 1000]);
  });

  test('comes first in a history of limited length', () => {
    const before = ended().history.map((entry) => ({ ...entry, attempt: 0 }));
    expect(ended({}, 2, [...before, ...before]).history.map(({ attempt }) => attempt)).toEqual([1, 0]);
    expect(ended({}, 0, before).history).toEqual([]);
  });
});
