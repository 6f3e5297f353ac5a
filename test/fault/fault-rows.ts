/** Every fault that is injected between the operator and a real API server: its row in the table of faults, its name, and what it does. */

import * as faults from './faults.ts';
import type { Fault } from './proxy.ts';
import { isAct, type SentRequest } from './sent-request.ts';
import type { Chosen, PlayOptions, StoryRun } from './story-run.ts';

export interface Row {
  /** The row in the table of docs/reliability.md. */
  readonly id: string;
  readonly name: string;
  readonly options: () => PlayOptions;
  /** What has to hold besides the story's ending. */
  readonly holds?: (sent: readonly SentRequest[]) => string | undefined;
}

type Choose = NonNullable<PlayOptions['choose']>;

/** The fault for the first `times` tries of each write; a retry has the same object and the same purpose. */
function onWrites(fault: Fault, times = 1, of: (sent: SentRequest) => boolean = isAct): () => PlayOptions {
  return () => {
    const seen = new Map<string, number>();
    const choose: Choose = (sent) => {
      if (!of(sent)) {
        return undefined;
      }
      const key = `${sent.verb} ${sent.resource} ${sent.name} ${/"phase":"(\w+)"/.exec(sent.body)?.[1]}`;
      const count = (seen.get(key) ?? 0) + 1;
      seen.set(key, count);
      return count <= times ? { fault } : undefined;
    };
    return { choose, limitMs: 150_000 };
  };
}

const on =
  (
    verb: SentRequest['verb'],
    fault: (sent: SentRequest, nth: number) => Fault | undefined,
  ): (() => PlayOptions) =>
  () => {
    const seen = new Map<string, number>();
    const choose: Choose = (sent): Chosen | undefined => {
      if (sent.verb !== verb) {
        return undefined;
      }
      const nth = (seen.get(sent.resource) ?? 0) + 1;
      seen.set(sent.resource, nth);
      const chosen = fault(sent, nth);
      return chosen && { fault: chosen };
    };
    return { choose, limitMs: 150_000 };
  };

const every = (ms: number, act: (play: StoryRun) => void, times: number) => async (play: StoryRun) => {
  for (let i = 0; i < times; i++) {
    await new Promise((done) => setTimeout(done, ms));
    act(play);
  }
};

/** Each kind of watch is begun again once a second at most, after a first burst. */
function fewWatches(sent: readonly SentRequest[]): string | undefined {
  const [first, last] = [sent[0], sent.at(-1)];
  const seconds = ((last?.at ?? 0) - (first?.at ?? 0)) / 1000;
  const counts = Map.groupBy(
    sent.filter(({ verb }) => verb === 'watch'),
    ({ resource }) => resource,
  );
  const most = Math.max(0, ...[...counts.values()].map(({ length }) => length));
  return most > seconds + 8 ? `a watch was begun ${most} times in ${seconds} s` : undefined;
}

/** After a 429 nothing is asked of the kind that it holds up until the time is over. */
const waits =
  (ms: number) =>
  (sent: readonly SentRequest[]): string | undefined => {
    const acts = sent.filter(isAct);
    const [first, second] = acts;
    const between = (second?.at ?? Number.POSITIVE_INFINITY) - (first?.at ?? 0);
    return between < ms - 50 ? `asked again after ${between} ms instead of ${ms}` : undefined;
  };

/** As the API server says it for all requests: in plain text. A Status would speak for the one object. */
const status429 = (retryAfter?: string) =>
  faults.refused({
    status: 429,
    headers: {
      'content-type': 'text/plain',
      ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
    },
    body: 'Too many requests, please try again later.',
  });
const first429 = (retryAfter?: () => string | undefined) => () => {
  let given = false;
  const choose: Choose = (sent) => {
    if (!isAct(sent) || given) {
      return undefined;
    }
    given = true;
    return { fault: status429(retryAfter?.()) };
  };
  return { choose };
};
const inTwoSeconds = () => new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000).toUTCString();
const WATCH_ENDS: readonly faults.WatchEnd[] = [
  'eof', 'reset', 'half a line', 'garbage', 'ERROR 410', 'ERROR 500', 'ERROR of no kind',
]; // biome-ignore format: a list
const REFUSALS = [401, 403, 410, 429, 500, 503] as const;

