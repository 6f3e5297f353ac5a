/** Where the volumes of a container are mounted. */
import { posix } from 'node:path';
import { list, type Raw, record, text } from '../client/json.ts';

/** What is kept for one container. More than that counts as one mount over everything, in a template as in its pods. */
const MOST_CHARACTERS = 8192;
const OVER_EVERYTHING: readonly string[] = ['/'];

/** Every pod has it, and no check is in it. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The paths without detours such as `/usr/../usr/bin/`; nothing for a container without volumes of its own. */
export function mountsOf({ volumeMounts }: Raw): { mounts?: readonly string[] } {
  const paths = list(volumeMounts).map((mount) => text(record(mount).mountPath));
  const own = paths.filter((path) => path !== '' && path !== SERVICE_ACCOUNT);
  if (own.length === 0) {
    return {};
  }
  const isTooMuch = own.reduce((sum, path) => sum + path.length, own.length) > MOST_CHARACTERS;
  return { mounts: isTooMuch ? OVER_EVERYTHING : own.map(plainPath) };
}

/** A relative path is relative to the root. */
const plainPath = (path: string): string => posix.resolve('/', path);
