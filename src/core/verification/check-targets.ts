/** Where checks run. */
import type { UpgradeSpec } from '../../api/types.ts';

/** Containers that a check runs in. Classic init containers have ended and cannot be asked: that the pod is Initialized says that they ended well. */
export function checkTargets(
  spec: UpgradeSpec,
  names: readonly string[] | undefined,
  containers: readonly { name: string; role: string }[],
): string[] {
  const askable = containers.filter(({ role }) => role !== 'init').map(({ name }) => name);
  if (names?.includes('*')) {
    return askable;
  }
  if (names) {
    return [...names];
  }
  const upgraded = askable.filter((name) => spec.containers.some((wanted) => wanted.name === name));
  if (upgraded.length > 0) {
    return upgraded;
  }
  return containers.filter(({ role }) => role === 'regular').map(({ name }) => name);
}
