/** The containers that checks run in. */
import type { UpgradeSpec } from '../../api/types.ts';
import { isUpgraded } from '../images.ts';

/** The containers that a check runs in. Init containers have ended by then, and the condition Initialized says that they succeeded. */
export function checkTargets(
  spec: UpgradeSpec,
  names: readonly string[] | undefined,
  containers: readonly { name: string; role: string }[],
): string[] {
  const running = containers.filter(({ role }) => role !== 'init').map(({ name }) => name);
  if (names?.includes('*')) {
    return running;
  }
  if (names) {
    return [...names];
  }
  const upgraded = running.filter((name) => isUpgraded(spec, name));
  if (upgraded.length > 0) {
    return upgraded;
  }
  return containers.filter(({ role }) => role === 'regular').map(({ name }) => name);
}
