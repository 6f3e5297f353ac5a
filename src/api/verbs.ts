/** What a user can say to an Upgrade by an annotation. */
export type Verb = 'abort' | 'retry' | 'approve' | 'promote';

/** The order in which new ones are obeyed. */
export const VERBS: readonly Verb[] = ['abort', 'retry', 'promote', 'approve'];
