/** The fields of every log line about an Upgrade. */
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import { upgradeFacts } from '../core/report/facts.ts';
import type { UpgradeKey } from './store.ts';
import type { Log, LogFields } from './telemetry-ports.ts';

/** The fields of an Upgrade of which only the key is known. */
export function named(key: UpgradeKey): LogFields {
  const [namespace, name] = key.split('/');
  return { namespace, name };
}

export function about(upgrade: Upgrade, status: UpgradeStatus | undefined): LogFields {
  const { namespace, name } = upgrade.metadata;
  const facts = upgradeFacts(upgrade, status);
  return {
    namespace,
    name,
    kind: upgrade.spec.targetRef.kind,
    attempt: status?.attempt?.number,
    phase: facts?.phase,
    reason: facts?.reason,
  };
}

/** Logs the message of a stored status if phase or reason changed: as a warning if the attempt is stalled or did not end well. */
export function logChange(
  log: Log,
  upgrade: Upgrade,
  before: UpgradeStatus | undefined,
  after: UpgradeStatus,
): void {
  const [was, is] = [upgradeFacts(upgrade, before), upgradeFacts(upgrade, after)];
  if (!is || (was?.phase === is.phase && was.reason === is.reason)) {
    return;
  }
  const isBad = (is.stalled === 'True' && is.phase !== 'Aborted') || is.phase === 'Inconclusive';
  log[isBad ? 'warn' : 'info'](after.message ?? is.phase, { ...about(upgrade, after), from: was?.phase });
}
