/**
 * What the object itself holds under a name that a user, a pod or a peer chose, and never what every object inherits:
 * `constructor` is a valid name of a container.
 */
export const own = <T>(map: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
