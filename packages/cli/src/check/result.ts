/** One result of `check`: what was checked, or what to do. */

import { at } from '../../../../src/kube/client/json.ts';

/** `unknown`: the caller has no permission to check this; it is no failure of the installation. */
export type Mark = 'ok' | 'warning' | 'failure' | 'unknown';

export interface CheckResult {
  readonly mark: Mark;
  readonly message: string;
}

/** An object with this time is served until it is gone, and counts no more. */
export const isDeleting = (raw: unknown): boolean => at(raw, 'metadata', 'deletionTimestamp') !== undefined;

export const ok = (message: string): CheckResult => ({ mark: 'ok', message });
export const warning = (message: string): CheckResult => ({ mark: 'warning', message });
export const failure = (message: string): CheckResult => ({ mark: 'failure', message });
export const unknown = (message: string): CheckResult => ({ mark: 'unknown', message });
