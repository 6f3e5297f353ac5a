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

/** Everything but an exit code. */
type NoExit = Exclude<ExecVerdict, { readonly kind: 'exit' }>;

/**
 * Reads the status frame (channel 3). Only `details` decides about exit codes: messages differ between protocol versions.
 * A failure without an exit code, and a code that no operating system has, is no evidence.
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
  if (/^-?[1-9]\d{0,9}$/.test(reported) && code >= -(2 ** 31) && code < 2 ** 32) {
    return { kind: 'exit', code: signed(code) };
  }
  return { kind: 'broken', message: `no usable exit code in the status: ${clean(reported) || 'none'}` };
}

/** Codes of Windows have 32 bits: an access violation ends a program with 3221225477, which is stored as -1073741819. */
const signed = (code: number): number => Math.trunc(code) | 0;

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
  [
    /exec: "(?:[^"\\]|\\.)*": (?:permission denied|operation not permitted|is a directory)/,
    unrunnable('NotExecutable'),
  ],
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

/** What the kernel says of a file that it cannot run. Everything else, such as a lack of processes or memory, is not about the file. */
const ERRNO: Readonly<Record<string, StartFailure>> = {
  'no such file or directory': unrunnable('NoInterpreter'),
  'exec format error': unrunnable('WrongFormat'),
  'permission denied': unrunnable('NotExecutable'),
  'operation not permitted': unrunnable('NotExecutable'),
};

/** Exit codes of a runtime that could not start a command; it writes the reason to the command's output. */
const RUNTIME_CODES: ReadonlySet<number> = new Set([1, 126, 127, 128, 255]);
/** How the messages of runc, Docker and crun begin that no other program prints. */
const OCI_MESSAGE =
  /^(?:(?:rpc error: code = \S+ desc = )?(?:OCI runtime exec failed|oci runtime error): |time="[^"]*" level=error msg="exec failed: |crun: )/;
/** How messages begin that other programs may print too. */
const RUNTIME_MESSAGE = /^(?:time="[^"]*" level=error|executable file |open executable|error: )/i;

/**
 * Recognizes a command that was never run: it returned one of the runtime's codes, and its whole output is a message of the runtime. Code 1 with
 * `exec /usr/bin/x: no such file or directory` comes from runc, whose process had already replaced itself when the kernel rejected the file.
 * If the message is not about the command, nothing is known about it.
 */
export function neverRan(code: number, output: string, command: string): NoExit | undefined {
  const line = output.trim();
  if (!RUNTIME_CODES.has(code) || line.includes('\n')) {
    return undefined;
  }
  const prefix = `exec ${command}: `;
  if (line.startsWith(prefix)) {
    return own(ERRNO, line.slice(prefix.length).toLowerCase()) ?? { kind: 'broken', message: clean(line) };
  }
  if (OCI_MESSAGE.test(line)) {
    return failure(line);
  }
  return RUNTIME_MESSAGE.test(line) ? startFailure(line) : undefined;
}

/** Messages of kubelet, containerd, runc, CRI-O and crun about a container that is not running. */
export const containerGone =
  /container not found|container (?:\S+ )?(?:is )?not (?:running|created)|container is in \S+ state|cannot exec in a (?:deleted|stopped)|cannot exec a container that has stopped|(?:task|process|container) \S+ not found|no such container|no running task|container has (?:stopped|exited)/i;

function failure(message: string): NoExit {
  const failed = startFailure(message);
  if (failed) {
    return failed;
  }
  if (containerGone.test(message)) {
    return { kind: 'gone', message: clean(message) };
  }
  return { kind: 'broken', message: clean(message) || 'failed without a message' };
}
