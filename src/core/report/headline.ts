/** What `kubectl get upgrades` has room for: the beginning of the sentence, without what only machines read. */
import { cut } from '../../api/cut.ts';

const MOST = 100;
/** A clause that is shorter says too little to end there. */
const LEAST = 30;

/** Registry and path of an image, and most of a digest: name and tag tell it from the one before. */
const shortImages = (sentence: string): string =>
  sentence.replace(/=\S*\//g, '=').replace(/(@sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1');

/** The last place within the room where a clause ends, or -1. */
const clauseEnd = (text: string): number => {
  const ends = ['; ', ': ', ', '].map((separator) => text.lastIndexOf(separator, MOST));
  return Math.max(...ends);
};

/** At most 100 characters, ended at a clause where there is one, else at a word. */
export function headline(sentence: string): string {
  const short = shortImages(sentence);
  if (short.length <= MOST) {
    return short;
  }
  const end = clauseEnd(short);
  if (end >= LEAST) {
    return cut(short, end);
  }
  const word = short.lastIndexOf(' ', MOST - 1);
  return `${cut(short, word >= LEAST ? word : MOST - 1)}…`;
}
