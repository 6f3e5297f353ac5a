/** What keeps an Upgrade from acting, as a chain of pure looks, each for one reason. */
import { effectiveChecks } from '../../api/checks.ts';
import type { Check, Images, UpgradeSpec } from '../../api/types.ts';
import type { WorkloadKind, WorkloadView } from '../../api/views.ts';
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

function containerNotFound(spec: UpgradeSpec, workload: WorkloadView): Obstacle | undefined {
  const there = workload.containers.map(({ name }) => name);
  const missing = spec.containers.map(({ name }) => name).filter((name) => !there.includes(name));
  return missing.length > 0
    ? { reason: 'ContainerNotFound', workload: namedWorkload(workload), missing, there }
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

/** A controller that chooses the pods by itself cannot be held at some of them. */
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

/** Pods that fail are put back one by one only where postcheck replaces the pods. */
const scopeUnsupported = ({ fallback }: UpgradeSpec, workload: WorkloadView): Obstacle | undefined =>
  fallback.scope === 'FailedPods' && driverOf(workload).lever(workload) !== 'deletion'
    ? { reason: 'ScopeUnsupported', workload: namedWorkload(workload) }
    : undefined;

/** The sets that an attempt would store have no room in the status: it could not go on by them, nor fall back. */
export function imagesTooLong(workload: WorkloadView, sets: readonly Images[]): Obstacle | undefined {
  const bytes = Math.max(...sets.map(bytesOf));
  return bytes > SET_MAX_BYTES
    ? { reason: 'ImagesTooLong', workload: namedWorkload(workload), bytes, most: SET_MAX_BYTES }
    : undefined;
}

/** Nobody knows when such a window opens. */
function timeZoneUnknown({ windows }: EffectiveSpec): Obstacle | undefined {
  const wrong = windows.find(({ timeZone }) => !isTimeZone(timeZone));
  return wrong && { reason: 'TimeZoneUnknown', timeZone: wrong.timeZone };
}

/** What stops an attempt; a fallback needs only the controller to roll. */
export const attemptObstacle = (spec: EffectiveSpec, workload: WorkloadView): Obstacle | undefined =>
  containerNotFound(spec, workload) ??
  invalidCheckContainer(spec, workload) ??
  stagesUnsupported(spec, workload) ??
  timeZoneUnknown(spec) ??
  scopeUnsupported(spec, workload) ??
  driverOf(workload).obstacle(workload);
