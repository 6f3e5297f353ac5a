/** What the operator logs, written by its real logger, and the limits that hold for it whatever goes wrong. */
import type { WatchListener } from '../../src/engine/ports.ts';
import type { Log } from '../../src/engine/telemetry-ports.ts';
import { createLogger, MAX_LINE_BYTES } from '../../src/telemetry/logger.ts';
import { noticeOf } from '../../src/telemetry/watch-notices.ts';

export interface LoggedLine {
  readonly at: number;
  readonly text: string;
}

/** In any ten seconds; 36 is the most that was seen. */
const MOST_LINES = 100;
const WINDOW_MS = 10_000;
/** In the bodies of responses that no API server sent. */
const SECRET = 'secret-of-the-proxy';

export class LogBook {
  readonly lines: LoggedLine[] = [];
  readonly #logger = createLogger('info', 'json', {
    write: (text) => void this.lines.push({ at: performance.now(), text }),
  });

  /** Writes the changes of a watch's state as the operator does. */
  readonly watchChanged: WatchListener['changed'] = (now, before) => {
    const notice = noticeOf(now, before);
    if (notice) {
      this.#logger[notice.level](notice.message, notice.fields);
    }
  };

  /** A log that writes to `other` as well. */
  beside = (other: Log): Log => both(this.#logger, other);
}

const both = (one: Log, other: Log): Log => ({
  debug: (...line) => void [one.debug(...line), other.debug(...line)],
  info: (...line) => void [one.info(...line), other.info(...line)],
  warn: (...line) => void [one.warn(...line), other.warn(...line)],
  error: (...line) => void [one.error(...line), other.error(...line)],
  with: (fields) => both(one.with(fields), other.with(fields)),
});

/** The most lines in any ten seconds. */
const busiest = (lines: readonly LoggedLine[]): number =>
  Math.max(
    0,
    ...lines.map(({ at }) => lines.filter((one) => one.at >= at && one.at < at + WINDOW_MS).length),
  );

/** What is wrong with these lines. */
export function tooMuchLogged(lines: readonly LoggedLine[]): string[] {
  const most = busiest(lines);
  return [
    ...(most > MOST_LINES
      ? [`it logged ${most} lines in ten seconds, such as ${lines[MOST_LINES]?.text}`]
      : []),
    ...lines
      .filter(({ text }) => Buffer.byteLength(text) > MAX_LINE_BYTES)
      .map(() => 'it logged a line that is too long'),
    ...lines.filter(({ text }) => text.includes(SECRET)).map(({ text }) => `it logged a secret: ${text}`),
  ];
}
