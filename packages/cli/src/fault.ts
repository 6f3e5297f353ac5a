/** What stops a command, in words for the person who typed it. Never shown with a stack. */
export class Fault extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The object has changed since it was read. */
export class Conflict extends Fault {}

/** Exit codes; `status` and `probe` have the larger ones. */
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
