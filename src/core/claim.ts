/** Which of several Upgrades with the same target acts. Only what the API stores counts, so every process decides the same. */
import { holdsFinalizer } from '../api/gate.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import { mustRestore } from './finalizer.ts';
import { completeUpgrade } from './snapshot.ts';
import { isUnderWay } from './status.ts';

/** Sorts after every time. */
const NO_TIME = '~';

/**
 * Returns what the Upgrades of one target are sorted by, the acting one first: those with an attempt in the workload, then the others by age.
 * Creation times are whole seconds, so a later Upgrade may sort before an earlier one; without the first part it would take over in the middle
 * of an attempt, and adopt an unverified version and a moved partition as the user's own. All times have the same format and need no parsing.
 * `undefined`: the Upgrade is being deleted and has nothing to restore, so it has no claim, whatever else keeps it.
 */
export function claimOrder(upgrade: Upgrade): string | undefined {
  const { creationTimestamp, name } = upgrade.metadata;
  return hasClaim(upgrade)
    ? [heldSince(upgrade.status) ?? NO_TIME, creationTimestamp, name].join(' ')
    : undefined;
}

function hasClaim(upgrade: Upgrade): boolean {
  if (!upgrade.metadata.deletionTimestamp) {
    return true;
  }
  if (!holdsFinalizer(upgrade)) {
    return false;
  }
  const complete = completeUpgrade(upgrade);
  return mustRestore(complete, complete.status);
}

/** The start of the attempt that another Upgrade would disturb: it is under way, may still be taken back, or has the partition or closed gates. */
function heldSince(status: UpgradeStatus | undefined): string | undefined {
  const attempt = status?.attempt;
  const isHeld =
    isUnderWay(status) || status?.phase === 'Partial' || attempt?.gating || attempt?.held !== undefined;
  return isHeld ? attempt?.startedAt : undefined;
}
