/** `spec.dependsOn`: Upgrades that have to be Succeeded for their present spec before an attempt begins. */
import type { Phase, Upgrade } from '../../api/types.ts';
import type { Obstacle } from '../obstacle.ts';
import type { CompleteUpgrade, Snapshot } from '../snapshot.ts';
import { isForSpec, isPostCheckChanged } from '../status.ts';
import type { Wait } from '../wait.ts';

/** Upgrades that are looked at for a circle: anybody may write thousands that name each other. */
const MOST_VISITED = 1000;

const namesOf = ({ spec: { dependsOn = [] } }: Pick<Upgrade, 'spec'>): string[] =>
  dependsOn.map(({ name }) => name);

/** Succeeded for the spec as it is now, and nobody has changed the images since. */
export function isSucceeded({ metadata, spec, status }: Upgrade): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return (
    status?.phase === 'Succeeded' &&
    status.observedGeneration === metadata.generation &&
    status.attempt !== undefined &&
    isForSpec(status.attempt, spec) &&
    !isPostCheckChanged(status, spec) &&
    ready?.status === 'True'
  );
}

/** An Upgrade that is named and not there, or that waits for this one. */
export function dependencyObstacle({ upgrade, upgradeNamed: find }: Snapshot): Obstacle | undefined {
  if (!find) {
    return undefined;
  }
  const missing = namesOf(upgrade).find((name) => !find(name));
  if (missing !== undefined) {
    return { reason: 'DependencyNotFound', upgrade: missing, namespace: upgrade.metadata.namespace };
  }
  const circle = circleOf(upgrade, find);
  return circle && { reason: 'DependencyCycle', circle };
}

/** The shortest way from an Upgrade back to itself. */
function circleOf(
  upgrade: CompleteUpgrade,
  find: (name: string) => Upgrade | undefined,
): string[] | undefined {
  const own = upgrade.metadata.name;
  const cameFrom = new Map<string, string>();
  const queue = [own];
  for (let name = queue.shift(); name !== undefined && cameFrom.size < MOST_VISITED; name = queue.shift()) {
    const at = name === own ? upgrade : find(name);
    for (const next of at ? namesOf(at) : []) {
      if (next === own) {
        return [...wayTo(name, own, cameFrom), own];
      }
      if (!cameFrom.has(next)) {
        cameFrom.set(next, name);
        queue.push(next);
      }
    }
  }
  return undefined;
}

function wayTo(name: string, own: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [name];
  for (let at = name; at !== own; ) {
    at = cameFrom.get(at) ?? own;
    way.unshift(at);
  }
  return way;
}

/** Those that have not succeeded yet, if there are any. Their change of status brings this Upgrade back. */
export function dependencyWait({ upgrade, upgradeNamed }: Snapshot): Wait | undefined {
  const pending = namesOf(upgrade)
    .map((name) => upgradeNamed?.(name))
    .filter((named) => named !== undefined);
  const [first, ...others] = pending.filter((dependency) => !isSucceeded(dependency));
  if (!first) {
    return undefined;
  }
  return {
    reason: 'DependencyNotReady',
    upgrade: first.metadata.name,
    standing: standingOf(first),
    others: others.length,
  };
}

const standingOf = ({ status }: Upgrade): Phase | 'Outdated' =>
  status?.phase === 'Succeeded' ? 'Outdated' : (status?.phase ?? 'Pending');
