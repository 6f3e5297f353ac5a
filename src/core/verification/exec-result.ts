/** How an exec in a container ended, and what that is to a try of a check. */
import type { Unrunnable } from '../../api/enums.ts';
import { execRefusedText } from '../report/exec-text.ts';
import type { TryOutcome } from './exit-codes.ts';

/** Exactly one of these per try. Only the first four are evidence about the container. */
export type ExecResult =
  | { readonly kind: 'exit'; readonly code: number; readonly output: string }
  /** The container has no such command. */
  | { readonly kind: 'missing' }
  /** It has the command, and the runtime or the kernel could not run it. */
  | { readonly kind: 'unrunnable'; readonly why: Unrunnable }
  /** Started (a first frame came) and ran past the limit. */
  | { readonly kind: 'timeout'; readonly output: string }
  /** The container or pod is not there (any more). */
  | { readonly kind: 'gone'; readonly message: string }
  | ExecRefused
  /** Connection lost, no status, malformed status, handshake time-out. */
  | { readonly kind: 'broken'; readonly message: string };

/** The API server or kubelet said no: status and its text. */
export interface ExecRefused {
  readonly kind: 'refused';
  readonly status: number;
  readonly message: string;
}

/** What an exec is to the try that asked for it; who runs it says what a refusal is called. */
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
