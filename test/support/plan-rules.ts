/** What holds of every plan, whatever it was made of. */
import type { Plan } from '../../src/core/decision/decide.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';

const CONDITIONS = 'FallenBack Gated Ready Reconciling Stalled Verified';
/** Plans without a status of their own. */
const SILENT: readonly Plan['state'][] = ['StaleCache', 'Deleting', 'RemovingFinalizer'];

const RULES: Readonly<Record<string, (snapshot: Snapshot, plan: Plan) => boolean>> = {
  'all conditions are there, and a message': (_, { state, status: { conditions = [], message } }) =>
    SILENT.includes(state) ||
    (Boolean(message) &&
      conditions
        .map(({ type }) => type)
        .sort()
        .join(' ') === CONDITIONS),
  'an intent is stored before anything is done': (_, { intent, action }) => !intent || action.kind === 'none',
  'counts add up': ({ upgrade }, { status: { counts } }) =>
    !counts ||
    counts === upgrade.status?.counts ||
    counts.passed + counts.retrying + counts.failed + counts.inconclusive + counts.skipped === counts.updated,
  'the status grows by less than 100 KiB': ({ upgrade }, { status }) =>
    JSON.stringify(status).length < 100 * 1024 + JSON.stringify(upgrade.status ?? {}).length,
  // An API server would store another character. Half of one is written as an escape.
  'no character is cut in two': (_, { status }) => !/[^\\]\\ud[89a-f]/.test(JSON.stringify(status)),
  'the next look is later than now': ({ now }, { wakeAt }) => wakeAt === undefined || wakeAt > now,
  'nothing is both under way and stalled': (_, plan) =>
    conditionOf(plan, 'Reconciling') !== 'True' || conditionOf(plan, 'Stalled') !== 'True',
  'only what has succeeded is ready': (_, plan) =>
    conditionOf(plan, 'Ready') !== 'True' ||
    plan.status.counts?.desired === 0 ||
    plan.status.phase === 'Succeeded',
};

const conditionOf = ({ status }: Plan, type: string): string | undefined =>
  status.conditions?.find((own) => own.type === type)?.status;

/** The rules that the plan breaks. */
export const brokenRules = (snapshot: Snapshot, plan: Plan): string[] =>
  Object.entries(RULES)
    .filter(([, holds]) => !holds(snapshot, plan))
    .map(([rule]) => rule);
