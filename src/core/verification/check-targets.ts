/** The containers that an Upgrade upgrades, and those that checks run in. */
import type { UpgradeSpec } from '../../api/types.ts';

/** Whether the Upgrade names this container. The image of any other one stays as it is. */
export const isUpgraded = ({ containers }: Pick<UpgradeSpec, 'containers'>, name: string): boolean =>
  containers.some((wanted) => wanted.name === name);

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
