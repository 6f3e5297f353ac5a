/** What a pod, an application or a server has said is text of unknown intent: everything of it that is kept or shown passes through here. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
const TERMINAL_SEQUENCES = /\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g;
// Control characters but tab and line feed, line and paragraph separators, and all that turn the direction of what follows.
const UNPRINTABLE = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Well-formed text without escape sequences, control and direction characters; what was no character becomes `?`. Never longer in bytes. */
export function printable(text: string): string {
  return text
    .replace(TERMINAL_SEQUENCES, '')
    .toWellFormed()
    .replace(UNPRINTABLE, '')
    .replaceAll('\uFFFD', '?');
}

/** The same as one line. */
export function printableLine(text: string): string {
  return printable(text.replace(/[\r\n\t\u2028\u2029]+/g, ' ')).trim();
}
