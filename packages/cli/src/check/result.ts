/** One result of `check`: what was checked, or what to do. */

/** `unknown`: the caller has no permission to check this; it is no failure of the installation. */
export type Mark = 'ok' | 'warning' | 'failure' | 'unknown';

export interface CheckResult {
  readonly mark: Mark;
  readonly message: string;
}

export const ok = (message: string): CheckResult => ({ mark: 'ok', message });
export const warning = (message: string): CheckResult => ({ mark: 'warning', message });
export const failure = (message: string): CheckResult => ({ mark: 'failure', message });
export const unknown = (message: string): CheckResult => ({ mark: 'unknown', message });
