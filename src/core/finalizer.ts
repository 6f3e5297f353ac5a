/**
 * Deleting an Upgrade during an attempt is an abort: the previous images are restored and verified, and a finalizer keeps the Upgrade until
 * then. It is set only while something has to be restored, and is removed eventually even if the operator cannot restore it.
 */
import { holdsFinalizer } from '../api/gate.ts';
import { FALLBACK_FINALIZER } from '../api/names.ts';
import type { Upgrade } from '../api/types.ts';
import { type Status, storedStatus } from './complete-status.ts';
import { type Action, NO_ACTION } from './plan.ts';
import { policyFor } from './rollout/policy.ts';
import type { CompleteUpgrade } from './snapshot.ts';
import { isUnderWay } from './status.ts';

/** A failed version is kept behind closed gates, as `fallback.action: Pause` requires. */
export const isFallbackPaused = ({ spec }: CompleteUpgrade, { phase, attempt }: Status): boolean =>
  spec.fallback.action !== 'None' &&
  phase === 'Failed' &&
  attempt?.end?.reason === 'FallbackPaused' &&
  attempt.gating;

/**
 * Whether a deletion has to restore something: an unverified version would serve, or the partition would stay where the attempt moved it.
 * With the action None the version may serve.
 */
export function mustRestore(upgrade: CompleteUpgrade, status: Status): boolean {
  const { attempt } = status;
  if (!attempt || attempt.adopted) {
    return false;
  }
  const isRunning = isUnderWay(status) && attempt.end === undefined;
  return (
    attempt.held !== undefined ||
    status.turnedBack !== undefined ||
    isFallbackPaused(upgrade, status) ||
    (isRunning && policyFor(status).needsRestore(upgrade.spec))
  );
}

/** The write is held against the stored status. */
const asStored = (upgrade: CompleteUpgrade): Upgrade => ({
  ...upgrade,
  status: storedStatus(upgrade.status),
});

export const addFinalizer = (upgrade: CompleteUpgrade): Action => ({
  kind: 'setFinalizers',
  upgrade: asStored(upgrade),
  finalizers: [...upgrade.metadata.finalizers, FALLBACK_FINALIZER],
});

export const removeFinalizer = (upgrade: CompleteUpgrade): Action => ({
  kind: 'setFinalizers',
  upgrade: asStored(upgrade),
  finalizers: upgrade.metadata.finalizers.filter((name) => name !== FALLBACK_FINALIZER),
});

/** Adds or removes the finalizer as needed. */
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
