/** The headline for `kubectl get upgrades`: the beginning of the message, shortened to what matters most. */
import { cut } from '../../api/cut.ts';

const MAX_LENGTH = 100;
/** The headline does not end at a clause before this length, because it would say too little. */
const MIN_LENGTH = 55;

/** Omits the registry and path of images, and most of a digest: name and tag distinguish them from the previous ones. */
const shortImages = (sentence: string): string =>
  sentence.replace(/=\S*\//g, '=').replace(/(@sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1');

/** The last index within the maximum length where a clause ends, or -1. */
function clauseEnd(text: string): number {
  const ends = ['; ', ': ', ', ', ' ('].map((separator) => text.lastIndexOf(separator, MAX_LENGTH));
  return Math.max(...ends);
}

/**
 * Parts that are omitted one after the other until the rest fits: the pod, the deadline, the container, what the list shows in a column of its
 * own, and the word in a bracket for what is said after it. `kubectl describe` and `kubectl postcheck why` show everything.
 */
const OMITTED: readonly RegExp[] = [
  /\bpod [^\s:]+(?: on [^\s:]+)?(?: \(and \d+ more\))?: /g,
  / until the deadline of \w+/g,
  / in container [^\s:]+/g,
  /, verified on \d+ pods?(?=;)/,
  /, manual intervention is required(?=:)/,
  /(?<=^Rolling )\w+ \S+ (?=from |to )/,
  /\bpods "[^"]+" is forbidden: /,
  /(?<=^Rolling )from .+? (?=to )/,
  /(?<=^No verdict on .+ yet): \d+ of \d+ pods? passed(?=;)/,
  /(?<=\()[A-Z]\w+: (?=[^()]*\))/g,
];

/** Omits a clause in brackets that would not be closed. */
function closed(text: string): string {
  const open = text.lastIndexOf(' (');
  return open >= MIN_LENGTH && !text.includes(')', open) ? text.slice(0, open) : text;
}

/** At most 100 characters, cut at the end of a clause if possible, or else of a word. */
export function headline(sentence: string): string {
  const short = OMITTED.reduce(
    (text, part) => (text.length <= MAX_LENGTH ? text : text.replace(part, '')),
    shortImages(sentence),
  );
  return short.length <= MAX_LENGTH ? short : shortened(short);
}

function shortened(short: string): string {
  const end = clauseEnd(short);
  if (end >= MIN_LENGTH) {
    return closed(cut(short, end));
  }
  const word = short.lastIndexOf(' ', MAX_LENGTH - 1);
  return `${cut(short, word >= MIN_LENGTH ? word : MAX_LENGTH - 1)}…`;
}
