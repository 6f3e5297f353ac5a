/** Which tries a pod is asked for: of each check, in each of its containers. */
import { effectiveChecks } from '../../api/checks.ts';
import type { BaselineEntry, Check, UpgradeSpec } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { checkTargets } from './check-targets.ts';
import type { Baseline } from './exit-codes.ts';

/** One try to make. The container ID pins its answer: another ID in the pod's status voids it. */
export interface TryRequest {
  readonly check: Check;
  readonly container: string;
  readonly containerId: string;
  readonly baseline?: Baseline;
}

/** What is asked of a pod. */
export interface Question {
  readonly spec: UpgradeSpec;
  /** Names of the containers in the pod template: what others inject into pods is not what the user meant. */
  readonly template: readonly string[];
  /** What the checks said in pods of the version before. */
  readonly baseline?: readonly BaselineEntry[];
}

/** Every check × container that must answer, whether or not the container runs now. A check over the network asks the pod once; the first of its containers stands for it. */
export function expectedTries(
  { spec, template }: Question,
  pod: PodView,
): { check: Check; container: string }[] {
  const ours = pod.containers.filter(({ name }) => template.includes(name));
  return effectiveChecks(spec).flatMap((check) => {
    const containers = checkTargets(spec, check.containers, ours);
    return (check.exec ? containers : containers.slice(0, 1)).map((container) => ({ check, container }));
  });
}

function baselineOf({ baseline }: Question, check: Check, container: string): Baseline {
  const known = baseline?.find((entry) => entry.check === check.name && entry.container === container);
  if (known?.missing) {
    return 'Missing';
  }
  return known?.exitCode === undefined ? 'Unknown' : 'Had';
}

/** The tries that can be made now: in containers that run, Ready or not (the script may itself be the readiness probe). */
export const possibleTries = (question: Question, pod: PodView): TryRequest[] =>
  expectedTries(question, pod).flatMap(({ check, container }) => {
    const view = pod.containers.find(({ name }) => name === container);
    return view?.state === 'running' && view.id
      ? [{ check, container, containerId: view.id, baseline: baselineOf(question, check, container) }]
      : [];
  });
