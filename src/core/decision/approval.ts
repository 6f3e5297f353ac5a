/** The verbs for an attempt in stages. A token for another attempt has no effect, and its result says so. */
import type { CommandResult } from '../../api/verbs.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { policyFor } from '../rollout/policy.ts';
import { stagesFor } from '../rollout/stages.ts';
import type { Snapshot } from '../snapshot.ts';
import { isUnderWay } from '../status.ts';
import { toIso } from '../time.ts';
import { tokenOf } from './commands.ts';

export interface CommandOutcome {
  readonly status?: ActiveStatus;
  /** Recorded with the token. */
  readonly result: CommandResult;
}

const isStaged = (status: ActiveStatus): boolean => isUnderWay(status) && policyFor(status).isStaged;

/** `postcheck.dev/approve: <attempt>/<stage>` approves that stage, also before it waits for approval. */
export function approve({ upgrade, now }: Snapshot, status: ActiveStatus): CommandOutcome {
  const [number, name, ...more] = tokenOf(upgrade, 'approve')?.split('/') ?? [];
  if (!isStaged(status)) {
    return { result: 'NothingToApprove' };
  }
  if (number !== String(status.attempt.number)) {
    return { result: 'OtherAttempt' };
  }
  const { stages } = status;
  const stage = stages.find((candidate) => candidate.name === name);
  if (!stage || more.length > 0) {
    return { result: 'NoSuchStage' };
  }
  if (stage.state === 'Done' || stage.approvedAt) {
    return { result: 'NothingToApprove' };
  }
  const approved = { ...stage, approvedAt: toIso(now) };
  return {
    status: { ...status, stages: stages.map((other) => (other === stage ? approved : other)) },
    result: 'Approved',
  };
}

/** `postcheck.dev/promote: <attempt>` skips all remaining waits, but no checks. */
export function promote({ upgrade, now }: Snapshot, status: ActiveStatus): CommandOutcome {
  if (!isStaged(status) || !stagesFor(policyFor(status), upgrade.spec, status).present) {
    return { result: 'NothingToPromote' };
  }
  if (tokenOf(upgrade, 'promote') !== String(status.attempt.number)) {
    return { result: 'OtherAttempt' };
  }
  const attempt = { ...status.attempt, promotedAt: toIso(now) };
  return { status: { ...status, attempt }, result: 'Promoted' };
}
