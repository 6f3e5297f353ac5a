/** What keeps an Upgrade from acting, as a chain of pure looks: one reason, one sentence each. The user has to act; postcheck writes nothing. */
import { effectiveChecks } from '../../api/checks.ts';
import type { Check, Images, Upgrade, UpgradeSpec } from '../../api/types.ts';
import type { WorkloadKind, WorkloadView } from '../../api/views.ts';
import { bytesOf, SET_MAX_BYTES } from '../images.ts';
import { checkTargets } from '../verification/check-targets.ts';
import { isTimeZone } from '../windows.ts';
import { type Lever, nameOf, type Obstacle } from './driver.ts';
import { driverOf } from './drivers.ts';

const list = (names: readonly string[]): string => names.join(', ');

export const targetClaimed = ({ spec: { targetRef } }: Upgrade, older: string): Obstacle => ({
  reason: 'TargetClaimed',
  message: `Upgrade ${older} is older and acts on ${targetRef.kind} ${targetRef.name}: delete one of the two`,
});

/** The target of an Upgrade cannot be changed, so another workload needs another Upgrade. */
export function targetNotFound(
  { spec: { targetRef }, metadata }: Upgrade,
  namesakes: readonly WorkloadKind[] = [],
): Obstacle {
  const missing = `${targetRef.kind} ${targetRef.name} does not exist in namespace ${metadata.namespace}`;
  const others = namesakes.map((kind) => `a ${kind}`).join(' and ');
  const mend = others ? `, only ${others} of that name:` : ': create it, or';
  return {
    reason: 'TargetNotFound',
    message: `${missing}${mend} delete this Upgrade and create one for the workload that you mean`,
  };
}

export const gateUnavailable: Obstacle = {
  reason: 'GateUnavailable',
  message:
    'spec.gate is Required, but neither the gate policy nor the gate webhook acts in this namespace (gate.carrier of the chart): install one, or set spec.gate to Auto',
};

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
function cannotRunIn(workload: WorkloadView, name: string): string | undefined {
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
  const wrong = named.find((name) => cannotRunIn(workload, name) !== undefined);
  if (wrong !== undefined) {
    const message = `check ${check.name} names container ${wrong} of ${nameOf(workload)}, which ${cannotRunIn(workload, wrong)}: name a regular container or a sidecar`;
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

/** A controller that chooses the pods by itself cannot be held at some of them. */
function stagesUnsupported({ strategy, gate }: UpgradeSpec, workload: WorkloadView): Obstacle | undefined {
  const { stages = [] } = strategy ?? {};
  const parts = stages.filter(({ pods, nodes }) => pods !== undefined || nodes !== undefined);
  const lever = driverOf(workload).lever(workload);
  const byNode = parts.find(({ nodes }) => nodes !== undefined);
  const mend = parts.length > 0 ? mendStages(workload, lever, gate === 'Disabled') : undefined;
  const reason = 'StagesUnsupported';
  if (mend) {
    return { reason, message: `${nameOf(workload)} cannot go in stages: ${mend}` };
  }
  return byNode && (workload.kind !== 'DaemonSet' || lever !== 'deletion')
    ? {
        reason,
        message: `stage ${byNode.name} names nodes, but only a DaemonSet has a pod a node: name pods`,
      }
    : undefined;
}

/** Pods that fail are put back one by one only where postcheck replaces the pods. */
function scopeUnsupported({ fallback }: UpgradeSpec, workload: WorkloadView): Obstacle | undefined {
  return fallback.scope === 'FailedPods' && driverOf(workload).lever(workload) !== 'deletion'
    ? {
        reason: 'ScopeUnsupported',
        message: `spec.fallback.scope is FailedPods, but the controller of ${nameOf(workload)} replaces all its pods by itself: set updateStrategy.type to OnDelete, or the scope to All`,
      }
    : undefined;
}

/** What makes the workload go in stages. */
function mendStages(workload: WorkloadView, lever: Lever, isUngated: boolean): string | undefined {
  if (lever === 'gate' && isUngated) {
    return 'they are held by the gate, so set spec.gate to Auto or Required';
  }
  return lever === 'none' ? driverOf(workload).mendStages(workload) : undefined;
}

/** The sets that an attempt would store have no room in the status: it could not go on by them, nor fall back. */
export function imagesTooLong(workload: WorkloadView, sets: readonly Images[]): Obstacle | undefined {
  const most = Math.max(...sets.map(bytesOf));
  return most > SET_MAX_BYTES
    ? {
        reason: 'ImagesTooLong',
        message: `the images of ${nameOf(workload)} have ${most} bytes together with the names of their containers, and the status has room for ${SET_MAX_BYTES}: use shorter references`,
      }
    : undefined;
}

/** Nobody knows when such a window opens. */
function timeZoneUnknown({ windows = [] }: UpgradeSpec): Obstacle | undefined {
  const wrong = windows.find(({ timeZone }) => !isTimeZone(timeZone));
  return (
    wrong && {
      reason: 'TimeZoneUnknown',
      message: `spec.windows names time zone ${wrong.timeZone}, which does not exist: write an IANA name such as Asia/Taipei, or UTC`,
    }
  );
}

/** What stops an attempt; a fallback needs only the controller to roll. */
export const attemptObstacle = (spec: UpgradeSpec, workload: WorkloadView): Obstacle | undefined =>
  containerNotFound(spec, workload) ??
  invalidCheckContainer(spec, workload) ??
  stagesUnsupported(spec, workload) ??
  timeZoneUnknown(spec) ??
  scopeUnsupported(spec, workload) ??
  driverOf(workload).obstacle(workload);
