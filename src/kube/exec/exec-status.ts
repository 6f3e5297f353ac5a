import { clean } from '../client/errors.ts';
import { list, type Raw, record, text } from '../client/json.ts';

/** What the status frame of an exec says. */
export type ExecVerdict =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'missing' | 'gone' | 'broken'; readonly message: string };

/**
 * Reads the status frame (channel 3). Only `details` decides about exit codes: messages differ between protocol versions.
 * A code outside 0–255, and a failure without a code that no runtime is known to send, is no evidence.
 */
export function readExecStatus(frame: string): ExecVerdict {
  let status: Raw;
  try {
    status = record(JSON.parse(frame));
  } catch {
    return { kind: 'broken', message: 'the status is not JSON' };
  }
  if (status.status === 'Success') {
    return { kind: 'exit', code: 0 };
  }
  if (status.status !== 'Failure') {
    return { kind: 'broken', message: 'the status says neither Success nor Failure' };
  }
  return status.reason === 'NonZeroExitCode' ? exitCode(status) : failure(text(status.message));
}

function exitCode(status: Raw): ExecVerdict {
  const causes = list(record(status.details).causes).map(record);
  const said = text(causes.find((cause) => cause.reason === 'ExitCode')?.message);
  const code = Number(said);
  if (/^\d{1,3}$/.test(said) && code >= 1 && code <= 255) {
    return { kind: 'exit', code };
  }
  return { kind: 'broken', message: `no usable exit code in the status: ${clean(said) || 'none'}` };
}

/**
 * How runc tells that the command itself is the trouble: `exec: "CMD": stat CMD: no such file or directory` and the like. The words alone are not
 * enough: a container that dies meanwhile gives "no such file or directory" for its cgroup.
 */
const runcMissing =
  /exec: "(?:[^"\\]|\\.)*": (?:stat [^:]+: )?(?:no such file or directory|permission denied|is a directory|executable file not found)/;
/** crun's words for the same. */
const crunMissing =
  /executable file [`'"][^`'"]*[`'"] not found|open executable: (?:Permission denied|No such file or directory|Is a directory)/i;
const NO_COMMAND = /args must not be empty/;

/** Words of kubelet, containerd, runc, CRI-O and crun for a container that does not run. */
export const containerGone =
  /container not found|container (?:\S+ )?(?:is )?not (?:running|created)|container is in \S+ state|cannot exec in a (?:deleted|stopped)|cannot exec a container that has stopped|(?:task|process|container) \S+ not found|no such container|no running task|container has (?:stopped|exited)/i;

function failure(message: string): ExecVerdict {
  const said = clean(message);
  if ([runcMissing, crunMissing, NO_COMMAND].some((pattern) => pattern.test(message))) {
    return { kind: 'missing', message: said };
  }
  if (containerGone.test(message)) {
    return { kind: 'gone', message: said };
  }
  return { kind: 'broken', message: said || 'failed without a message' };
}
