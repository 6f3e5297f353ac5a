/** What `kubectl get upgrades` has room for: the beginning of the sentence, without what only machines read. What happened comes before where. */
import { cut } from '../../api/cut.ts';

const MOST = 100;
/** A clause that is shorter says too little to end there. */
const LEAST = 30;

/** Registry and path of an image, and most of a digest: name and tag tell it from the one before. */
const shortImages = (sentence: string): string =>
  sentence.replace(/=\S*\//g, '=').replace(/(@sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1');

/** The last place within the room where a clause ends, or -1. */
function clauseEnd(text: string): number {
  const ends = ['; ', ': ', ', ', ' ('].map((separator) => text.lastIndexOf(separator, MOST));
  return Math.max(...ends);
}

/**
 * What is left out, one after the other, until the rest has room: which pod it was, until when, in which container, and what the
 * list has in a column of its own. `describe` and `why` have it all.
 */
const LEFT_OUT: readonly RegExp[] = [
  /\bpod [^\s:]+(?: on [^\s:]+)?(?: \(and \d+ more\))?: /g,
  / until the deadline of \w+/g,
  / in container [^\s:]+/g,
  /, verified on \d+ pods?(?=;)/,
  /, manual intervention is required(?=:)/,
  /(?<=^Rolling )\w+ \S+ (?=from |to )/,
  /\bpods "[^"]+" is forbidden: /,
  /(?<=^Rolling )from .+? (?=to )/,
];

/** No bracket is left open. */
function closed(text: string): string {
  const open = text.lastIndexOf(' (');
  return open >= LEAST && !text.includes(')', open) ? text.slice(0, open) : text;
}

/** At most 100 characters, ended at a clause where there is one, else at a word. */
export function headline(sentence: string): string {
  const short = LEFT_OUT.reduce(
    (text, part) => (text.length <= MOST ? text : text.replace(part, '')),
    shortImages(sentence),
  );
  return short.length <= MOST ? short : beginningOf(short);
}

function beginningOf(short: string): string {
  const end = clauseEnd(short);
  if (end >= LEAST) {
    return closed(cut(short, end));
  }
  const word = short.lastIndexOf(' ', MOST - 1);
  return `${cut(short, word >= LEAST ? word : MOST - 1)}…`;
}
