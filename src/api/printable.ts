/** Text from pods, applications and servers is not trusted: all of it that is stored or shown passes through these functions. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
const TERMINAL_SEQUENCES = /\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g;
// Control characters except tab and line feed, line and paragraph separators, and characters that change the text direction.
const UNPRINTABLE = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Well-formed text without escape sequences, control and direction characters; invalid characters become `?`. Never longer in bytes. */
export function printable(text: string): string {
  return text
    .replace(TERMINAL_SEQUENCES, '')
    .toWellFormed()
    .replace(UNPRINTABLE, '')
    .replaceAll('\uFFFD', '?');
}

/** The text with a space in place of line ends and tabs. */
export const oneLine = (text: string): string => text.replace(/[\r\n\t\u2028\u2029]+/g, ' ');

/** Printable text in one line, with the blanks around it. */
export const printableRow = (text: string): string => printable(oneLine(text));

/** Printable text in one line. */
export const printableLine = (text: string): string => printableRow(text).trim();
