/**
 * A probe cycle is one look at one pod: its readiness, and one try of every check in every running container of that check.
 * Cycles are remembered in memory only; what must survive the operator is the result, recorded as a pod condition (see recorded.ts).
 */

import { effectiveChecks } from '../../api/checks.ts';
import { cut } from '../../api/cut.ts';
import { VERIFIED } from '../../api/names.ts';
import { own } from '../../api/own.ts';
import { isReason, kubernetesReason, TERMINAL_REASONS } from '../../api/reasons.ts';
import type { BaselineEntry, Check, Class, UpgradeSpec } from '../../api/types.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { toIso } from '../time.ts';
import { checkTargets } from './check-targets.ts';
import {
  type Baseline,
  evaluateTry,
  type TryContext,
  type TryOutcome,
  type TryVerdict,
} from './exit-codes.ts';

/** The words of others are kept to this length. */
const DETAIL_MAX = 512;

/** One try to make. The container ID pins its answer: another ID in the pod's status voids it. */
export interface TryRequest {
  readonly check: Check;
  readonly container: string;
  readonly containerId: string;
  readonly baseline?: Baseline;
}

export interface TryResult extends TryRequest {
  readonly outcome: TryOutcome;
}

/** What the tries so far said of one check in one container. */
export interface TryRecord {
  readonly check: string;
  readonly container: string;
  readonly containerId: string;
  readonly verdict: TryVerdict;
  readonly attempts: number;
  /** Tries that ran past the limit: nothing ends their processes, so they may still run in the container. */
  readonly timeouts: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface PodRecord {
  /** The verification (attempt, or its fallback) that these cycles belong to. */
  readonly verification: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly cycles: number;
  /** Cycles in a row in which everything passed. */
  readonly passes: number;
  /** Cycles in a row with evidence against the pod from a check. */
  readonly failures: number;
  /** What the last cycle said as a whole. */
  readonly class: Class;
  readonly wasReady: boolean;
  readonly tries: readonly TryRecord[];
}

export interface FinishedCycle {
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly results: readonly TryResult[];
  /** The pod as the API server showed it at the end, where no container answered. */
  readonly seen?: PodView;
}

/** What is asked of a pod. */
export interface Question {
  readonly spec: UpgradeSpec;
  /** Names of the containers in the pod template: what others inject into pods is not what the user meant. */
  readonly template: readonly string[];
  /** What the checks said in pods of the version before. */
  readonly baseline?: readonly BaselineEntry[];
}

export interface CycleContext extends Question {
  readonly verification: string;
  readonly inFallback: boolean;
}

export interface Readiness {
  readonly ready: boolean;
  /** When readiness will have held long enough, if it goes on. */
  readonly dueAt?: number;
  /** Why it is not ready. */
  readonly cause?: Cause;
}

/** Is the pod ready, apart from our own gate, for `minReadySeconds`? Condition times are whole seconds, so a wait is rounded up. */
export function readinessOf(pod: PodView, minReadySeconds: number, now: number): Readiness {
  const types = ['ContainersReady', ...pod.gates.filter((type) => type !== VERIFIED)];
  let heldSince = 0;
  for (const type of types) {
    const condition = own(pod.conditions, type);
    if (condition?.status !== 'True') {
      return { ready: false, cause: whyNotReady(pod, type) };
    }
    heldSince = Math.max(heldSince, condition.since);
  }
  // The times are those of the node's clock: where no wait is wanted, one that is ahead must not make one.
  const dueAt = minReadySeconds > 0 ? heldSince + (minReadySeconds + 1) * 1000 : now;
  return now >= dueAt
    ? { ready: true }
    : {
        ready: false,
        dueAt,
        cause: { reason: 'MinReadySeconds', seconds: minReadySeconds },
      };
}

/** What holds the pod up, and not what waits for it: scheduling, then the init container whose turn it is, sidecars, containers, the condition. */
function whyNotReady(pod: PodView, type: string): Cause {
  const scheduled = pod.conditions['PodScheduled'];
  if (scheduled?.status === 'False') {
    return {
      reason: scheduled.reason ? kubernetesReason(scheduled.reason) : 'Unschedulable',
      detail: cut(scheduled.message, DETAIL_MAX),
    };
  }
  const isDone = ({ role, state, exitCode }: ContainerView) =>
    role === 'init' ? state === 'terminated' && exitCode === 0 : state === 'running';
  const held = inStartOrder(pod).find((container) => !isDone(container));
  if (held) {
    return notRunning(held);
  }
  const unready = pod.containers.find(({ ready, role }) => !ready && role !== 'init');
  if (unready) {
    return { reason: 'NotReady', container: unready.name };
  }
  const said = cut(own(pod.conditions, type)?.message ?? '', DETAIL_MAX);
  return { reason: 'NotReady', condition: type, ...(said ? { detail: said } : {}) };
}

const START_ORDER = ['init', 'sidecar', 'regular'] as const;

const inStartOrder = (pod: PodView): ContainerView[] =>
  pod.containers.toSorted((a, b) => START_ORDER.indexOf(a.role) - START_ORDER.indexOf(b.role));

/** What keeps a container from starting, with its image: of a pod with several it is not known otherwise which one is meant. */
export const waitingCause = ({ name, image, reason, message }: ContainerView): Cause => ({
  reason: kubernetesReason(reason),
  container: name,
  image,
  ...(message ? { detail: cut(message, DETAIL_MAX) } : {}),
});

function notRunning(container: ContainerView): Cause {
  const { name, role, state, reason, exitCode, startedAt, ended } = container;
  if (state === 'waiting' && Object.hasOwn(TERMINAL_REASONS, reason)) {
    return waitingCause(container);
  }
  if (role === 'init' && state === 'running') {
    return {
      reason: 'Initializing',
      container: name,
      ...(startedAt === undefined ? {} : { since: toIso(startedAt) }),
    };
  }
  return {
    reason: reason ? kubernetesReason(reason) : 'NotStarted',
    container: name,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(ended && ended.reason !== reason ? { ended: kubernetesReason(ended.reason) } : {}),
  };
}

/** Every check × container that must answer, whether or not the container runs now. A check over the network asks the pod once; the first of its containers stands for it. */
export const expectedTries = (
  { spec, template }: Question,
  pod: PodView,
): { check: Check; container: string }[] => {
  const ours = pod.containers.filter(({ name }) => template.includes(name));
  return effectiveChecks(spec).flatMap((check) => {
    const containers = checkTargets(spec, check.containers, ours);
    return (check.exec ? containers : containers.slice(0, 1)).map((container) => ({ check, container }));
  });
};

function baselineOf({ baseline }: Question, check: Check, container: string): Baseline {
  const known = baseline?.find((entry) => entry.check === check.name && entry.container === container);
  if (known?.missing) {
    return 'Missing';
  }
  return known?.exitCode === undefined ? 'Unknown' : 'Had';
}

/** The tries that can be made now: in containers that run, Ready or not (the script may itself be the readiness probe). */
export const possibleTries = (question: Question, pod: PodView): TryRequest[] =>
  expectedTries(question, pod).flatMap(({ check, container }) => {
    const view = pod.containers.find(({ name }) => name === container);
    return view?.state === 'running' && view.id
      ? [{ check, container, containerId: view.id, baseline: baselineOf(question, check, container) }]
      : [];
  });

/** A record counts only for the same verification and while none of its containers has been replaced. */
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

/** The pod is not at fault as long as nothing of it could be started: no evidence. */
const neverStarted = (pod: PodView): boolean =>
  pod.phase === 'Pending' && pod.containers.every(({ id }) => id === '');

interface Heard {
  readonly ready: boolean;
  readonly verdicts: readonly TryVerdict[];
  readonly expected: number;
}

/** All that is not ready was put there by somebody else than the template: no evidence about its version. */
const waitsForInjected = ({ containers }: PodView, template: readonly string[]): boolean => {
  const unready = containers.filter(({ role, ready, state }) =>
    role === 'init' ? state !== 'terminated' : !ready,
  );
  return unready.length > 0 && unready.every(({ name }) => !template.includes(name));
};

/** Neither the version before nor this one has any of the commands. */
export const askedNothing = (verdicts: readonly Pick<TryVerdict, 'reason'>[]): boolean =>
  verdicts.length > 0 && verdicts.every(({ reason }) => isReason(reason, 'NothingAsked'));

function cycleClass(pod: PodView, template: readonly string[], { ready, verdicts, expected }: Heard): Class {
  const has = (wanted: Class) => verdicts.some((verdict) => verdict.class === wanted);
  if (has('Fail')) {
    return 'Fail';
  }
  if (has('Retry')) {
    return 'Retry';
  }
  if (!ready) {
    return neverStarted(pod) || waitsForInjected(pod, template) ? 'Error' : 'Retry';
  }
  if (has('Error') || verdicts.length < expected) {
    return 'Error';
  }
  const skipped = verdicts.length > 0 && verdicts.every((verdict) => verdict.class === 'Skip');
  // Where nothing was ever asked, readiness decides as if there were no check.
  return skipped && !askedNothing(verdicts) ? 'Skip' : 'Pass';
}

/** A cycle that was begun before the user changed a check answers a question that is asked no more. */
const asksStill = (spec: UpgradeSpec, check: Check): boolean =>
  effectiveChecks(spec).some((now) => now === check || JSON.stringify(now) === JSON.stringify(check));

/** Adds a finished cycle to what is known. Answers from containers that are gone by now count for nothing (137!). */
export function addCycle(
  record: PodRecord | undefined,
  context: CycleContext,
  pod: PodView,
  cycle: FinishedCycle,
): PodRecord {
  const { spec, template, verification, inFallback } = context;
  const known = validRecord(record, verification, pod);
  const current = cycle.results.filter(
    ({ check, container, containerId }) =>
      asksStill(spec, check) &&
      pod.containers.some(({ name, id }) => name === container && id === containerId),
  );
  const podReady = pod.conditions.ContainersReady?.status === 'True';
  const tries = current.map((result) =>
    addTry(known, result, cycle, { inFallback, podReady, baseline: result.baseline }),
  );
  const readiness = readinessOf(pod, spec.postCheck.readiness.minReadySeconds, cycle.startedAt);
  const ready = readiness.ready || !spec.postCheck.readiness.required;
  const verdicts = tries.map(({ verdict }) => verdict);
  const overall = cycleClass(pod, template, {
    ready,
    verdicts,
    expected: expectedTries(context, pod).length,
  });
  const passed = overall === 'Pass' || overall === 'Skip';
  const against = verdicts.some((verdict) => verdict.class === 'Retry' || verdict.class === 'Fail');
  return {
    verification,
    startedAt: cycle.startedAt,
    finishedAt: cycle.finishedAt,
    cycles: (known?.cycles ?? 0) + 1,
    passes: passed ? (known?.passes ?? 0) + 1 : 0,
    failures: against ? (known?.failures ?? 0) + 1 : overall === 'Error' ? (known?.failures ?? 0) : 0,
    class: overall,
    wasReady: readiness.ready,
    tries: [
      ...tries,
      ...(known?.tries ?? []).filter(
        (old) =>
          effectiveChecks(spec).some(({ name }) => name === old.check) &&
          !tries.some((now) => now.check === old.check && now.container === old.container),
      ),
    ],
  };
}

/** The record as it would be if the clock had always shown `byMs` more. */
export const shiftRecord = (record: PodRecord, byMs: number): PodRecord => ({
  ...record,
  startedAt: record.startedAt + byMs,
  finishedAt: record.finishedAt + byMs,
  tries: record.tries.map((one) => ({ ...one, firstAt: one.firstAt + byMs, lastAt: one.lastAt + byMs })),
});

function addTry(
  known: PodRecord | undefined,
  result: TryResult,
  cycle: FinishedCycle,
  context: TryContext,
): TryRecord {
  const before = known?.tries.find(
    (old) => old.check === result.check.name && old.container === result.container,
  );
  return {
    check: result.check.name,
    container: result.container,
    containerId: result.containerId,
    verdict: evaluateTry(result.check, result.outcome, context),
    attempts: (before?.attempts ?? 0) + 1,
    timeouts: (before?.timeouts ?? 0) + (result.outcome.kind === 'timeout' ? 1 : 0),
    firstAt: before?.firstAt ?? cycle.startedAt,
    lastAt: cycle.finishedAt,
  };
}
