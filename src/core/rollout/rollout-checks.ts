/**
 * Checks of the rollout as a whole: PromQL, asked of the administrator's Prometheus once the pods of a stage are verified, through its soak
 * and while it waits for approval. No data and no answer are no evidence: they neither pass nor fail.
 */
import { cut } from '../../api/cut.ts';
import { own } from '../../api/own.ts';
import type { StageStatus, UpgradeSpec } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { rolloutCheckText } from '../report/rollout-check-text.ts';
import type { Status } from '../status.ts';
import { fromIso, toIso } from '../time.ts';
import { isLive } from '../workload/pods.ts';
import type { Turn } from './turn.ts';

export type RolloutCheck = NonNullable<UpgradeSpec['postCheck']['rolloutChecks']>[number];

/** What Prometheus said. */
export type QueryAnswer =
  | { readonly kind: 'values'; readonly values: readonly number[] }
  | { readonly kind: 'failed'; readonly message: string };

/** The last answer to a check, and how often in a row it spoke against the version. */
export interface QueryRecord {
  /** What was asked, and for which stage of which attempt. */
  readonly id: string;
  readonly startedAt: number;
  readonly class: 'Pass' | 'Fail' | 'Error';
  /** The value that decided. */
  readonly value?: number;
  /** Why there is none: no value, one that is no number, or what whoever was asked said instead. */
  readonly silence?: 'NoData' | 'NoNumber' | { readonly said: string };
  readonly failures: number;
}

export interface PlannedQuery {
  readonly id: string;
  readonly check: RolloutCheck;
  readonly expression: string;
}

/** Rounds of evidence in a row that fail the rollout: one sample may be of a moment. */
const ROUNDS = 3;
const SOAK_EVERY_MS = 30_000;
/** A longer query is not asked. */
export const MOST_CHARACTERS = 65_536;

const COMPARE: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '==': (value, limit) => value === limit,
  '!=': (value, limit) => value !== limit,
};

/** Adds an answer to what is known of a check. */
export function addAnswer(
  known: QueryRecord | undefined,
  { id, check }: PlannedQuery,
  startedAt: number,
  answer: QueryAnswer,
): QueryRecord {
  const verdict = evaluateAnswer(check, answer);
  const before = known?.id === id ? known.failures : 0;
  // No evidence neither adds to a row nor ends it.
  const failures = verdict.class === 'Fail' ? before + 1 : verdict.class === 'Pass' ? 0 : before;
  return { id, startedAt, failures, ...verdict };
}

/** Every value has to pass. One that is no number, such as 0/0, says nothing. */
function evaluateAnswer(
  { passWhen }: RolloutCheck,
  answer: QueryAnswer,
): Pick<QueryRecord, 'class' | 'value' | 'silence'> {
  if (answer.kind === 'failed') {
    return { class: 'Error', silence: { said: cut(answer.message, 200) } };
  }
  const [, operator = '', limit = ''] = /^([<>=!]+) *(.*)$/.exec(passWhen) ?? [];
  const passes = own(COMPARE, operator);
  const { values } = answer;
  if (values.length === 0 || values.some(Number.isNaN) || !passes) {
    return { class: 'Error', silence: values.length === 0 ? 'NoData' : 'NoNumber' };
  }
  const bad = values.find((value) => !passes(value, Number(limit)));
  return bad === undefined ? { class: 'Pass', value: values[0] } : { class: 'Fail', value: bad };
}

export interface Analysis {
  /** Every check passes, by an answer that was asked for since the pods were verified. */
  readonly isPassed: boolean;
  readonly failed?: Cause;
  readonly queries: readonly PlannedQuery[];
  readonly nextAt?: number;
  readonly report?: Status['rolloutChecks'];
}

const NOTHING_ASKED: Analysis = { isPassed: true, queries: [] };

/** What the checks of the rollout say of a stage, and which are to be asked now. */
export function analyze(turn: Turn, state: StageStatus): Analysis {
  const { snapshot, status } = turn;
  const { now, upgrade, queryRecord = () => undefined } = snapshot;
  const checks = upgrade.spec.postCheck.rolloutChecks;
  if (checks.length === 0 || !['Checking', 'Soaking', 'AwaitingApproval'].includes(state.state)) {
    return NOTHING_ASKED;
  }
  const periodMs = upgrade.spec.postCheck.periodSeconds * 1000;
  const everyMs = state.state === 'Checking' ? periodMs : Math.max(periodMs, SOAK_EVERY_MS);
  const since = fromIso(state.verifiedAt ?? '');
  const looks = checks.map((check) => {
    const id = JSON.stringify([upgrade.metadata.uid, status.attempt.id, state.name, check]);
    const found = queryRecord(check.name);
    const record = found?.id === id && since <= found.startedAt && found.startedAt <= now ? found : undefined;
    const dueAt = record ? record.startedAt + everyMs : now;
    return { id, check, record, dueAt };
  });
  const isFresh = (at: number) => now < at + ROUNDS * everyMs;
  const bad = looks.find(({ record }) => record !== undefined && record.failures >= ROUNDS);
  return {
    isPassed: looks.every(({ record }) => record?.class === 'Pass' && isFresh(record.startedAt)),
    failed: bad && {
      reason: 'RolloutCheckFailed',
      check: bad.check.name,
      detail: rolloutCheckText(bad.record, bad.check),
      repeated: bad.record?.failures,
    },
    queries: looks
      .filter(({ dueAt }) => dueAt <= now)
      .map(({ id, check }) => ({ id, check, expression: expressionOf(turn, check) })),
    nextAt: Math.min(...looks.map(({ dueAt }) => (dueAt <= now ? now + everyMs : dueAt))),
    report: looks.map(({ check, record }) => ({
      name: check.name,
      class: record?.class ?? 'Error',
      message: rolloutCheckText(record, check),
      lastAt: record && toIso(record.startedAt),
    })),
  };
}

/** No pod can have this name. */
const NO_POD = '_';

/** The query with its variables put in. Their values are names of Kubernetes, which have nothing that ends a string or is a word of PromQL. */
function expressionOf({ snapshot, status }: Turn, { query }: RolloutCheck): string {
  const { upgrade, pods } = snapshot;
  const isNew = ({ revision }: PodView) => revision === (status.to.revision ?? snapshot.updateRevision);
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

/** A name, as the API server lets names be; anything else is left out. */
const plain = (name: string): string => name.replace(/[^a-z0-9.-]/g, '');

/** A regular expression of pod names that needs no backslash, so that it stands in any kind of quotes. */
const patternOf = (pods: readonly PodView[]): string =>
  pods.map(({ name }) => plain(name).replaceAll('.', '[.]')).join('|') || NO_POD;
