/** Indexes which Upgrades wait for another one (`spec.dependsOn`), so that a change of it enqueues them and nothing has to poll. */
import type { Upgrade } from '../api/types.ts';
import { isSucceeded } from '../core/decision/dependencies.ts';

/** Limit of the Upgrades that one change may enqueue; cycles are searched no further either. */
const MAX_DEPENDENTS = 1000;

const keysOf = (upgrade: Upgrade | undefined): string[] =>
  (upgrade?.spec.dependsOn ?? []).map(({ name }) => `${upgrade?.metadata.namespace}/${name}`);

/** Everything about an Upgrade that the decisions of its dependents use. */
const relevantState = (upgrade: Upgrade | undefined): string =>
  upgrade ? `${upgrade.status?.phase} ${isSucceeded(upgrade)}` : '';

export class Dependents {
  readonly #byDependency = new Map<string, Set<string>>();

  /** Applies a change of one Upgrade. Returns the keys of the Upgrades whose decision may change because of it. */
  apply(key: string, before: Upgrade | undefined, after: Upgrade | undefined): string[] {
    const [old, now] = [keysOf(before), keysOf(after)];
    for (const dependency of old) {
      this.#remove(dependency, key);
    }
    for (const dependency of now) {
      this.#add(dependency, key);
    }
    // If one is created, deleted or depends on others, a cycle may have opened or closed anywhere above it.
    if (old.join() !== now.join() || !before !== !after) {
      return this.#allDependentsOf(key);
    }
    const waiting = this.#byDependency.get(key);
    return !waiting || relevantState(before) === relevantState(after) ? [] : [...waiting];
  }

  #add(dependency: string, key: string): void {
    const keys = this.#byDependency.get(dependency) ?? new Set();
    this.#byDependency.set(dependency, keys.add(key));
  }

  #remove(dependency: string, key: string): void {
    const keys = this.#byDependency.get(dependency);
    keys?.delete(key);
    if (keys?.size === 0) {
      this.#byDependency.delete(dependency);
    }
  }

  /** The Upgrades that depend on it, directly or indirectly. */
  #allDependentsOf(key: string): string[] {
    const found = new Set<string>();
    const queue = [key];
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      for (const dependent of this.#byDependency.get(at) ?? []) {
        if (!found.has(dependent) && found.size < MAX_DEPENDENTS) {
          found.add(dependent);
          queue.push(dependent);
        }
      }
    }
    return [...found];
  }
}
