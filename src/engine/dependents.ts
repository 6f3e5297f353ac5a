/** Which Upgrades wait for another one (`spec.dependsOn`), so that its change brings them back: nobody polls. */
import type { Upgrade } from '../api/types.ts';
import { isSucceeded } from '../core/decision/dependencies.ts';

/** Upgrades that one change may bring back; a circle is looked for no further either. */
const MOST = 1000;

const keysOf = (upgrade: Upgrade | undefined): string[] =>
  (upgrade?.spec.dependsOn ?? []).map(({ name }) => `${upgrade?.metadata.namespace}/${name}`);

/** All that others decide by. */
const standing = (upgrade: Upgrade | undefined): string =>
  upgrade ? `${upgrade.status?.phase} ${isSucceeded(upgrade)}` : '';

export class Dependents {
  readonly #byDependency = new Map<string, Set<string>>();

  /** Applies a change of one Upgrade. Returns the keys of those that may decide otherwise now. */
  apply(key: string, before: Upgrade | undefined, after: Upgrade | undefined): string[] {
    const [old, now] = [keysOf(before), keysOf(after)];
    for (const dependency of old) {
      this.#remove(dependency, key);
    }
    for (const dependency of now) {
      this.#add(dependency, key);
    }
    // Where one comes, goes or depends on others, a circle may have opened or closed, however far away.
    if (old.join() !== now.join() || !before !== !after) {
      return this.#allOf(key);
    }
    const waiting = this.#byDependency.get(key);
    return !waiting || standing(before) === standing(after) ? [] : [...waiting];
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

  /** Those that depend on it, directly or by others. */
  #allOf(key: string): string[] {
    const found = new Set<string>();
    const queue = [key];
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      for (const dependent of this.#byDependency.get(at) ?? []) {
        if (!found.has(dependent) && found.size < MOST) {
          found.add(dependent);
          queue.push(dependent);
        }
      }
    }
    return [...found];
  }
}
