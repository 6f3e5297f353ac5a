/** How an exec in a container ended, and what that means for a try of a check. */
import type { Unrunnable } from '../../api/enums.ts';
import { execRefusedText } from '../report/exec-text.ts';
import type { TryOutcome } from './exit-codes.ts';

/** Exactly one of these per try. Only the first four are evidence about the container. */
export type ExecResult =
  | { readonly kind: 'exit'; readonly code: number; readonly output: string }
  /** The container has no such command. */
  | { readonly kind: 'missing' }
  /** The command exists, but the runtime or the kernel could not run it. */
  | { readonly kind: 'unrunnable'; readonly why: Unrunnable }
  /** It started (a first frame was received) and exceeded the time limit. */
  | { readonly kind: 'timeout'; readonly output: string }
  /** The container or pod does not exist, or no longer. */
  | { readonly kind: 'gone'; readonly message: string }
  | ExecRefused
  /** Connection lost, no status, malformed status, handshake time-out. */
  | { readonly kind: 'broken'; readonly message: string };

/** The API server or the kubelet rejected the exec. */
export interface ExecRefused {
  readonly kind: 'refused';
  readonly status: number;
  readonly message: string;
}

/** The outcome of the try that an exec was made for; the caller may word a rejection differently. */
export function outcomeOf(result: ExecResult, wording = execRefusedText): TryOutcome {
  switch (result.kind) {
    case 'exit':
    case 'missing':
    case 'unrunnable':
    case 'timeout':
      return result;
    case 'refused':
      return { kind: 'unreachable', message: wording(result) };
    case 'gone':
    case 'broken':
      return { kind: 'unreachable', message: result.message };
  }
}
