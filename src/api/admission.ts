/** The API server's words for a request that admission rejected. */
import { cut } from './cut.ts';

/** An error may quote text of any length. */
const LONGEST_SEARCHED = 8192;

/**
 * Whether admission rejected the request that this message is about: a webhook, a policy, or a plugin such as a quota. The first two choose the HTTP
 * status, so only the words distinguish them from the authorizer, which names the user.
 */
export const isByAdmission = (message: string): boolean =>
  /\bdenied (?:the )?request\b|\bis forbidden: (?!User ")/.test(cut(message, LONGEST_SEARCHED));
