/** The verbs: commands to an Upgrade by annotation, and their results. */
import type { Phase } from './enums.ts';
import { ABORT_ANNOTATION, APPROVE_ANNOTATION, PROMOTE_ANNOTATION, RETRY_ANNOTATION } from './names.ts';

/** A verb, as in the name of its annotation. */
export type Verb = 'abort' | 'retry' | 'approve' | 'promote';

/** The order in which new commands take effect. */
export const VERBS: readonly Verb[] = ['abort', 'retry', 'promote', 'approve'];

/** The annotation of each verb; its value is the token. */
export const ANNOTATIONS: Readonly<Record<Verb, string>> = {
  abort: ABORT_ANNOTATION,
  retry: RETRY_ANNOTATION,
  approve: APPROVE_ANNOTATION,
  promote: PROMOTE_ANNOTATION,
};

/** The result of a command. */
export type CommandResult = IneffectiveResult | EffectiveResult;
type EffectiveResult =
  /** It was set before the first attempt, and was ignored. */
  | 'SeenAtStart'
  | `Attempt${number}`
  | 'Approved'
  | 'Promoted'
  /** The phase of the Upgrade after an abort. */
  | Phase;
/** The results of commands that changed nothing. */
export type IneffectiveResult = keyof typeof INEFFECTIVE;

const INEFFECTIVE = {
  NothingToRetry: true,
  NothingToAbort: true,
  NothingToApprove: true,
  NothingToPromote: true,
  OtherAttempt: true,
  NoSuchStage: true,
} as const;

/** Whether a command with this result changed nothing. */
export const hadNoEffect = (result: CommandResult): result is IneffectiveResult =>
  Object.hasOwn(INEFFECTIVE, result);