export const ROWS: readonly Row[] = [
  { id: 'F15', name: 'each write is lost before it is done', options: onWrites(faults.lostBefore) },
  { id: 'F15', name: 'each write is done and its answer lost', options: onWrites(faults.lostAfter) },
  { id: 'F15', name: 'each write is done and half of its answer lost', options: onWrites(faults.lostAmid) },
  { id: 'F15', name: 'each write is done twice', options: onWrites(faults.doneTwice) },
  { id: 'F15', name: 'each write is done and answered 503', options: onWrites(faults.doneThenRefused(faults.refusal(503))) },
  { id: 'F14', name: 'each write is answered 500', options: onWrites(faults.refused(faults.refusal(500))) },
  { id: 'F14', name: 'each write is answered 502 in HTML', options: onWrites(faults.refused(faults.BAD_GATEWAY)) },
  { id: 'F14', name: 'each write is answered 504, twice', options: onWrites(faults.refused(faults.refusal(504)), 2) },
  { id: 'F11', name: 'each write is answered 409, twice', options: onWrites(faults.refused(faults.refusal(409)), 2) },
  { id: 'F14', name: 'each answer is cut short', options: onWrites(faults.corrupted((body) => body.slice(0, 100))) },
  { id: 'F14', name: 'each answer is an empty list', options: onWrites(faults.corrupted(() => '[]')) },
  { id: 'F14', name: 'each answer is null', options: onWrites(faults.corrupted(() => 'null')) },
  { id: 'F17', name: 'each write is done 1.5 s late', options: onWrites(faults.lateBefore(1500)) },
  { id: 'F17', name: 'each write is answered 1.5 s late', options: onWrites(faults.lateAfter(1500)) },
  { id: 'F17', name: 'each answer comes in drops', options: onWrites(faults.trickled(100, 10)) },
  { id: 'F17', name: 'the first write is never answered', options: onWrites(faults.doneUnanswered, 1, (asked) => asked.resource === 'deployments') },
  { id: 'F13', name: '429 without Retry-After', options: first429(), holds: waits(1000) },
  { id: 'F13', name: '429 with Retry-After: 2', options: first429(() => '2'), holds: waits(2000) },
  { id: 'F13', name: '429 with a date', options: first429(inTwoSeconds), holds: waits(2000) },
  { id: 'F13', name: '429 with Retry-After: 0', options: first429(() => '0') },
  { id: 'F13', name: '429 with Retry-After: -5', options: first429(() => '-5') },
  { id: 'F13', name: '429 with Retry-After: 1.5', options: first429(() => '1.5') },
  { id: 'F13', name: '429 with Retry-After: soon', options: first429(() => 'soon'), holds: waits(1000) },
  ...WATCH_ENDS.map((end) => ({
    id: end === 'eof' ? 'F9' : 'F8',
    name: `every watch ends after each third line: ${end}`,
    options: on('watch', () => faults.watchEnds(end, 3)),
    holds: fewWatches,
  })),
  ...REFUSALS.map((status) => ({
    id: 'F8',
    name: `the first two tries of every watch are answered ${status}`,
    options: on('watch', (_asked, nth) => (nth <= 2 ? faults.refused(faults.refusal(status)) : undefined)),
  })),
  { id: 'F7', name: 'every line of every watch comes twice', options: on('watch', () => faults.watchRepeats) },
  { id: 'F14', name: 'all connections are cut every 0.7 s', options: () => ({ meddle: every(700, ({ proxy }) => proxy.cutAll(), 8), limitMs: 150_000 }) },
  { id: 'F8', name: 'the server says GOAWAY every 0.7 s', options: () => ({ meddle: every(700, ({ proxy }) => proxy.goAway(), 8) }), holds: fewWatches },
  { id: 'F22', name: 'the first exec in each pod is answered 500', options: on('exec', firstOfEach(faults.refused(faults.refusal(500)))) },
  { id: 'F22', name: 'the first exec in each pod is answered 404', options: on('exec', firstOfEach(faults.refused(faults.refusal(404)))) },
  { id: 'F21', name: 'the first exec in each pod is cut before it is answered', options: on('exec', firstOfEach(faults.lostBefore)) },
  { id: 'F13', name: 'the first exec in each pod is answered 429', options: on('exec', firstOfEach(status429('1'))) },
]; // biome-ignore format: a table

function firstOfEach(fault: Fault): (sent: SentRequest, nth: number) => Fault | undefined {
  const seen = new Set<string>();
  return ({ namespace, name }) => {
    const key = `${namespace}/${name}`;
    if (seen.has(key)) {
      return undefined;
    }
    seen.add(key);
    return fault;
  };
}
