/** Words that a client chose, in our sentences. */
import { cut } from '../../api/cut.ts';
import { printableLine } from '../../api/printable.ts';

/** What names of field managers, images, stages and tokens consist of. */
const PLAIN = /^[\w.:/@+-]+$/;
const MOST = 128;

/** The word, in quotation marks unless it is a plain one: nobody shall take what a client wrote for what we say. */
export function clientWord(word: string): string {
  const line = printableLine(word);
  return PLAIN.test(line) ? line : JSON.stringify(cut(line, MOST));
}
