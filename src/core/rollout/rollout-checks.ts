/**
 * Checks of the rollout as a whole: PromQL queries to the administrator's Prometheus, once the pods of a stage are verified, during its soak
 * and while it waits for approval. No data and no response are no evidence: they neither pass nor fail.
 */
import { cut } from '../../api/cut.ts';
import { own } from '../../api/own.ts';
import type { StageStatus, UpgradeSpec } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { Status } from '../complete-status.ts';
import { foreignSamplesText, rolloutCheckText } from '../report/rollout-check-text.ts';
import { fromIso, toIso } from '../time.ts';
import { driverOf } from '../workload/drivers.ts';
import { isLive } from '../workload/pods.ts';
import type { Evaluation } from './evaluation.ts';

export type RolloutCheck = NonNullable<UpgradeSpec['postCheck']['rolloutChecks']>[number];

/** The response of Prometheus. */
export type QueryAnswer =
  | { readonly kind: 'values'; readonly values: readonly number[] }
  | { readonly kind: 'failed'; readonly message: string };

/** The last result of a check, and how often in a row it failed. */
export interface QueryRecord {
  /** Identifies the check, and the stage and attempt that it was queried for. */
  readonly id: string;
  readonly startedAt: number;
  readonly class: 'Pass' | 'Fail' | 'Error';
  /** The value that decided the result. */
  readonly value?: number;
  /** Why there is none: no value, a value that is no number, or an error message. */
  readonly noValue?: 'NoData' | 'NoNumber' | { readonly message: string };
  readonly failures: number;
}

export interface PlannedQuery {
  readonly id: string;
  readonly check: RolloutCheck;
  readonly expression: string;
}

/** Failures in a row that fail the rollout: a single sample may be an outlier. */
const ROUNDS = 3;
const SOAK_EVERY_MS = 30_000;
/** A longer query is not sent. */
export const MAX_QUERY_LENGTH = 65_536;

const COMPARE: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '==': (value, limit) => value === limit,
  '!=': (value, limit) => value !== limit,
};

/** Adds a response to the record of a check. */
export function addAnswer(
  last: QueryRecord | undefined,
  { id, check }: PlannedQuery,
  startedAt: number,
  answer: QueryAnswer,
): QueryRecord {
  const verdict = evaluateAnswer(check, answer);
  const before = last?.id === id ? last.failures : 0;
  // A result without evidence neither continues nor ends a series of failures.
  const failures = verdict.class === 'Fail' ? before + 1 : verdict.class === 'Pass' ? 0 : before;
  return { id, startedAt, failures, ...verdict };
}

/** Every value has to pass. One that is no number, such as 0/0 of a path without requests, is no evidence, and hides none of the others. */
function evaluateAnswer(
  { passWhen }: RolloutCheck,
  answer: QueryAnswer,
): Pick<QueryRecord, 'class' | 'value' | 'noValue'> {
  if (answer.kind === 'failed') {
    return { class: 'Error', noValue: { message: cut(answer.message, 200) } };
  }
  const [, operator = '', limit = ''] = /^([<>=!]+)(.*)/.exec(passWhen) ?? [];
  const passes = own(COMPARE, operator);
  const { values } = answer;
  const failing = passes && values.find((value) => !Number.isNaN(value) && !passes(value, Number(limit)));
  if (failing !== undefined) {
    return { class: 'Fail', value: failing };
  }
  return values.length === 0 || values.some(Number.isNaN) || !passes
    ? { class: 'Error', noValue: values.length === 0 ? 'NoData' : 'NoNumber' }
    : { class: 'Pass', value: values[0] };
}

export interface Analysis {
  /** Every check passes, by a query made after the pods were verified. */
  readonly isPassed: boolean;
  readonly failed?: Cause;
  readonly queries: readonly PlannedQuery[];
  readonly nextAt?: number;
  readonly report?: Status['rolloutChecks'];
}

const NO_QUERIES: Analysis = { isPassed: true, queries: [] };

