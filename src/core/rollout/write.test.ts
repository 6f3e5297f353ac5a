/** The write of a rollout's images, and the record of it. */
import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  ago,
  fallbackOf,
  NEW,
  NOW,
  OLD,
  snapshotOf,
  templateOf,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { FALLBACK_FINALIZER, FIELD_MANAGER } from '../../api/names.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import { rolloutOf } from './rollout.ts';
import { recordWritten, writeImages } from './write.ts';

const HUGE = `registry.example/${'w'.repeat(17_000)}:1`;

interface Given {
  readonly status?: Partial<UpgradeStatus>;
  readonly attempt?: Partial<Attempt>;
  readonly workload?: WorkloadChange;
  readonly isKept?: boolean;
  readonly deleting?: boolean;
}

function inputs({ status: change, attempt, workload: view, isKept = true, deleting }: Given) {
  const status = activeStatusOf(change, {
    rolledAt: undefined,
    startedAt: ago(1),
    targetGeneration: 1,
    ...attempt,
  });
  const upgrade = upgradeOf({ status, deleting });
  const metadata = { ...upgrade.metadata, finalizers: isKept ? [FALLBACK_FINALIZER] : [] };
  const snapshot = snapshotOf({ upgrade: { ...upgrade, metadata } });
  const workload = workloadOf({ containers: templateOf(OLD), ...view });
  const rollout = rolloutOf(status, upgrade.spec);
  if (!rollout) {
    throw new Error('no rollout');
  }
  return { snapshot, rolling: { status, workload, rollout } };
}

const FALLING: Partial<UpgradeStatus> = { phase: 'FallingBack', fallback: fallbackOf({ startedAt: ago(1) }) };
const REVERT: Partial<UpgradeStatus> = { turnedBack: { images: { web: OLD }, startedAt: ago(1) } };
const RETURN: Partial<UpgradeStatus> = {
  turnedBack: { images: { web: OLD }, startedAt: ago(9), rolledAt: ago(8), returnAt: ago(1) },
};
const set = { kind: 'StatefulSet', desired: 5, partition: 2 } as const;

describe('the write', () => {
  const written = (given: Given) => {
    const { snapshot, rolling } = inputs(given);
    const { action, wakeAt } = writeImages(snapshot, rolling);
    return { ...action, wakeAt };
  };

  test.each<[string, Given, object]>([
    ['sets the wanted images', {}, { kind: 'patchImages', images: { web: NEW }, evidenceAt: undefined }],
    [
      'waits for the finalizer',
      { isKept: false },
      { kind: 'setFinalizers', finalizers: [FALLBACK_FINALIZER] },
    ],
    ['does not wait for it during a deletion', { isKept: false, deleting: true }, { kind: 'patchImages' }],
    ['waits until the gate is known', { attempt: { startedAt: ago(0) } }, { wakeAt: NOW + 100 }],
    [
      'does not wait without a gate',
      { attempt: { startedAt: ago(0), gating: false } },
      { kind: 'patchImages' },
    ],
    ['waits exactly so long', { attempt: { startedAt: ago(0.1) } }, { kind: 'patchImages' }],
    [
      'sets the previous images in a fallback',
      { status: FALLING, workload: { containers: templateOf(NEW) } },
      { kind: 'patchImages', images: { web: OLD }, evidenceAt: NOW - 1000 },
    ],
    [
      'reverts the template at once',
      {
        status: { ...REVERT, turnedBack: { images: { web: OLD }, startedAt: ago(0) } },
        workload: { containers: templateOf(NEW) },
      },
      { kind: 'patchImages', images: { web: OLD }, evidenceAt: NOW },
    ],
    [
      'sets the wanted images again',
      { status: RETURN },
      { kind: 'patchImages', images: { web: NEW }, evidenceAt: undefined },
    ],
    ['moves no partition that it does not hold', { workload: set }, { partition: undefined }],
    [
      'moves the partition to the end',
      { workload: set, attempt: { held: { partition: 2 } } },
      { partition: 5 },
    ],
    [
      'restores the partition in a fallback',
      {
        status: FALLING,
        workload: { ...set, partition: 5, containers: templateOf(NEW) },
        attempt: { held: { partition: 2 } },
      },
      { partition: 2 },
    ],
    ['moves no partition that is gone', { attempt: { held: { partition: 2 } } }, { partition: undefined }],
  ])('%s', (_, given, expected) => {
    expect(written(given)).toMatchObject(expected);
  });
});

