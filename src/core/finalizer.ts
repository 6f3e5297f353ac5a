/**
 * Deleting an Upgrade in the middle of an attempt is an abort: what ran before is put back, and verified. A finalizer keeps the Upgrade until
 * then. It is there only while something has to be put back, and nothing that is out of the operator's hands keeps it there for ever.
 */
import { holdsFinalizer } from '../api/gate.ts';
import { FALLBACK_FINALIZER } from '../api/names.ts';
import { type Action, NO_ACTION } from './plan.ts';
import { policyFor } from './rollout/policy.ts';
import type { CompleteUpgrade } from './snapshot.ts';
import { isUnderWay, type Status } from './status.ts';

/** A version that failed stands behind closed gates, as the user wants it to (`fallback.action: Pause`). */
export const isHeldBack = ({ spec }: CompleteUpgrade, { phase, attempt }: Status): boolean =>
  spec.fallback.action !== 'None' &&
  phase === 'Failed' &&
  attempt?.end?.reason === 'FallbackPaused' &&
  attempt.gating;

/**
 * Without the Upgrade a version that nobody has verified would serve, or what the attempt moved in the workload would stay moved. With the
 * action None the version may serve.
 */
export function mustRestore(upgrade: CompleteUpgrade, status: Status): boolean {
  const { attempt } = status;
  if (!attempt || attempt.adopted) {
    return false;
  }
  const isGoingOn = isUnderWay(status) && attempt.end === undefined;
  return (
    attempt.held !== undefined ||
    status.turnedBack !== undefined ||
    isHeldBack(upgrade, status) ||
    (isGoingOn && policyFor(status).needsRestore(upgrade.spec))
  );
}

export const addFinalizer = (upgrade: CompleteUpgrade): Action => ({
  kind: 'setFinalizers',
  upgrade,
  finalizers: [...upgrade.metadata.finalizers, FALLBACK_FINALIZER],
});

export const removeFinalizer = (upgrade: CompleteUpgrade): Action => ({
  kind: 'setFinalizers',
  upgrade,
  finalizers: upgrade.metadata.finalizers.filter((name) => name !== FALLBACK_FINALIZER),
});

/** The finalizer follows the need for it. */
export function followFinalizer(upgrade: CompleteUpgrade, status: Status): Action {
  const needed = mustRestore(upgrade, status);
  if (needed === holdsFinalizer(upgrade)) {
    return NO_ACTION;
  }
  if (!needed) {
    return removeFinalizer(upgrade);
  }
  return upgrade.metadata.deletionTimestamp ? NO_ACTION : addFinalizer(upgrade);
}
