/** The verbs: what a user can say to an Upgrade by an annotation, and what came of it. */
import type { Phase } from './enums.ts';
import { ABORT_ANNOTATION, APPROVE_ANNOTATION, PROMOTE_ANNOTATION, RETRY_ANNOTATION } from './names.ts';

/** A verb, as the name of its annotation has it. */
export type Verb = 'abort' | 'retry' | 'approve' | 'promote';

/** The order in which new ones are obeyed. */
export const VERBS: readonly Verb[] = ['abort', 'retry', 'promote', 'approve'];

/** The annotation of each verb; its value is the token. */
export const ANNOTATIONS: Readonly<Record<Verb, string>> = {
  abort: ABORT_ANNOTATION,
  retry: RETRY_ANNOTATION,
  approve: APPROVE_ANNOTATION,
  promote: PROMOTE_ANNOTATION,
};

/** What came of a command. */
export type CommandResult = FruitlessResult | FruitfulResult;
type FruitfulResult =
  /** It was there before the first attempt, and is an old one. */
  | 'SeenAtStart'
  | `Attempt${number}`
  | 'Approved'
  | 'Promoted'
  /** Where the Upgrade stands after an abort. */
  | Phase;
type FruitlessResult = keyof typeof FRUITLESS;

const FRUITLESS = {
  NothingToRetry: true,
  NothingToAbort: true,
  NothingToApprove: true,
  NothingToPromote: true,
  OtherAttempt: true,
  NoSuchStage: true,
} as const;

/** A command whose recorded result is this one changed nothing. */
export const hadNoEffect = (result: CommandResult): boolean => Object.hasOwn(FRUITLESS, result);
