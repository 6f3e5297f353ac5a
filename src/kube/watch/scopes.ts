/** Merges the watches of several namespaces. */
import type { WatchEvent } from '../../engine/ports.ts';

/**
 * Merges the events of several namespaces. `synced` replaces everything, so it is delivered only after every namespace has been listed, and
 * then with the objects of all of them. Returns one sink for each namespace.
 */
export function mergeScopes<T>(
  scopes: number,
  keyOf: (object: T) => string,
  sink: (event: WatchEvent<T>) => void,
): ((event: WatchEvent<T>) => void)[] {
  const known: (Map<string, T> | undefined)[] = Array.from({ length: scopes }, () => undefined);
  const complete = (): boolean => known.every((scope) => scope !== undefined);
  return known.map((_, index) => (event) => {
    if (event.type === 'synced') {
      known[index] = new Map(event.items.map((object) => [keyOf(object), object]));
      const items = known.flatMap((scope) => [...(scope?.values() ?? [])]);
      if (complete()) {
        sink({ type: 'synced', items, resourceVersion: event.resourceVersion });
      }
      return;
    }
    if (event.type === 'delete') {
      known[index]?.delete(keyOf(event.object));
    } else {
      known[index]?.set(keyOf(event.object), event.object);
    }
    if (complete()) {
      sink(event);
    }
  });
}
