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
 * Parts that are omitted one after the other until the rest fits, or what stands in their place: the pod, the deadline, the container, what the
 * list shows in a column of its own, why the version failed whose fallback did too, that a container waits where a bracket says for what, how the
 * kubelet and its plugins wrap an error, and the word in a bracket for what is said after it. `kubectl describe` and `kubectl postcheck why` show
 * everything.
 */
const OMITTED: readonly (readonly [part: RegExp, instead?: string])[] = [
  [/(?<=^|[;:,] )pod [^\s:]+(?: on [^\s:]+)?(?: \(and \d+ more\))?: /g],
  [/ until the deadline of \w+/g],
  [/ in container [^\s:]+/g],
  [/, verified on \d+ pods?(?=;)/],
  [/, manual intervention is required(?=:)/],
  [/(?<=^The fallback from .+ did not complete: ).+?; the fallback (?:failed too|could not be verified): /],
  [/(?<=^Rolling )\w+ \S+ (?=from |to )/],
  [/\bpods "[^"]+" is forbidden: /],
  [/(?<=^Rolling )from .+? (?=to )/],
  [/(?<=^No verdict on .+ yet): \d+ of \d+ pods? passed(?=;)/],
  [/(?<=\bnot ready): container \S+ is (?:ContainerCreating|PodInitializing|not started)(?= \()/g],
  [/\brpc error: code = \w+ desc = /g],
  [/\b\w+Volume\.\w+ failed for volume ("[^"]+") : ?/g, 'volume $1: '],
  [/\bUnable to attach or mount volumes: (?=unmounted)/g],
  [/, unattached volumes=\[[^\]]*\]/g],
  [/(?<=\(FailedCreatePodSandBox: )Failed to create pod sandbox: /gi],
  [/ for sandbox "[0-9a-f\u2026]+"/g],
  [/(?<=\()[A-Z]\w+: (?=[^()]*\))/g],
];

/** What precedes a bracket that alone says why. */
const WHY = /\b(?:not ready|cannot start|returned no result) \(/g;

/** Omits a clause in brackets that would not be closed, or closes it if too little would be left without it. */
function closed(text: string): string {
  const open = text.lastIndexOf(' (');
  if (open < 0 || text.includes(')', open)) {
    return text;
  }
  return open >= MIN_LENGTH ? text.slice(0, open) : `${text}…)`;
}

/** At most 100 characters, cut at the end of a clause if possible, or else of a word. */
export function headline(sentence: string): string {
  const short = OMITTED.reduce(
    (text, [part, instead = '']) => (text.length <= MAX_LENGTH ? text : text.replace(part, instead)),
    shortImages(sentence),
  );
  return short.length <= MAX_LENGTH ? short : shortened(short);
}

/** How many characters of a reason say something. */
const MIN_REASON = 15;

/** The sentence is cut within its reason, which is kept as far as there is room. */
function withReason(short: string): string | undefined {
  const start = [...short.matchAll(WHY)]
    .map(({ index, 0: before }) => index + before.length)
    .findLast((at) => at + MIN_REASON < MAX_LENGTH);
  if (start === undefined || short.slice(start, MAX_LENGTH).includes(')')) {
    return undefined;
  }
  const word = short.lastIndexOf(' ', MAX_LENGTH - 2);
  const text = cut(short, word >= start + MIN_REASON ? word : MAX_LENGTH - 2);
  return `${text.replace(/[\s:,;]+$/, '')}…)`;
}

function shortened(short: string): string {
  const reason = withReason(short);
  if (reason !== undefined) {
    return reason;
  }
  const end = clauseEnd(short);
  if (end >= MIN_LENGTH) {
    return closed(cut(short, end));
  }
  const word = short.lastIndexOf(' ', MAX_LENGTH - 1);
  return `${cut(short, word >= MIN_LENGTH ? word : MAX_LENGTH - 1)}…`;
}
