/**
 * A probe cycle is one evaluation of one pod: its readiness, and one try of every check in every running container of that check.
 * Cycles are kept in memory only. The result must survive a restart, so it is recorded as a pod condition (see recorded.ts).
 */

import { effectiveChecks } from '../../api/checks.ts';
import { isReason } from '../../api/reasons.ts';
import type { Check, Class, UpgradeSpec } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { evaluateTry, type TryContext, type TryOutcome, type TryVerdict } from './exit-codes.ts';
import { areContainersReady, isBeforeItsVersion, readinessOf, waitsForOthers } from './readiness.ts';
import { expectedTries, type ProbeContext, type TryRequest } from './tries.ts';

export interface TryResult extends TryRequest {
  readonly outcome: TryOutcome;
}

/** The tries of one check in one container so far. */
export interface TryRecord {
  readonly check: string;
  readonly container: string;
  readonly containerId: string;
  readonly verdict: TryVerdict;
  readonly attempts: number;
  /** Tries that exceeded the time limit. Their processes are not killed, so they may still run in the container. */
  readonly timeouts: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface PodRecord {
  /** The verification (of an attempt or its fallback) that these cycles belong to. */
  readonly verification: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly cycles: number;
  /** Cycles in a row in which everything passed. */
  readonly passes: number;
  /** Cycles in a row with evidence against the pod from a check. */
  readonly failures: number;
  /** The result of the last cycle as a whole. */
  readonly class: Class;
  readonly wasReady: boolean;
  readonly tries: readonly TryRecord[];
}

export interface FinishedCycle {
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly results: readonly TryResult[];
  /** The pod as it was read after the cycle, if no container responded. */
  readonly seen?: PodView;
}

export interface CycleContext extends ProbeContext {
  readonly verification: string;
  readonly inFallback: boolean;
}

/** The tries of a pod that may not have been probed yet. */
export const triesOf = (record: PodRecord | undefined): readonly TryRecord[] => (record ? record.tries : []);

/** The record, if it belongs to this verification and none of its containers was replaced since then. */
export function validRecord(
  record: PodRecord | undefined,
  verification: string,
  pod: PodView,
): PodRecord | undefined {
  if (record?.verification !== verification) {
    return undefined;
  }
  const replaced = record.tries.some(({ container, containerId }) =>
    pod.containers.some(({ name, id }) => name === container && id !== containerId),
  );
  return replaced ? undefined : record;
}

interface Observed {
  readonly ready: boolean;
  readonly verdicts: readonly TryVerdict[];
  readonly expected: number;
}

/** Neither the previous version nor this one has any of the commands. */
export const ranNoCheck = (verdicts: readonly Pick<TryVerdict, 'reason'>[]): boolean =>
  verdicts.length > 0 && verdicts.every(({ reason }) => isReason(reason, 'NoCheckRan'));

function cycleClass(
  pod: PodView,
  { spec, template }: Pick<CycleContext, 'spec' | 'template'>,
  { ready, verdicts, expected }: Observed,
): Class {
  const has = (wanted: Class) => verdicts.some((verdict) => verdict.class === wanted);
  if (has('Fail')) {
    return 'Fail';
  }
  if (has('Retry')) {
    return 'Retry';
  }
  if (!ready) {
    return waitsForOthers(pod, template) || isBeforeItsVersion(pod, spec) ? 'Error' : 'Retry';
  }
  if (has('Error') || verdicts.length < expected) {
    return 'Error';
  }
  const skipped = verdicts.length > 0 && verdicts.every((verdict) => verdict.class === 'Skip');
  // If no check has ever run, readiness decides as if there were no checks.
  return skipped && !ranNoCheck(verdicts) ? 'Skip' : 'Pass';
}

/** A cycle that was started before the user changed a check has results of the old one. */
const isCurrentCheck = (spec: UpgradeSpec, check: Check): boolean =>
  effectiveChecks(spec).some((now) => now === check || JSON.stringify(now) === JSON.stringify(check));

const NOT_PROBED: Pick<PodRecord, 'cycles' | 'passes' | 'failures' | 'tries'> = {
  cycles: 0,
  passes: 0,
  failures: 0,
  tries: [],
};

/** What the result of a try in this pod depends on. */
export const tryContextOf = (
  pod: PodView,
  { template, inFallback }: Pick<CycleContext, 'template' | 'inFallback'>,
  { baseline }: Pick<TryRequest, 'baseline'>,
): TryContext => ({
  inFallback,
  // An injected proxy that is not ready accepts no connection to the containers behind it.
  podReady: areContainersReady(pod) || waitsForOthers(pod, template),
  baseline,
});

/** Adds a finished cycle to the record. Results from containers that no longer exist do not count, such as the 137 of a killed one. */
export function addCycle(
  record: PodRecord | undefined,
  context: CycleContext,
  pod: PodView,
  cycle: FinishedCycle,
): PodRecord {
  const { spec, verification } = context;
  const earlier = validRecord(record, verification, pod) ?? NOT_PROBED;
  const current = cycle.results.filter(
    ({ check, container, containerId }) =>
      isCurrentCheck(spec, check) &&
      pod.containers.some(({ name, id }) => name === container && id === containerId),
  );
  const tries = current.map((result) =>
    addTry(earlier.tries, result, cycle, tryContextOf(pod, context, result)),
  );
  const readiness = readinessOf(pod, spec.postCheck.readiness.minReadySeconds, cycle.startedAt);
  const ready = readiness.ready || !spec.postCheck.readiness.required;
  const verdicts = tries.map(({ verdict }) => verdict);
  const overall = cycleClass(pod, context, {
    ready,
    verdicts,
    expected: expectedTries(context, pod).length,
  });
  const passed = overall === 'Pass' || overall === 'Skip';
  const failed = verdicts.some((verdict) => verdict.class === 'Retry' || verdict.class === 'Fail');
  return {
    verification,
    startedAt: cycle.startedAt,
    finishedAt: cycle.finishedAt,
    cycles: earlier.cycles + 1,
    passes: passed ? earlier.passes + 1 : 0,
    failures: failed ? earlier.failures + 1 : overall === 'Error' ? earlier.failures : 0,
    class: overall,
    wasReady: readiness.ready,
    tries: [
      ...tries,
      ...earlier.tries.filter(
        (old) =>
          effectiveChecks(spec).some(({ name }) => name === old.check) &&
          !tries.some((now) => now.check === old.check && now.container === old.container),
      ),
    ],
  };
}

/** The record as if the clock had always been `byMs` ahead of what it was. */
export const shiftRecord = (record: PodRecord, byMs: number): PodRecord => ({
  ...record,
  startedAt: record.startedAt + byMs,
  finishedAt: record.finishedAt + byMs,
  tries: record.tries.map((one) => ({ ...one, firstAt: one.firstAt + byMs, lastAt: one.lastAt + byMs })),
});

function addTry(
  earlier: readonly TryRecord[],
  result: TryResult,
  cycle: FinishedCycle,
  context: TryContext,
): TryRecord {
  const { attempts, timeouts, firstAt } = earlier.find(
    (old) => old.check === result.check.name && old.container === result.container,
  ) ?? { attempts: 0, timeouts: 0, firstAt: cycle.startedAt };
  return {
    check: result.check.name,
    container: result.container,
    containerId: result.containerId,
    verdict: evaluateTry(result.check, result.outcome, context),
    attempts: attempts + 1,
    timeouts: timeouts + (result.outcome.kind === 'timeout' ? 1 : 0),
    firstAt,
    lastAt: cycle.finishedAt,
  };
}