describe('the record of the write', () => {
  const recorded = (given: Given) => {
    const { snapshot, rolling } = inputs(given);
    return recordWritten(snapshot, rolling);
  };
  const stored = (image: string, change: WorkloadChange = {}): { workload: WorkloadChange } => ({
    workload: { containers: templateOf(image), imageManagers: { web: FIELD_MANAGER }, ...change },
  });
  const MIRROR = 'mirror.example/web:2.0';

  test('has the time and the generation', () => {
    expect(recorded(stored(NEW))).toMatchObject({
      phase: 'Upgrading',
      targetGeneration: 2,
      attempt: { rolledAt: ago(0), adopted: false, gating: true },
      to: { images: { web: NEW } },
    });
    expect(recorded({ status: FALLING })).toMatchObject({
      phase: 'FallingBack',
      fallback: { rolledAt: ago(0), images: { web: OLD } },
    });
  });

  test('has the image that the API server stored', () => {
    const to = { images: { web: MIRROR }, requested: { web: NEW } };
    expect(recorded(stored(MIRROR))).toMatchObject({ to, attempt: { rolledAt: ago(0) } });
    const images = { web: 'mirror.example/web:1.0' };
    expect(recorded({ status: FALLING, ...stored('mirror.example/web:1.0') }).fallback).toMatchObject({
      images,
      requested: { web: OLD },
    });
  });

  test('has none that is too long in a fallback', () => {
    const long = recorded({ status: FALLING, ...stored(`mirror.example/${'m'.repeat(1100)}:1`) });
    expect(long.fallback?.images).toEqual({ web: OLD });
    const { fallback } = recorded({ status: FALLING, ...stored(HUGE) });
    expect(fallback).toMatchObject({ images: { web: OLD }, rolledAt: ago(0) });
    expect(fallback?.requested).toBeUndefined();
  });

  /** Thirty images, which admission made too long for the status together. */
  function manyStored(): Given {
    const names = Array.from({ length: 30 }, (_unused, index) => `c${index}`);
    const imagesOf = (image: string) => Object.fromEntries(names.map((name) => [name, image]));
    const long = `mirror.example/${'m'.repeat(900)}:2`;
    const containers = names.map(
      (name) => ({ name, image: long, role: 'regular', startupProbe: false }) as const,
    );
    return {
      status: { from: { images: imagesOf('a:1') }, to: { images: imagesOf('a:2') } },
      workload: { containers, imageManagers: imagesOf(FIELD_MANAGER) },
    };
  }

  const rewritten = { phase: 'Failed', attempt: { gating: false, end: { reason: 'ImageRewritten' } } };
  test.each<[string, Given, object]>([
    ['ends the attempt if the previous image was stored', stored(OLD), rewritten],
    [
      'ends it if the write had no effect',
      stored(MIRROR, { generation: 1 }),
      { attempt: { end: undefined }, fallback: { reason: 'ImageRewritten' } },
    ],
    [
      'falls back if images run that do not fit',
      manyStored(),
      { fallback: { reason: 'ImageRewritten', why: { limit: 16_384 } } },
    ],
    [
      'falls back if an image runs that is longer than any can be',
      stored(`mirror.example/${'m'.repeat(1100)}:2.0`),
      {
        to: { images: { web: NEW } },
        fallback: { reason: 'ImageRewritten', why: { container: 'web', limit: 1024 } },
      },
    ],
    [
      'adopts what runs if it is the same version',
      {
        ...stored('mirror.example/web:2.0'),
        status: { from: { images: { web: 'mirror.example/web:2.0' } } },
      },
      { phase: 'Upgrading', attempt: { adopted: true, gating: false, rolledAt: ago(0) } },
    ],
  ])('%s', (_, given, expected) => {
    expect(recorded(given)).toMatchObject(expected);
  });

  test('of a reverted template, and of its return', () => {
    expect(recorded({ status: REVERT })).toMatchObject({
      turnedBack: { rolledAt: ago(0), startedAt: ago(1) },
      attempt: { progressAt: ago(0) },
    });
    expect(recorded({ status: RETURN }).turnedBack).toBeUndefined();
  });
});
