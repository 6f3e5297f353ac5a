/** Reads one stream of a reflector. */
import { isNewer } from '../../api/resource-version.ts';
import type { RequestFailure, WatchEvent, WatchFailure } from '../../engine/ports.ts';
import { errorText, failureOf } from '../client/errors.ts';
import { at, text } from '../client/json.ts';
import { pathOf } from '../client/paths.ts';
import type { Requests } from '../client/request.ts';
import type { OpenStream, StreamClient } from '../client/stream-client.ts';
import { type Listing, listPages } from './list-pages.ts';
import { type Ending, type Lines, next, type Stop, shortBody, stopOf } from './watch-ending.ts';
import type { WatchLine } from './watch-line.ts';
import { watchLines } from './watch-stream.ts';

export interface SessionTiming {
  /** Silence after which a watch counts as dead although its connection answers pings; bookmarks come every one or two minutes. */
  readonly silentMs: number;
  /** The same on a connection without pings. Watches there are renewed 5 s sooner, so that silence is never normal. */
  readonly silentUnpingedMs: number;
  /** The server ends a watch after this, spread by a quarter upwards. */
  readonly renewMs: number;
  /** At the first end after this time everything is listed again, in case changes were lost unnoticed. */
  readonly relistMs: number;
  /** Limit for a whole initial list. */
  readonly listMs: number;
}

/** Eight watches renewed every 7 to 9 minutes are about one request a minute; listing everything again at every second renewal adds none, unless the list comes in pages. */
export const SESSION_TIMING: SessionTiming = {
  silentMs: 200_000,
  silentUnpingedMs: 45_000,
  renewMs: 420_000,
  relistMs: 480_000,
  listMs: 60_000,
};

/**
 * A longer list comes in pages. While a server streams one for seconds, it has to keep what changes, and ends the stream as too slow when that
 * becomes too much: of 10,000 pods in a rollout, on a busy machine, it did so twice in half an hour.
 */
const MOST_STREAMED = 1_000;

export interface SessionOptions<T> extends Listing<T> {
  readonly timing: SessionTiming;
  readonly sink: (event: WatchEvent<T>) => void;
  /** Called when the server has sent an object or a bookmark, but not for an error. `watching`: the initial list is complete. */
  readonly contact: (watching: boolean) => void;
}

/**
 * What a reflector knows between streams (where to resume, how this server lists) and the reading of one stream. Objects are projected line by
 * line as they arrive, so the raw list is never held.
 */
export class WatchSession<T> {
  readonly #streams: StreamClient;
  readonly #requests: Requests;
  readonly #options: SessionOptions<T>;
  /** Empty: everything must be listed first. */
  #resourceVersion = '';
  /** The newest version ever read. */
  #newest = '';
  /** The last stream ended unexpectedly: the server may be a different one now. */
  #interrupted = false;
  #listedAt = 0;
  #changes = 0;
  /** Not of a server that cannot, nor once a list was too long, or had already too much when it was cut off. */
  #streamsLists = true;

  constructor(streams: StreamClient, requests: Requests, options: SessionOptions<T>) {
    this.#streams = streams;
    this.#requests = requests;
    this.#options = options;
  }

  /** Opens one stream and reads it to its end. Rejects only with an exception of the sink. */
  async run(signal: AbortSignal): Promise<Ending> {
    this.#changes = 0;
    const stop = await this.#runOnce(signal);
    const stale = performance.now() - this.#listedAt > this.#options.timing.relistMs;
    if (stop.relist || stale) {
      this.#resourceVersion = '';
    }
    const { reason, message, retryAfterMs = 0 } = stop;
    this.#interrupted = reason !== 'closed';
    return { reason, message, retryAfterMs, progressed: this.#changes > 0 && !stop.relist };
  }

  async #runOnce(signal: AbortSignal): Promise<Stop> {
    if (this.#resourceVersion === '' && !this.#streamsLists) {
      const stop = await this.#listInPages(signal);
      if (stop) {
        return stop;
      }
    }
    let stream: OpenStream;
    try {
      stream = await this.#streams.open((pinged) => this.#path(pinged), signal);
    } catch (error) {
      return { reason: 'unavailable', message: errorText(error), relist: false };
    }
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) {
      cancel();
    }
    try {
      if (stream.status !== 200) {
        return await this.#rejected(stream);
      }
      return (await this.#restored(signal)) ?? (await this.#follow(stream));
    } finally {
      signal.removeEventListener('abort', cancel);
      cancel();
    }
  }

  #path(pinged: boolean): string {
    const { renewMs, silentUnpingedMs } = this.#options.timing;
    const liveMs = pinged ? renewMs * (1 + Math.random() / 4) : silentUnpingedMs - 5_000;
    const query = new URLSearchParams({
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: `${Math.max(1, Math.round(liveMs / 1000))}`,
    });
    if (this.#options.fieldSelector) {
      query.set('fieldSelector', this.#options.fieldSelector);
    }
    if (this.#resourceVersion === '') {
      query.set('sendInitialEvents', 'true');
      query.set('resourceVersionMatch', 'NotOlderThan');
    } else {
      query.set('resourceVersion', this.#resourceVersion);
    }
    return `${pathOf(this.#options.target)}?${query}`;
  }

  async #listInPages(signal: AbortSignal): Promise<Stop | undefined> {
    const listed = await listPages(this.#requests, this.#options, signal);
    if (listed.ok) {
      return this.#synced(listed.items, listed.resourceVersion);
    }
    const { failure } = listed;
    const retryAfterMs = failure.kind === 'throttled' ? failure.retryAfterMs : 0;
    return { reason: reasonOf(failure), message: failure.message, relist: true, retryAfterMs };
  }

  async #rejected(stream: OpenStream): Promise<Stop> {
    const { status, retryAfter } = stream;
    if (status === 401) {
      await this.#streams.renew().catch(() => {});
    }
    const failure = failureOf({ status, retryAfter, body: await shortBody(stream) }, 'refused', Date.now());
    // A server without streaming lists calls their parameters invalid.
    if (failure.kind === 'invalid' && this.#resourceVersion === '') {
      this.#streamsLists = false;
    }
    const reason = status === 401 ? 'unauthorized' : reasonOf(failure);
    const retryAfterMs = failure.kind === 'throttled' ? failure.retryAfterMs : 0;
    const message =
      status === 404
        ? 'the server does not know this kind: is its CustomResourceDefinition installed?'
        : failure.message;
    return { reason, message, relist: failure.kind === 'invalid' || status === 410, retryAfterMs };
  }

