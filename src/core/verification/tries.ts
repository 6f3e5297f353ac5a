/** The tries of a probe cycle: one of each check in each of its containers. */
import { effectiveChecks } from '../../api/checks.ts';
import type { BaselineEntry, Check, UpgradeSpec } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { checkTargets } from './check-targets.ts';
import type { Baseline } from './exit-codes.ts';

/** One try to make. Its result is void if the pod's status shows another container ID by then. */
export interface TryRequest {
  readonly check: Check;
  readonly container: string;
  readonly containerId: string;
  readonly baseline?: Baseline;
}

/** What decides which tries a pod needs. */
export interface ProbeContext {
  readonly spec: UpgradeSpec;
  /** Names of the containers in the pod template; injected containers are not checked. */
  readonly template: readonly string[];
  /** Results of the checks in pods of the previous version. */
  readonly baseline?: readonly BaselineEntry[];
}

/** Every combination of check and container that must return a result, whether or not the container runs now. A network check has one try in each pod, under the name of the first container. */
export function expectedTries(
  { spec, template }: ProbeContext,
  pod: PodView,
): { check: Check; container: string }[] {
  const fromTemplate = pod.containers.filter(({ name }) => template.includes(name));
  return effectiveChecks(spec).flatMap((check) => {
    const containers = checkTargets(spec, check.containers, fromTemplate);
    return (check.exec ? containers : containers.slice(0, 1)).map((container) => ({ check, container }));
  });
}

function baselineOf({ baseline }: ProbeContext, check: Check, container: string): Baseline {
  const result = baseline?.find((entry) => entry.check === check.name && entry.container === container);
  if (result?.missing) {
    return 'Missing';
  }
  return result?.exitCode === undefined ? 'Unknown' : 'Had';
}

/** The tries that can be made now: those in running containers, Ready or not, since the script may itself be the readiness probe. */
export const possibleTries = (context: ProbeContext, pod: PodView): TryRequest[] =>
  expectedTries(context, pod).flatMap(({ check, container }) => {
    const view = pod.containers.find(({ name }) => name === container);
    return view?.state === 'running' && view.id
      ? [{ check, container, containerId: view.id, baseline: baselineOf(context, check, container) }]
      : [];
  });
