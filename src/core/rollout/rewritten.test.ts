import { describe, expect, test } from '@jest/globals';
import { fallbackOf, NEW, OLD, statusOf, templateOf, workloadOf } from '../../../test/support/snapshots.ts';
import { FIELD_MANAGER } from '../../api/names.ts';
import { completeStatus } from '../complete-status.ts';
import {
  isSameVersion,
  knownRewrite,
  rewrittenImages,
  rewrittenInFallback,
  withRewritten,
  wroteImages,
} from './rewritten.ts';

const MIRROR = 'mirror.example/web:2.0';
const stored = (image: string, manager = FIELD_MANAGER) =>
  workloadOf({ containers: templateOf(image), imageManagers: { web: manager } });

describe('an image that the API server stored in place of ours', () => {
  test.each([
    ['is found', stored(MIRROR), { web: NEW }, { web: MIRROR }],
    ['is none if it is the requested one', stored(NEW), { web: NEW }, {}],
    ['is none if somebody else set it', stored(MIRROR, 'kubectl'), { web: NEW }, {}],
    ['is none in a container that was not written', stored(MIRROR), {}, {}],
  ])('%s', (_, workload, wanted, images) => {
    expect(rewrittenImages(workload, wanted)).toEqual(images);
  });

  test.each([
    ['is found in a fallback', stored(MIRROR), { web: MIRROR }],
    ['is none in a fallback if it is still the failed one', stored(NEW), {}],
  ])('%s', (_, workload, images) => {
    const status = completeStatus(statusOf({ fallback: fallbackOf({ images: { web: OLD } }) }));
    expect(rewrittenInFallback(workload, status)).toEqual(images);
    expect(rewrittenInFallback(workload, completeStatus(statusOf()))).toEqual({});
  });

  test('is none in a fallback if it is longer than any image can be: it was there before, and is not kept', () => {
    const status = completeStatus(statusOf({ fallback: fallbackOf() }));
    expect(rewrittenInFallback(stored(`mirror.example/${'m'.repeat(1100)}`), status)).toEqual({});
    expect(rewrittenInFallback(stored(MIRROR), status)).toEqual({ web: MIRROR });
  });

  test('is recorded with the requested one', () => {
    const set = { images: { web: NEW, log: 'log:2' } };
    expect(withRewritten(set, {})).toBe(set);
    expect(withRewritten(set, { proxy: 'proxy:1' })).toBe(set);
    const once = withRewritten(set, { web: MIRROR });
    expect(once).toEqual({ images: { web: MIRROR, log: 'log:2' }, requested: { web: NEW } });
    expect(withRewritten(once, { log: 'mirror.example/log:2' })).toEqual({
      images: { web: MIRROR, log: 'mirror.example/log:2' },
      requested: { web: NEW, log: 'log:2' },
    });
  });

  test('is known in the next attempt, while the template still has it', () => {
    const status = completeStatus(statusOf({ to: { images: { web: MIRROR }, requested: { web: NEW } } }));
    expect(knownRewrite(status, 'web', NEW, MIRROR)).toBe(MIRROR);
    expect(knownRewrite(status, 'web', OLD, MIRROR)).toBeUndefined();
    expect(knownRewrite(status, 'web', NEW, OLD)).toBeUndefined();
    expect(knownRewrite(status, 'log', NEW, MIRROR)).toBeUndefined();
  });
});

test('our own write is known by its field manager', () => {
  expect(wroteImages(stored(NEW))).toBe(true);
  expect(wroteImages(stored(NEW, 'kubectl'))).toBe(false);
  const two = [
    ...templateOf(NEW),
    { name: 'log', image: 'log:2', role: 'regular', startupProbe: false } as const,
  ];
  expect(wroteImages(workloadOf({ containers: two, imageManagers: { log: FIELD_MANAGER } }))).toBe(true);
});

test.each([
  ['registry.example/team/app:1.2', 'mirror:5000/app:1.2', true],
  ['app:1.2', `mirror/app:1.2@sha256:${'0'.repeat(64)}`, true],
  ['app:1.2', 'mirror/app:1.3', false],
  ['app:1.2', 'mirror/other:1.2', false],
  ['a/app@sha256:0', 'b/app@sha256:0', true],
  ['a/app@sha256:0', 'b/app@sha256:1', false],
  ['a/app', 'b/app', true],
  ['a/app', 'b/app:1.2', false],
])('%s and %s have the same version: %s', (a, b, same) => {
  expect(isSameVersion(a, b)).toBe(same);
  expect(isSameVersion(b, a)).toBe(same);
});
