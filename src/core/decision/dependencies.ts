/** `spec.dependsOn`: Upgrades that must have Succeeded for their present spec before an attempt starts. */
import type { Phase, Upgrade } from '../../api/types.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Snapshot } from '../snapshot.ts';
import { isForSpec, isPostCheckChanged } from '../status.ts';
import type { Wait } from '../wait.ts';

/** The number of Upgrades that are searched for a cycle: anyone may write thousands that depend on each other. */
const MAX_VISITED = 1000;

/** What a search for a cycle reads of an Upgrade. */
export interface Dependent {
  readonly metadata: Pick<Upgrade['metadata'], 'name'>;
  readonly spec: Pick<Upgrade['spec'], 'dependsOn'>;
}

const namesOf = ({ spec: { dependsOn = [] } }: Pick<Dependent, 'spec'>): string[] =>
  dependsOn.map(({ name }) => name);

/** Whether it has Succeeded for its present spec, and nobody has changed the images since then. */
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

/** A dependency that does not exist, or a cycle. */
export function dependencyObstacle({ upgrade, upgradeNamed: find }: Snapshot): Obstacle | undefined {
  if (!find) {
    return undefined;
  }
  const missing = namesOf(upgrade).find((name) => !find(name));
  if (missing !== undefined) {
    return { reason: 'DependencyNotFound', upgrade: missing, namespace: upgrade.metadata.namespace };
  }
  const cycle = findCycle(upgrade, find);
  return cycle && { reason: 'DependencyCycle', cycle };
}

/** The shortest path from an Upgrade back to itself. */
export function findCycle(
  upgrade: Dependent,
  find: (name: string) => Dependent | undefined,
): string[] | undefined {
  const self = upgrade.metadata.name;
  const cameFrom = new Map<string, string>();
  const queue = [self];
  for (let name = queue.shift(); name !== undefined && cameFrom.size < MAX_VISITED; name = queue.shift()) {
    const at = name === self ? upgrade : find(name);
    for (const next of at ? namesOf(at) : []) {
      if (next === self) {
        return [...pathTo(name, self, cameFrom), self];
      }
      if (!cameFrom.has(next)) {
        cameFrom.set(next, name);
        queue.push(next);
      }
    }
  }
  return undefined;
}

function pathTo(name: string, self: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const path = [name];
  for (let at = name; at !== self; ) {
    at = cameFrom.get(at) ?? self;
    path.unshift(at);
  }
  return path;
}

/** The dependencies that have not succeeded yet, if there are any. A change of their status queues this Upgrade again. */
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
    phase: phaseOf(first),
    others: others.length,
  };
}

const phaseOf = ({ status }: Upgrade): Phase | 'Outdated' =>
  status?.phase === 'Succeeded' ? 'Outdated' : (status?.phase ?? 'Pending');
