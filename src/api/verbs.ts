/** What a user can say to an Upgrade by an annotation. */
export type Verb = 'abort' | 'retry' | 'approve' | 'promote';

/** The order in which new ones are obeyed. */
export const VERBS: readonly Verb[] = ['abort', 'retry', 'promote', 'approve'];

/** A command whose recorded result is this one changed nothing. */
export const hadNoEffect = (result: string): boolean =>
  /^(NothingTo|OtherAttempt$|NoSuchStage$)/.test(result);
