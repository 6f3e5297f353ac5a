/** The text for a command to an Upgrade, by annotation, and what came of it. */
import {
  ANNOTATIONS,
  type CommandResult,
  hadNoEffect,
  type IneffectiveResult,
  type Verb,
} from '../../api/verbs.ts';
import { clientWord } from './client-word.ts';

const WHY_NOT: Readonly<Record<IneffectiveResult, string>> = {
  NothingToRetry: 'an attempt is running',
  NothingToAbort: 'no attempt is running, and nothing can be rolled back',
  NothingToApprove: 'no stage waits for this approval',
  NothingToPromote: 'no attempt in stages is running',
  OtherAttempt:
    'it does not name the attempt that is running: write its number, and to approve its stage too, as in 3/canary',
  NoSuchStage: 'the attempt has no such stage',
};

/** Such as `postcheck.dev/approve=2 had no effect: no stage waits for this approval (NothingToApprove)`. */
export function commandText(verb: Verb, token: string, result: CommandResult): string {
  const set = `${ANNOTATIONS[verb]}=${clientWord(token)}`;
  return hadNoEffect(result)
    ? `${set} had no effect: ${WHY_NOT[result]} (${result})`
    : `${set} took effect: ${result}`;
}
