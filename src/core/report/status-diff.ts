/** How much two statuses differ, so that not every probe causes a write. */
import { own } from '../../api/own.ts';
import type { Phase, UpgradeStatus } from '../../api/types.ts';

/** `volatile`: the number and times of tries, and the value that a rollout check passed with. `progress`: counts, pods, texts. `transition`: everything that a client may wait for. */
export type Change = 'none' | 'volatile' | 'progress' | 'transition';

/** Phases that alternate while pods come and go; the move between them is progress. */
const SAME: Partial<Record<Phase, Phase>> = { PostChecking: 'Upgrading', FallbackChecking: 'FallingBack' };

const VOLATILE: ReadonlySet<string> = new Set(['attempts', 'lastAt', 'firstAt', 'output']);
const PROGRESS: ReadonlySet<string> = new Set([
  'counts',
  'summary',
  'pods',
  'exitCodes',
  'headline',
  'message',
  'progressAt',
  'deadlineAt',
  'maxUpdated',
  'maxPassed',
  'passedBefore',
  'revision',
  // The start and the end of a stage are intents of their own, which are stored at once.
  'stage',
  'stages',
  'rolloutChecks',
]);

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/**
 * Whether both are equal apart from the hidden fields, at any depth and in any order of keys, as the API server does not preserve ours. Each
 * reconcile compares the whole status, so identical objects are not examined.
 */
function same(a: unknown, b: unknown, hidden: ReadonlySet<string>): boolean {
  if (a === b || !isObject(a) || !isObject(b)) {
    return a === b;
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && sameItems(a, b, hidden);
  }
  const shown = (value: Json) =>
    Object.keys(value).filter((key) => own(value, key) !== undefined && !hidden.has(key));
  const keys = shown(a);
  return keys.every((key) => same(own(a, key), own(b, key), hidden)) && keys.length === shown(b).length;
}

const sameItems = (a: readonly unknown[], b: readonly unknown[], hidden: ReadonlySet<string>): boolean =>
  a.length === b.length && a.every((item, index) => same(item, b[index], hidden));

/** The status without the differences between phases that alternate: the phase, the reasons of conditions, the state of the fallback. */
function coarse(status: UpgradeStatus): UpgradeStatus {
  const phase = status.phase && (SAME[status.phase] ?? status.phase);
  const conditions = status.conditions?.map((condition) => ({
    ...condition,
    reason: SAME[condition.reason as Phase] ?? condition.reason,
  }));
  const fallback = status.fallback && {
    ...status.fallback,
    state: status.fallback.state === 'Checking' ? ('Rolling' as const) : status.fallback.state,
  };
  return { ...status, phase, conditions, fallback };
}

/** The status without the values that rollout checks passed with, which differ each time. */
const withoutValues = (status: UpgradeStatus): UpgradeStatus => ({
  ...status,
  rolloutChecks: status.rolloutChecks?.map((check) =>
    check.class === 'Pass' ? { ...check, message: '' } : check,
  ),
});

const NOTHING: ReadonlySet<string> = new Set();
const PODS: ReadonlySet<string> = new Set([...VOLATILE, ...PROGRESS]);

/** How much `after` differs from what is stored. */
export function changeOf(before: UpgradeStatus = {}, after: UpgradeStatus): Change {
  if (same(before, after, NOTHING)) {
    return 'none';
  }
  if (same(withoutValues(before), withoutValues(after), VOLATILE)) {
    return 'volatile';
  }
  return same(coarse(before), coarse(after), PODS) ? 'progress' : 'transition';
}
