import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { valuesOf } from '../../test/support/from-schema.ts';
import { specOf } from '../../test/support/snapshots.ts';
import { SpecSchema } from '../api/schema-spec.ts';
import type { UpgradeSpec } from '../api/types.ts';
import { effectiveSpec } from './effective-spec.ts';

const stages = (strategy: object, postCheck: object = {}) =>
  effectiveSpec(specOf({ strategy, postCheck })).stages;

describe('a spec in effect', () => {
  test('has what the user wrote, and the defaults that depend on it', () => {
    expect(effectiveSpec(specOf({ postCheck: { deadlineSeconds: 900 } }))).toMatchObject({
      progressDeadlineSeconds: 1200,
      strategy: { maxParallel: 1, failureBudget: { maxFailed: 0 }, explainBy: [] },
      fallback: { deadlineSeconds: 900, maxParallel: 1 },
      postCheck: { checks: [{ name: 'readiness-probe' }], rolloutChecks: [] },
      preCheck: { baseline: 'Record' },
      windows: [],
      dependsOn: [],
    });
    const written = { strategy: { maxParallel: 3 }, fallback: { maxParallel: 2, deadlineSeconds: 60 } };
    expect(effectiveSpec(specOf({ ...written, progressDeadlineSeconds: 5000 }))).toMatchObject({
      ...written,
      progressDeadlineSeconds: 5000,
    });
    expect(effectiveSpec(specOf({ strategy: { maxParallel: 3 } })).fallback.maxParallel).toBe(3);
  });

  test('gives an attempt ten minutes for progress, or as long as one pod may take and five minutes more', () => {
    const seconds = (postCheck: object) => effectiveSpec(specOf({ postCheck })).progressDeadlineSeconds;
    expect(seconds({ deadlineSeconds: 60 })).toBe(600);
    expect(seconds({ deadlineSeconds: 600, initialDelaySeconds: 30 })).toBe(930);
  });

  test('contains every field that the user wrote, unchanged', () => {
    const specs = valuesOf(SpecSchema).map((spec) => Value.Default(SpecSchema, spec) as UpgradeSpec);
    fc.assert(fc.property(specs, (spec) => expect(effectiveSpec(spec)).toMatchObject(spec)));
  });
});

describe('the stages in effect', () => {
  const canary = { name: 'canary', pods: 1 };

  test('are none where an attempt proceeds in one step', () => {
    expect(stages({})).toEqual([]);
    expect(stages({ soakSeconds: 60 })).toEqual([]);
  });

  test('are one for all pods where there is a soak, or a check of the rollout', () => {
    expect(stages({}, { soakSeconds: 60 })).toMatchObject([{ name: 'all', soakSeconds: 60 }]);
    const rolloutChecks = [{ name: 'errors', query: 'x', passWhen: '< 1' }];
    expect(stages({}, { rolloutChecks })).toMatchObject([{ name: 'all', soakSeconds: 0 }]);
  });

  test('end with one for the remaining pods, under a name that is free', () => {
    expect(stages({ stages: [canary] }).map(({ name }) => name)).toEqual(['canary', 'rest']);
    expect(stages({ stages: [canary, { name: 'rest', pods: 2 }] }).at(-1)?.name).toBe('remaining');
    const taken = (...names: string[]) =>
      stages({ stages: [canary, ...names.map((name) => ({ name, pods: 2 }))] }).at(-1)?.name;
    expect(taken('rest', 'remaining')).toBe('everything-else');
    expect(taken('rest', 'remaining', 'everything-else')).toBe('last');
    expect(taken('remaining')).toBe('rest');
    expect(stages({ stages: [{ name: 'edge', nodes: { matchLabels: {} } }] })).toHaveLength(2);
    expect(stages({ stages: [canary, { name: 'all' }] }).map(({ name }) => name)).toEqual(['canary', 'all']);
  });

  test('inherit what they do not say', () => {
    const strategy = { maxParallel: 2, soakSeconds: 60, approval: 'Manual' };
    const own = { ...canary, maxParallel: 5, soakSeconds: 0, approval: 'Auto' };
    expect(stages({ ...strategy, stages: [own] }, { soakSeconds: 90 })).toMatchObject([
      { maxParallel: 5, soakSeconds: 0, needsApproval: false },
      { maxParallel: 2, soakSeconds: 90, needsApproval: true },
    ]);
    expect(stages({ ...strategy, stages: [canary] })[0]?.soakSeconds).toBe(60);
  });
});
