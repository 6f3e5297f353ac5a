/** An error for the person who ran the command. Never shown with a stack trace. */
export class Fault extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

const FILE_ERRORS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'no such file'],
  ['EACCES', 'permission denied'],
  ['EISDIR', 'it is a folder'],
]);

/** The Fault for a file that cannot be read. */
export function unreadableFile(name: string, error: unknown): Fault {
  const { code, message } = error as NodeJS.ErrnoException;
  return new Fault(`cannot read ${name}: ${FILE_ERRORS.get(code) ?? message}`);
}

/** The object was changed since it was read. */
export class Conflict extends Fault {}

/** The API server cannot be reached, or does not respond now: the same request may succeed later. */
export class Unreachable extends Fault {}

/** Exit codes; those from 2 on are for `status` and `probe`. */
export const EXIT = {
  ok: 0,
  /** Usage, connection, or findings of `check` and `lint`. */
  fault: 1,
  fellBack: 2,
  fallbackFailed: 3,
  failed: 4,
  undecided: 5,
  checksFailed: 6,
  interrupted: 130,
} as const;

/** The message for an unexpected error. */
export const bugText = (error: unknown): string =>
  `error: ${error instanceof Error ? error.message : String(error)} (this is a bug in kubectl postcheck; please report it)`;