  async #follow(stream: OpenStream): Promise<Stop> {
    const { silentMs, silentUnpingedMs } = this.#options.timing;
    const lines = watchLines(stream, stream.pinged ? silentMs : silentUnpingedMs);
    try {
      const stop = this.#resourceVersion === '' ? await this.#readInitialInTime(lines, stream) : undefined;
      return stop ?? (await this.#readChanges(lines));
    } finally {
      stream.cancel();
      await lines.return(undefined);
    }
  }

  async #readInitialInTime(lines: Lines, stream: OpenStream): Promise<Stop | undefined> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      stream.cancel();
    }, this.#options.timing.listMs);
    const stop = await this.#readInitial(lines).finally(() => clearTimeout(timer));
    if (!stop) {
      return undefined;
    }
    // A server that does not know the parameters of a streaming list ignores them and never marks the list as complete.
    if (late) {
      this.#streamsLists = false;
    }
    const message = late
      ? 'the initial list did not end in time'
      : stop.message || 'ended within the initial list';
    return { ...stop, reason: late ? 'silent' : worse(stop.reason), message, relist: true };
  }

  /** Collects what exists until the server marks the list as complete. Returns the reason if it never does. */
  async #readInitial(lines: Lines): Promise<Stop | undefined> {
    const known = new Map<string, T>();
    for (;;) {
      const line = await next(lines);
      if (line.type === 'change') {
        this.#collect(known, line);
      } else if (line.type !== 'bookmark') {
        this.#streamsLists &&= known.size <= MOST_STREAMED;
        return stopOf(line);
      } else if (line.initialEnd) {
        return this.#synced([...known.values()], line.resourceVersion);
      }
    }
  }

  #collect(known: Map<string, T>, line: WatchLine & { type: 'change' }): void {
    this.#options.contact(false);
    const { project, keeps } = this.#options.projection;
    const uid = text(at(line.object, 'metadata', 'uid'));
    const view = project(line.object);
    if (line.deleted || !keeps(view)) {
      known.delete(uid);
    } else {
      known.set(uid, view);
    }
  }

  async #readChanges(lines: Lines): Promise<Stop> {
    this.#options.contact(true);
    for (;;) {
      const line = await next(lines);
      if (line.type !== 'change' && line.type !== 'bookmark') {
        return stopOf(line);
      }
      this.#options.contact(true);
      if (isNewer(this.#resourceVersion, line.resourceVersion)) {
        return { reason: 'broken', message: "the server's resourceVersion went back", relist: true };
      }
      if (line.type === 'change') {
        this.#deliver(line);
      }
      this.#resourceVersion = line.resourceVersion;
      this.#newest = line.resourceVersion;
    }
  }

  /**
   * A server that was restored from a backup accepts our newer version silently, and sends no change until its own version is newer
   * (kubernetes#107457). After an interruption its version is therefore requested and compared.
   */
  async #restored(signal: AbortSignal): Promise<Stop | undefined> {
    if (!this.#interrupted || this.#resourceVersion === '') {
      return undefined;
    }
    const { target, fieldSelector } = this.#options;
    const query = { limit: '1', ...(fieldSelector ? { fieldSelector } : {}) };
    const answer = await this.#requests.send({ method: 'GET', target, query, signal });
    const version = answer.ok ? text(at(answer.body, 'metadata', 'resourceVersion')) : '';
    return version === '' ? undefined : this.#rewound(version);
  }

  /** Reported once: a caller that continues anyway gets the server's current state. */
  #rewound(version: string): Stop | undefined {
    if (!isNewer(this.#newest, version)) {
      return undefined;
    }
    this.#newest = '';
    return { reason: 'restored', message: 'the API server was restored from a backup', relist: true };
  }

  #deliver(line: WatchLine & { type: 'change' }): void {
    this.#changes += 1;
    const { project, keeps } = this.#options.projection;
    const object = project(line.object);
    this.#options.sink({ type: line.deleted || !keeps(object) ? 'delete' : 'upsert', object });
  }

  /** Delivers the result of a consistent read, unless it is older than what was read before. */
  #synced(items: readonly T[], resourceVersion: string): Stop | undefined {
    this.#options.contact(true);
    const stop = this.#rewound(resourceVersion);
    if (stop) {
      return stop;
    }
    this.#resourceVersion = resourceVersion;
    this.#newest = resourceVersion;
    this.#interrupted = false;
    this.#streamsLists &&= items.length <= MOST_STREAMED;
    this.#listedAt = performance.now();
    this.#options.sink({ type: 'synced', items, resourceVersion });
    return undefined;
  }
}

/** Reads never cause a conflict. */
function reasonOf(failure: RequestFailure): WatchFailure {
  return failure.kind === 'conflict' ? 'unavailable' : failure.kind;
}

/** Even a clean end is too early while the initial list is read. */
function worse(reason: Stop['reason']): WatchFailure {
  return reason === 'closed' ? 'lost' : reason;
}
