/** What prevents an Upgrade from acting: one function for each obstacle. */
import { effectiveChecks } from '../../api/checks.ts';
import type { Check, Images, UpgradeSpec } from '../../api/types.ts';
import { MOST_CHARACTERS, MOST_VALUES, type WorkloadKind, type WorkloadView } from '../../api/views.ts';
import type { EffectiveSpec } from '../effective-spec.ts';
import { bytesOf, SET_MAX_BYTES } from '../images.ts';
import { namedWorkload, type Obstacle, type ObstacleOf } from '../obstacle.ts';
import type { CompleteUpgrade } from '../snapshot.ts';
import { checkTargets } from '../verification/check-targets.ts';
import { isTimeZone } from '../windows.ts';
import { driverOf } from './drivers.ts';

export const targetClaimed = ({ spec }: CompleteUpgrade, by: string): Obstacle => ({
  reason: 'TargetClaimed',
  workload: namedWorkload(spec.targetRef),
  by,
});

/** The target of an Upgrade cannot be changed, so another workload needs another Upgrade. */
export const targetNotFound = (
  { spec, metadata: { namespace } }: CompleteUpgrade,
  namesakes: readonly WorkloadKind[] = [],
): Obstacle => ({
  reason: 'TargetNotFound',
  workload: namedWorkload(spec.targetRef),
  namespace,
  namesakes,
});

/** Which containers it has is not known. */
export const workloadTooLong = (workload: WorkloadView): Obstacle | undefined =>
  workload.isTooLong
    ? {
        reason: 'WorkloadTooLong',
        workload: namedWorkload(workload),
        characters: MOST_CHARACTERS,
        values: MOST_VALUES,
      }
    : undefined;

function containerNotFound(spec: UpgradeSpec, workload: WorkloadView): Obstacle | undefined {
  const existing = workload.containers.map(({ name }) => name);
  const missing = spec.containers.map(({ name }) => name).filter((name) => !existing.includes(name));
  return missing.length > 0
    ? { reason: 'ContainerNotFound', workload: namedWorkload(workload), missing, existing }
    : undefined;
}

type WrongContainer = NonNullable<ObstacleOf<'InvalidCheckContainer'>['wrong']>;

/** Why a check cannot run in the container of that name. */
function cannotRunIn(workload: WorkloadView, name: string): WrongContainer['why'] | undefined {
  const container = workload.containers.find((candidate) => candidate.name === name);
  if (!container) {
    return 'Missing';
  }
  return container.role === 'init' ? 'Init' : undefined;
}

function wrongContainer(workload: WorkloadView, { containers = [] }: Check): WrongContainer | undefined {
  for (const container of containers.includes('*') ? [] : containers) {
    const why = cannotRunIn(workload, container);
    if (why) {
      return { container, why };
    }
  }
  return undefined;
}

function invalidCheck(spec: UpgradeSpec, workload: WorkloadView, check: Check): Obstacle | undefined {
  const wrong = wrongContainer(workload, check);
  return wrong || checkTargets(spec, check.containers, workload.containers).length === 0
    ? { reason: 'InvalidCheckContainer', workload: namedWorkload(workload), check: check.name, wrong }
    : undefined;
}

function invalidCheckContainer(spec: UpgradeSpec, workload: WorkloadView): Obstacle | undefined {
  for (const check of effectiveChecks(spec)) {
    const obstacle = invalidCheck(spec, workload, check);
    if (obstacle) {
      return obstacle;
    }
  }
  return undefined;
}

/** A controller that chooses the pods itself cannot be stopped at a stage. */
function stagesUnsupported(spec: EffectiveSpec, view: WorkloadView): Obstacle | undefined {
  const why = stagesHindrance(spec, view);
  return why && { reason: 'StagesUnsupported', workload: namedWorkload(view), why };
}

function stagesHindrance(
  { stages, gate }: EffectiveSpec,
  view: WorkloadView,
): ObstacleOf<'StagesUnsupported'>['why'] | undefined {
  if (!stages.some(({ pods, nodes }) => pods !== undefined || nodes !== undefined)) {
    return undefined;
  }
  const driver = driverOf(view);
  const lever = driver.lever(view);
  if (lever === 'none') {
    return driver.stageHindrance;
  }
  if (lever === 'gate' && gate === 'Disabled') {
    return 'Ungated';
  }
  const byNode = stages.find(({ nodes }) => nodes !== undefined);
  return byNode && !driver.hasPodPerNode ? { nodesOf: byNode.name } : undefined;
}

/** Single pods can be rolled back only where postcheck replaces the pods. */
const scopeUnsupported = ({ fallback }: UpgradeSpec, workload: WorkloadView): Obstacle | undefined =>
  fallback.scope === 'FailedPods' && driverOf(workload).lever(workload) !== 'deletion'
    ? { reason: 'ScopeUnsupported', workload: namedWorkload(workload) }
    : undefined;

/** The images that an attempt would store do not fit into the status: it could neither continue nor fall back. */
export function imagesTooLong(workload: WorkloadView, sets: readonly Images[]): Obstacle | undefined {
  const bytes = Math.max(...sets.map(bytesOf));
  return bytes > SET_MAX_BYTES
    ? { reason: 'ImagesTooLong', workload: namedWorkload(workload), bytes, max: SET_MAX_BYTES }
    : undefined;
}

/** Without a valid time zone nobody knows when the window opens. */
function timeZoneUnknown({ windows }: EffectiveSpec): Obstacle | undefined {
  const wrong = windows.find(({ timeZone }) => !isTimeZone(timeZone));
  return wrong && { reason: 'TimeZoneUnknown', timeZone: wrong.timeZone };
}

/** What prevents an attempt. A fallback needs only a controller that replaces pods. */
export const attemptObstacle = (spec: EffectiveSpec, workload: WorkloadView): Obstacle | undefined =>
  workloadTooLong(workload) ??
  containerNotFound(spec, workload) ??
  invalidCheckContainer(spec, workload) ??
  stagesUnsupported(spec, workload) ??
  timeZoneUnknown(spec) ??
  scopeUnsupported(spec, workload) ??
  driverOf(workload).obstacle(workload);
