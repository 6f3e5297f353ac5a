/**
 * Limits the size of a status as a whole, whatever names, images and history it contains: the least important parts are omitted first. What the
 * operator needs to continue (the attempt, the previous and the wanted images, the fallback) always stays. That the images fit is checked before
 * an attempt starts (`imagesTooLong` in workload/obstacles.ts).
 */
import { cut } from '../../api/cut.ts';
import type { PodReport, UpgradeStatus } from '../../api/types.ts';

/** Far below what etcd takes in one object (1.5 MiB), and small enough for every watch. */
const MAX_BYTES = 100 * 1024;

/** The length that texts are cut to as a last resort. */
const SHORT_TEXT = 500;

const bytesOf = (status: UpgradeStatus): number => Buffer.byteLength(JSON.stringify(status), 'utf8');

const withoutOutput = (pods: readonly PodReport[] | undefined): readonly PodReport[] | undefined =>
  pods?.map((pod) => ({ ...pod, checks: pod.checks.map(({ output: _, ...check }) => check) }));

type Step = (status: UpgradeStatus) => UpgradeStatus;
const keepHistory =
  (entries: number): Step =>
  (status) => ({ ...status, history: status.history?.slice(0, entries) });
const keepPods =
  (count: number): Step =>
  ({ fallback, ...status }) => ({
    ...status,
    pods: status.pods?.slice(0, count),
    fallback: fallback && { ...fallback, evidence: fallback.evidence?.slice(0, count) },
  });

/** Applied in this order until the status fits. */
const STEPS: readonly Step[] = [
  ({ fallback, ...status }) => ({
    ...status,
    pods: withoutOutput(status.pods),
    fallback: fallback && { ...fallback, evidence: withoutOutput(fallback.evidence) },
  }),
  keepHistory(5),
  keepHistory(1),
  keepPods(3),
  keepHistory(0),
  keepPods(0),
  ({ exitCodes: _, ...status }) => status,
  // The names of the failed places stay, because those are not replaced again.
  (status) => ({ ...status, left: status.left?.map(({ message: _, ...entry }) => entry) }),
  ({ attempt, ...status }) => ({
    ...status,
    attempt: attempt && {
      ...attempt,
      warnings: undefined,
      excludedNodes: attempt.excludedNodes?.slice(0, 20),
    },
  }),
  ({ lastVerified: _, ...status }) => status,
  ({ quarantined: _, ...status }) => status,
  ({ to, fallback, ...status }) => ({
    ...status,
    to: to && { ...to, requested: undefined },
    fallback: fallback && { ...fallback, requested: undefined },
  }),
  ({ attempt, fallback, ...status }) => ({
    ...status,
    message: status.message && cut(status.message, SHORT_TEXT),
    conditions: status.conditions?.map((condition) => ({
      ...condition,
      message: cut(condition.message, SHORT_TEXT),
    })),
    attempt: attempt && {
      ...attempt,
      end: attempt.end && { ...attempt.end, cause: cut(attempt.end.cause, SHORT_TEXT), why: undefined },
    },
    fallback: fallback && {
      ...fallback,
      cause: cut(fallback.cause, SHORT_TEXT),
      why: undefined,
      exitCodes: undefined,
    },
  }),
  // An empty baseline stays: without the field it would be taken again.
  ({ from, ...status }) => ({ ...status, from: from && { ...from, baseline: from.baseline && [] } }),
];

/** The status, or as much of it as fits. */
export function fitStatus(status: UpgradeStatus): UpgradeStatus {
  let fitting = status;
  for (const step of STEPS) {
    if (bytesOf(fitting) <= MAX_BYTES) {
      return fitting;
    }
    fitting = step(fitting);
  }
  return fitting;
}

/** The smallest status, for when the API server rejects the whole one: what is needed to continue, and why the rest is missing. */
export function leastStatus(status: UpgradeStatus, refusal: string): UpgradeStatus {
  const { message: refused = '' } = status;
  const message = cut(
    `The API server refuses the status, so the rest of it is left out: ${refusal}; ${refused}`,
    1000,
  );
  const least = STEPS.reduce((smaller, step) => step(smaller), status);
  return {
    ...least,
    message,
    conditions: least.conditions?.map((condition) => ({
      ...condition,
      message: cut(message, 500),
      ...(condition.type === 'Stalled' ? { reason: 'StatusRefused' } : {}),
    })),
  };
}
