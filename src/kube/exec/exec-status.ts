/** Parses the status of an exec. */
import type { Unrunnable } from '../../api/enums.ts';
import { own } from '../../api/own.ts';
import { clean } from '../client/errors.ts';
import { list, type Raw, record, text } from '../client/json.ts';

/** What the status frame of an exec says. */
export type ExecVerdict =
  | { readonly kind: 'exit'; readonly code: number }
  | StartFailure
  | { readonly kind: 'gone' | 'broken'; readonly message: string };

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
    return { kind: 'broken', message: 'the status is neither Success nor Failure' };
  }
  return status.reason === 'NonZeroExitCode' ? exitCode(status) : failure(text(status.message));
}

function exitCode(status: Raw): ExecVerdict {
  const causes = list(record(status.details).causes).map(record);
  const reported = text(causes.find((cause) => cause.reason === 'ExitCode')?.message);
  const code = Number(reported);
  if (/^\d{1,3}$/.test(reported) && code >= 1 && code <= 255) {
    return { kind: 'exit', code };
  }
  return { kind: 'broken', message: `no usable exit code in the status: ${clean(reported) || 'none'}` };
}

/** A runtime's message about a command that it could not start. */
export type StartFailure =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unrunnable'; readonly why: Unrunnable };

const MISSING: StartFailure = { kind: 'missing' };
const unrunnable = (why: Unrunnable): StartFailure => ({ kind: 'unrunnable', why });

/**
 * Messages of runc, crun and youki about a command that cannot be started. "no such file or directory" alone is not enough: a container that ends
 * meanwhile reports it for its cgroup. runc stats the file before it runs it, so a later failure concerns the interpreter.
 */
const START_FAILURES: readonly (readonly [pattern: RegExp, failure: StartFailure])[] = [
  [/exec: "(?:[^"\\]|\\.)*": (?:stat [^:]+: )?(?:no such file or directory|not a directory)/, MISSING],
  [/exec: "(?:[^"\\]|\\.)*": executable file not found/, MISSING],
  [/executable file [`'"][^`'"]*[`'"] not found/i, MISSING],
  [/executable '[^']*' not found/i, MISSING],
  [/open executable: No such file or directory/i, MISSING],
  [/args must not be empty/, MISSING],
  [/exec: "(?:[^"\\]|\\.)*": (?:permission denied|is a directory)/, unrunnable('NotExecutable')],
  [/eaccess [^:]+: permission denied/, unrunnable('NotExecutable')],
  [
    /open executable: (?:Permission denied|Operation not permitted|Is a directory)/i,
    unrunnable('NotExecutable'),
  ],
  [
    /(?:exec container process [`'"][^`'"]*[`'"]|exec user process caused):? "?exec format error/i,
    unrunnable('WrongFormat'),
  ],
  [
    /(?:exec container process [`'"][^`'"]*[`'"]|exec user process caused):? "?no such file or directory/i,
    unrunnable('NoInterpreter'),
  ],
  [
    /(?:exec container process [`'"][^`'"]*[`'"]|exec user process caused):? "?permission denied/i,
    unrunnable('NotExecutable'),
  ],
  [/chdir to cwd [^:]* failed|chdir to `[^`]*`: /, unrunnable('NoWorkingDirectory')],
];

const startFailure = (message: string): StartFailure | undefined =>
  START_FAILURES.find(([pattern]) => pattern.test(message))?.[1];

const ERRNO: Readonly<Record<string, StartFailure>> = {
  'no such file or directory': unrunnable('NoInterpreter'),
  'exec format error': unrunnable('WrongFormat'),
  'permission denied': unrunnable('NotExecutable'),
};

/** Exit codes of a runtime that could not start a command; it writes the reason to the command's output. */
const RUNTIME_CODES: ReadonlySet<number> = new Set([1, 126, 127, 255]);
const RUNTIME_MESSAGE =
  /^(?:OCI runtime exec failed|time="[^"]*" level=error|crun: |executable file |open executable|error: )/i;

/**
 * Recognizes a command that was never run: it returned one of the runtime's codes, and its whole output is a message of the runtime. Code 1 with
 * `exec /usr/bin/x: no such file or directory` comes from runc, whose process had already replaced itself when the kernel rejected the file.
 */
export function neverRan(code: number, output: string, command: string): StartFailure | undefined {
  const line = output.trim();
  if (!RUNTIME_CODES.has(code) || line.includes('\n')) {
    return undefined;
  }
  const prefix = `exec ${command}: `;
  if (line.startsWith(prefix)) {
    return own(ERRNO, line.slice(prefix.length).toLowerCase());
  }
  return RUNTIME_MESSAGE.test(line) ? startFailure(line) : undefined;
}

/** Messages of kubelet, containerd, runc, CRI-O and crun about a container that is not running. */
export const containerGone =
  /container not found|container (?:\S+ )?(?:is )?not (?:running|created)|container is in \S+ state|cannot exec in a (?:deleted|stopped)|cannot exec a container that has stopped|(?:task|process|container) \S+ not found|no such container|no running task|container has (?:stopped|exited)/i;

function failure(message: string): ExecVerdict {
  const failed = startFailure(message);
  if (failed) {
    return failed;
  }
  if (containerGone.test(message)) {
    return { kind: 'gone', message: clean(message) };
  }
  return { kind: 'broken', message: clean(message) || 'failed without a message' };
}
