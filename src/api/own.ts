/**
 * The own property of an object under a foreign name, never an inherited one: `constructor` is a valid name of a container.
 */
export const own = <T>(map: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
