/** Whether the check's command in a pod is that of the image: a volume that is mounted over it brings another file. */
import { posix } from 'node:path';
import { own } from '../../api/own.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { VerificationContext } from './context.ts';
import { expectedTries } from './tries.ts';

const isOver = (mount: string, path: string): boolean =>
  mount === '/' || mount === path || path.startsWith(`${mount}/`);

/**
 * A volume over the command of a check that the template does not have. What admission adds elsewhere does not matter. Only a command with an
 * absolute path is compared: which file another one is depends on the environment in the container.
 */
export function mountOverCommand(pod: PodView, context: VerificationContext): Cause | undefined {
  const { templateMounts } = context;
  if (!templateMounts || !pod.containers.some(({ mounts }) => mounts)) {
    return undefined;
  }
  for (const { check, container } of expectedTries(context, pod)) {
    const command = check.exec?.command[0];
    const path = command && posix.isAbsolute(command) ? posix.resolve(command) : undefined;
    const { mounts = [] } = pod.containers.find(({ name }) => name === container) ?? {};
    const added = mounts.find(
      (mount) => path && isOver(mount, path) && !own(templateMounts, container)?.includes(mount),
    );
    if (added) {
      return { reason: 'ForeignPod', container, detail: added };
    }
  }
  return undefined;
}
