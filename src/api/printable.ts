/** Text from pods, applications and servers is not trusted: all of it that is stored or shown passes through these functions. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
const TERMINAL_SEQUENCES = /\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g;
/** Control characters, line and paragraph separators, and all that nobody sees, such as direction marks and blanks without a width. */
const UNSEEN = String.raw`\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb`;
/** Emoji and some scripts need joiners and variation selectors, after a character that is seen; none of them is ASCII. */
const JOINED = String.raw`[^\0-\x7f${UNSEEN}]`;
/**
 * What could change how a terminal shows the text around it, hide in a word so that it is not found, or carry a text of its own to whatever reads the
 * message. Tabs and line feeds stay.
 */
const UNPRINTABLE = new RegExp(
  String.raw`(?![\t\n\u200c\u200d\ufe0e\ufe0f])[${UNSEEN}]|(?<!${JOINED})[\u200c\ufe0e\ufe0f]|(?<!${JOINED}\ufe0f?)\u200d`,
  'gu',
);

/** Well-formed text without escape sequences, control and invisible characters; invalid characters become `?`. Never longer in bytes. */
export function printable(text: string): string {
  return text
    .replace(TERMINAL_SEQUENCES, '')
    .toWellFormed()
    .replaceAll('\uFFFD', '?')
    .replace(UNPRINTABLE, '');
}

/** The text with a space in place of line ends and tabs. */
export const oneLine = (text: string): string => text.replace(/[\r\n\t\u2028\u2029]+/g, ' ');

/** Printable text in one line, with the blanks around it. */
export const printableRow = (text: string): string => printable(oneLine(text));

/** Printable text in one line. */
export const printableLine = (text: string): string => printableRow(text).trim();
