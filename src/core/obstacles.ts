/** What keeps an Upgrade from acting, as a chain of pure looks: one reason, one sentence each. The user has to act; postcheck writes nothing. */

import { effectiveChecks } from '../api/checks.ts';
import type { ObstacleReason } from '../api/reasons.ts';
import type { Check, UpgradeSpec } from '../api/types.ts';
import type { WorkloadView } from '../api/views.ts';
import { checkTargets } from './target.ts';

export interface Obstacle {
  readonly reason: ObstacleReason;
  readonly message: string;
}

const nameOf = (workload: WorkloadView): string => `${workload.kind} ${workload.name}`;

const list = (names: readonly string[]): string => names.join(', ');

function containerNotFound(spec: UpgradeSpec, workload: WorkloadView): Obstacle | undefined {
  const missing = spec.containers
    .filter(({ name }) => !workload.containers.some((container) => container.name === name))
    .map(({ name }) => name);
  if (missing.length === 0) {
    return undefined;
  }
  const there = list(workload.containers.map(({ name }) => name));
  return {
    reason: 'ContainerNotFound',
    message: `${nameOf(workload)} has no container ${list(missing)}: name one of ${there} in spec.containers`,
  };
}

/** Why a check cannot run in the container of that name. */
function unaskable(workload: WorkloadView, name: string): string | undefined {
  const container = workload.containers.find((candidate) => candidate.name === name);
  if (!container) {
    return 'does not exist';
  }
  return container.role === 'init'
    ? 'is an init container, which has ended before a check could run'
    : undefined;
}

function invalidCheck(spec: UpgradeSpec, workload: WorkloadView, check: Check): Obstacle | undefined {
  const reason = 'InvalidCheckContainer';
  const named = check.containers?.includes('*') ? [] : (check.containers ?? []);
  const wrong = named.find((name) => unaskable(workload, name) !== undefined);
  if (wrong !== undefined) {
    const message = `check ${check.name} names container ${wrong} of ${nameOf(workload)}, which ${unaskable(workload, wrong)}: name a regular container or a sidecar`;
    return { reason, message };
  }
  if (checkTargets(spec, check.containers, workload.containers).length > 0) {
    return undefined;
  }
  return { reason, message: `check ${check.name} finds no container to run in: name some in its containers` };
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

const workloadPaused = (workload: WorkloadView): Obstacle | undefined =>
  workload.paused
    ? {
        reason: 'WorkloadPaused',
        message: `${nameOf(workload)} is paused, so nothing rolls: run \`kubectl rollout resume deployment/${workload.name}\``,
      }
    : undefined;

const partitionSet = (workload: WorkloadView): Obstacle | undefined =>
  workload.partition > 0
    ? {
        reason: 'PartitionSet',
        message: `${nameOf(workload)} has updateStrategy.rollingUpdate.partition ${workload.partition}, which keeps pods on the old version: set it to 0`,
      }
    : undefined;

const onDelete = (workload: WorkloadView): Obstacle | undefined =>
  workload.onDelete
    ? {
        reason: 'UpdateStrategyOnDelete',
        message: `${nameOf(workload)} has updateStrategy OnDelete, so nothing rolls by itself: set it to RollingUpdate`,
      }
    : undefined;

/** What stops a rollout of any direction. */
export const rolloutObstacle = (workload: WorkloadView): Obstacle | undefined =>
  workloadPaused(workload) ?? partitionSet(workload) ?? onDelete(workload);

/** What stops an attempt; a fallback needs only the rollout to move. */
export const attemptObstacle = (spec: UpgradeSpec, workload: WorkloadView): Obstacle | undefined =>
  containerNotFound(spec, workload) ?? invalidCheckContainer(spec, workload) ?? rolloutObstacle(workload);
