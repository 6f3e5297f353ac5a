/** What a person says to an attempt that goes in stages. A word for another attempt does nothing and says so. */
import type { CommandResult } from '../../api/verbs.ts';
import { policyFor } from '../rollout/policy.ts';
import { stagesFor } from '../rollout/stages.ts';
import type { Snapshot } from '../snapshot.ts';
import { type ActiveStatus, isUnderWay } from '../status.ts';
import { toIso } from '../time.ts';
import { tokenOf } from './commands.ts';

export interface Obeyed {
  readonly status?: ActiveStatus;
  /** Recorded with the token. */
  readonly result: CommandResult;
}

const goesInStages = (status: ActiveStatus): boolean => isUnderWay(status) && policyFor(status).isStaged;

/** `postcheck.dev/approve: <attempt>/<stage>` lets that stage end, also before it waits for it. */
export function approve({ upgrade, now }: Snapshot, status: ActiveStatus): Obeyed {
  const [number, name, ...more] = tokenOf(upgrade, 'approve')?.split('/') ?? [];
  if (!goesInStages(status)) {
    return { result: 'NothingToApprove' };
  }
  if (number !== String(status.attempt.number)) {
    return { result: 'OtherAttempt' };
  }
  const { stages } = status;
  const stage = stages.find((known) => known.name === name);
  if (!stage || more.length > 0) {
    return { result: 'NoSuchStage' };
  }
  if (stage.state === 'Done' || stage.approvedAt) {
    return { result: 'NothingToApprove' };
  }
  const approved = { ...stage, approvedAt: toIso(now) };
  return {
    status: { ...status, stages: stages.map((known) => (known === stage ? approved : known)) },
    result: 'Approved',
  };
}

/** `postcheck.dev/promote: <attempt>` skips the waits of what is left, never a check. */
export function promote({ upgrade, now }: Snapshot, status: ActiveStatus): Obeyed {
  if (!goesInStages(status) || !stagesFor(policyFor(status), upgrade.spec, status).present) {
    return { result: 'NothingToPromote' };
  }
  if (tokenOf(upgrade, 'promote') !== String(status.attempt.number)) {
    return { result: 'OtherAttempt' };
  }
  const attempt = { ...status.attempt, promotedAt: toIso(now) };
  return { status: { ...status, attempt }, result: 'Promoted' };
}
