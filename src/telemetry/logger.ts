/** The operator's log: one line for each event on standard output, as JSON or as text for people, short and without secrets. */
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { printable, printableLine } from '../api/printable.ts';
import type { Log, LogFields } from '../engine/telemetry-ports.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['json', 'text'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Longest line in bytes: container runtimes split longer ones (at 16 KiB), and the output of one probe must not drown the rest. */
export const MAX_LINE_BYTES = 4096;
/** The part of a line for its message, */
const MESSAGE_BYTES = MAX_LINE_BYTES / 2;
/** and for level, time and the names of these. */
const FRAME_BYTES = 128;

const SECRETS = /\bBearer\s+\S+|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=:\/\/)[^/\s@]+(?=@)/gi;
const SECRET_NAMES = /^(authorization|cookie|password|secret|apiKey|.*[a-z]Password|.*[a-z]Secret)$/i;
const REDACTED = '[redacted]';

type Value = LogFields[string];

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

/** Truncates `text` so that it has at most `maxBytes` as JSON. */
function cut(text: string, maxBytes: number): string {
  if (jsonBytes(text) <= maxBytes) {
    return text;
  }
  let length = Math.min(text.length, maxBytes);
  while (length > 0 && jsonBytes(text.slice(0, length)) > maxBytes - '…'.length * 3) {
    length = Math.floor(length * 0.9);
  }
  return `${text.slice(0, length).toWellFormed()}…`;
}

function redact(name: string, value: Value): Value {
  if (SECRET_NAMES.test(name)) {
    return REDACTED;
  }
  return typeof value === 'string' ? withoutSecrets(printable(value)) : value;
}

const withoutSecrets = (text: string): string => text.replace(SECRETS, REDACTED);

/** Makes fields printable, removes secrets, and truncates all of them evenly if they have more than `maxBytes`. */
function presentable(fields: LogFields, maxBytes: number): LogFields {
  const clean = Object.entries(fields).map(([name, value]) => [name, redact(name, value)] as const);
  if (jsonBytes(Object.fromEntries(clean)) <= maxBytes) {
    return Object.fromEntries(clean);
  }
  const share = Math.floor(maxBytes / clean.length) - 64;
  return Object.fromEntries(
    clean.map(([name, value]) => [name, typeof value === 'string' ? cut(value, share) : value]),
  );
}

function logOver(sink: Logger, base: LogFields): Log {
  const write = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (sink.isLevelEnabled(level)) {
      const msg = cut(withoutSecrets(printableLine(message)), MESSAGE_BYTES);
      const left = MAX_LINE_BYTES - FRAME_BYTES - jsonBytes(msg);
      sink[level]({ msg, ...presentable({ ...base, ...fields }, left) });
    }
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => logOver(sink, { ...base, ...fields }),
  };
}

/** Formats a value in a line of text: in quotes if its end would be ambiguous. */
const textValue = (value: unknown): string =>
  typeof value === 'string' && !/^[^\s"=]+$/.test(value) ? JSON.stringify(value) : String(value);

/** `2026-11-25T03:12:07.123Z WARN  sentence  namespace=shop name=web` */
function textLine(json: string): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${textValue(value)}`);
  return `${time} ${String(level).toUpperCase().padEnd(5)} ${String(msg)} ${pairs.join('')}`.trimEnd();
}

/** Creates a log of this level and above. It is written synchronously, so that the last line before an exit is not lost. */
export function createLogger(
  level: LogLevel,
  format: LogFormat,
  output: DestinationStream = destination({ dest: 1, sync: true }),
): Log {
  const sink = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? output : { write: (line: string) => output.write(`${textLine(line)}\n`) },
  );
  return logOver(sink, {});
}