/** The results of the rollout checks for a stage, and which checks to query now. */
export function analyze(evaluation: Evaluation, state: StageStatus): Analysis {
  const { snapshot, status } = evaluation;
  const { now, upgrade, queryRecord = () => undefined } = snapshot;
  const checks = upgrade.spec.postCheck.rolloutChecks;
  if (checks.length === 0 || !['Checking', 'Soaking', 'AwaitingApproval'].includes(state.state)) {
    return NO_QUERIES;
  }
  const periodMs = upgrade.spec.postCheck.periodSeconds * 1000;
  const everyMs = state.state === 'Checking' ? periodMs : Math.max(periodMs, SOAK_EVERY_MS);
  // A stage whose pods are not verified yet has no result that counts.
  const verifiedAt = state.verifiedAt === undefined ? now : fromIso(state.verifiedAt);
  const results = checks.map((check) => {
    const since = Math.max(verifiedAt, ownSamplesFrom(evaluation, check));
    const id = JSON.stringify([upgrade.metadata.uid, status.attempt.id, state.name, check]);
    const found = queryRecord(check.name);
    const record = found?.id === id && since <= found.startedAt && found.startedAt <= now ? found : undefined;
    const dueAt = record ? record.startedAt + everyMs : Math.max(since, now);
    return { id, check, record, dueAt };
  });
  const isFresh = (at: number) => now < at + ROUNDS * everyMs;
  const failed = results.find(({ record }) => record !== undefined && record.failures >= ROUNDS);
  return {
    isPassed: results.every(({ record }) => record?.class === 'Pass' && isFresh(record.startedAt)),
    failed: failed && {
      reason: 'RolloutCheckFailed',
      check: failed.check.name,
      detail: rolloutCheckText(failed.record, failed.check),
      repeated: failed.record?.failures,
    },
    queries: results
      .filter(({ dueAt }) => dueAt <= now)
      .map(({ id, check }) => ({ id, check, expression: expressionOf(evaluation, check) })),
    nextAt: Math.min(...results.map(({ dueAt }) => (dueAt <= now ? now + everyMs : dueAt))),
    report: results.map(({ check, record, dueAt }) => ({
      name: check.name,
      class: record?.class ?? 'Error',
      message: record || dueAt <= now ? rolloutCheckText(record, check) : foreignSamplesText(toIso(dueAt)),
      lastAt: record && toIso(record.startedAt),
    })),
  };
}

/** How old a sample may be that an instant query returns, unless `--query.lookback-delta` of Prometheus says otherwise. */
const LOOKBACK_MS = 300_000;

/**
 * When the query no longer returns samples of the pods that had the names of the new ones before: those are of another version, and no evidence.
 * Only a StatefulSet gives a name again.
 */
function ownSamplesFrom({ snapshot, status, workload }: Evaluation, { query }: RolloutCheck): number {
  if (!driverOf(workload).reusesNames || !/\{\{ *newPods *\}\}/.test(query)) {
    return 0;
  }
  const isNew = isOfRevision(status.to.revision ?? snapshot.updateRevision);
  const created = snapshot.pods.filter((pod) => isLive(pod) && isNew(pod)).map(({ createdAt }) => createdAt);
  return Math.max(0, ...created.map((at) => at + reachMs(query)));
}

const isOfRevision =
  (wanted: string | undefined) =>
  ({ revision }: PodView): boolean =>
    revision === wanted;

/** A range or a subquery: `[5m]`, `[1h30m:1m]`, `[300]`. */
const RANGE = /\[ *((?:\d+(?:ms|[smhdwy]))+|\d+) *([:\]])/g;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** How far back the query reads: its longest range, at least the lookback, and all its subqueries, which may contain one another. */
function reachMs(query: string): number {
  const ranges = [...query.matchAll(RANGE)].map(([, length = '', end]) => ({
    isSubquery: end === ':',
    ms: /^\d+$/.test(length) ? Number(length) * 1000 : spanMs(length),
  }));
  const longest = Math.max(
    LOOKBACK_MS,
    ...ranges.filter(({ isSubquery }) => !isSubquery).map(({ ms }) => ms),
  );
  return ranges.filter(({ isSubquery }) => isSubquery).reduce((sum, { ms }) => sum + ms, longest);
}

const spanMs = (length: string): number =>
  [...length.matchAll(/(\d+)([a-z]+)/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (own(UNIT_MS, unit) ?? 0),
    0,
  );

/** Matches no pod: no pod can have this name. */
const NO_POD = '_';

/** The query with its variables replaced. Their values are Kubernetes names, which contain nothing that ends a string or is PromQL syntax. */
function expressionOf({ snapshot, status }: Evaluation, { query }: RolloutCheck): string {
  const { upgrade, pods } = snapshot;
  const isNew = isOfRevision(status.to.revision ?? snapshot.updateRevision);
  const live = pods.filter(isLive);
  const values: Readonly<Record<string, () => string>> = {
    namespace: () => plain(upgrade.metadata.namespace),
    name: () => plain(upgrade.spec.targetRef.name),
    kind: () => upgrade.spec.targetRef.kind,
    newPods: () => patternOf(live.filter(isNew)),
    oldPods: () => patternOf(live.filter((pod) => !isNew(pod))),
  };
  return query.replace(/\{\{ *(\w+) *\}\}/g, (whole, name: string) => own(values, name)?.() ?? whole);
}

/** A name without characters that the API server does not allow in names. */
const plain = (name: string): string => name.replace(/[^a-z0-9.-]/g, '');

/** A regular expression for the names of pods. It contains no backslash, so it can be used in any kind of quotes. */
const patternOf = (pods: readonly PodView[]): string =>
  pods.map(({ name }) => plain(name).replaceAll('.', '[.]')).join('|') || NO_POD;
