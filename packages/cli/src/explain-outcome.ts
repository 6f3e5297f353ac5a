/** How the last attempt ended or where it is, as the headline of an explanation says it, and whether a person has to act. Pure. */
import { isReason } from '../../../src/api/reasons.ts';
import type { Upgrade, UpgradeStatus } from '../../../src/api/types.ts';
import { completeStatus } from '../../../src/core/complete-status.ts';
import { beforeScaledDown } from '../../../src/core/report/ended-text.ts';
import { imagesText } from '../../../src/core/report/image-text.ts';
import { leftCounts } from '../../../src/core/report/left-text.ts';
import { ofDesired } from '../../../src/core/verification/summary.ts';
import { plural } from './looks.ts';
import { isUnverified, phaseOf } from './upgrade-state.ts';

/** Describes the outcome, and whether a person has to act. */
export function outcomeText(upgrade: Upgrade, lapsed: boolean): string {
  const { status = {}, spec } = upgrade;
  const [wanted, before] = [status.to?.images, status.from?.images].map((images) =>
    imagesText(images ?? {}, spec),
  );
  const { passed: all = 0, desired = 0 } = status.counts ?? {};
  const passed = `${ofDesired(all, { desired })} of ${plural(desired, 'pod')}`;
  const advice = (text: string): string => (lapsed ? '' : ` ${text}`);
  switch (phaseOf(upgrade)) {
    case 'Succeeded':
      return `${wanted} ${isGone(status) ? 'is set' : 'runs'}, ${verifiedText(upgrade, isGone(status) ? beforeScaledDown(status) : passed)}.${isUnverified(upgrade) ? '' : advice('No action is needed.')}`;
    case 'Partial':
      return `${wanted} is verified on ${passed}; ${leftCounts(completeStatus(status), before ?? '')}. Action is required.`;
    case 'FellBack':
      return `${before} ${restoredText(status, lapsed, passed)}${status.fallback?.verified === 'No' ? '' : advice('Not urgent: the upgrade is stalled until you act.')}`;
    case 'FallbackFailed':
      return `Neither ${wanted} nor ${before} could be verified: act now.`;
    case 'Failed':
      return failedText(status.attempt?.end?.reason, wanted ?? '');
    case 'Inconclusive':
      return `${wanted} is verified on ${passed}; nothing speaks against it, but not every pod could be probed. Action may be required.`;
    default:
      return `${passed} passed.`;
  }
}

/** What verified a version that succeeded. */
function verifiedText(upgrade: Upgrade, passed: string): string {
  const reason = upgrade.status?.attempt?.end?.reason;
  if (isReason(reason, 'AllSkipped')) {
    return 'but nothing was verified: every check was skipped';
  }
  const by = isReason(reason, 'ReadinessOnly') ? 'by readiness only ' : '';
  return `verified ${by}on ${passed}${isUnverified(upgrade) ? ', but by an earlier spec.postCheck' : ''}`;
}

/** Whether no pods are desired any more. */
const isGone = ({ counts }: UpgradeStatus): boolean => counts?.desired === 0;

/** Where the previous version serves, and what verified it. */
function restoredText(status: UpgradeStatus, lapsed: boolean, passed: string): string {
  if (status.fallback?.verified === 'No') {
    return `runs again, not verified because ${isGone(status) ? 'it has 0 replicas' : 'spec.fallback.verify is false'}.`;
  }
  return isGone(status)
    ? `is set again, verified on ${beforeScaledDown(status)}.`
    : `${lapsed ? 'ran again' : 'serves'} on ${passed} and ${passedText(status)}.`;
}

/** What the previous version passed. */
const passedText = ({ fallback }: UpgradeStatus): string =>
  fallback?.verified === 'ReadinessOnly' ? 'is verified by readiness only' : 'passed the same check';

/** A version that another client replaced has not failed. */
function failedText(reason: string | undefined, wanted: string): string {
  if (isReason(reason, 'ImageConflict')) {
    return `Another client set an image, and postcheck left it as it is: ${wanted} does not run everywhere, and what runs is not verified. Action is required.`;
  }
  if (isReason(reason, 'BaselineFailed')) {
    return `Nothing was upgraded to ${wanted}: the previous version fails the checks, and spec.preCheck.baseline is RequirePass. Action is required.`;
  }
  return isReason(reason, 'ImageRewritten')
    ? `Nothing was upgraded to ${wanted}: the API server stored the previous image again. Action is required.`
    : `${wanted} failed and was not rolled back.`;
}
