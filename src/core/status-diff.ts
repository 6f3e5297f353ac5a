/** How much two statuses differ, so that progress does not become a write per try. */
import type { Phase, UpgradeStatus } from '../api/types.ts';

/** `volatile`: attempts and times of tries. `progress`: counts, pods, sentences. `transition`: everything a machine may wait for. */
export type Change = 'none' | 'volatile' | 'progress' | 'transition';

/** Phases that alternate while pods come and go; the move between them is progress. */
const SAME: Partial<Record<Phase, Phase>> = { PostChecking: 'Upgrading', FallbackChecking: 'FallingBack' };

const VOLATILE: ReadonlySet<string> = new Set(['attempts', 'lastAt', 'firstAt', 'output']);
const PROGRESS: ReadonlySet<string> = new Set([
  'counts',
  'summary',
  'pods',
  'exitCodes',
  'message',
  'progressAt',
  'maxUpdated',
  'maxPassed',
  'revision',
]);

const masked = (status: UpgradeStatus | undefined, hidden: ReadonlySet<string>): string =>
  JSON.stringify(status ?? {}, (key, value) => (hidden.has(key) ? undefined : sorted(value)));

/** Objects in key order: the API server does not keep ours. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Without what follows the pods: the phase's twin, the conditions' reasons and times that go with it, the state of the fallback. */
function coarse(status: UpgradeStatus | undefined): UpgradeStatus {
  if (!status) return {};
  const phase = status.phase && (SAME[status.phase] ?? status.phase);
  const conditions = status.conditions?.map((condition) => ({ ...condition, reason: SAME[condition.reason as Phase] ?? condition.reason }));
  const fallback = status.fallback && {
    ...status.fallback,
    state: status.fallback.state === 'Checking' ? ('Rolling' as const) : status.fallback.state,
  };
  return { ...status, ...(phase ? { phase } : {}), ...(conditions ? { conditions } : {}), ...(fallback ? { fallback } : {}) };
}

export function changeOf(before: UpgradeStatus | undefined, after: UpgradeStatus): Change {
  if (masked(before, new Set()) === masked(after, new Set())) return 'none';
  if (masked(before, VOLATILE) === masked(after, VOLATILE)) return 'volatile';
  const hidden = new Set([...VOLATILE, ...PROGRESS]);
  return masked(coarse(before), hidden) === masked(coarse(after), hidden) ? 'progress' : 'transition';
}
