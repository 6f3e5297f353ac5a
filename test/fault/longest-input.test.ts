/**
 * Every reader of foreign bytes with the longest input that it can get, in its worst shape: the work must grow with the input and not with its square.
 * Measured against itself and against a yardstick, turn by turn in the same process, so that a slow or busy machine changes nothing.
 */
import { describe, expect, test } from '@jest/globals';
import { redactedText } from '../../packages/cli/src/redact.ts';
import { decodeResponse } from '../../packages/kubelet-prober/src/grpc-message.ts';
import { buildRequest, headerLines } from '../../packages/kubelet-prober/src/http-request.ts';
import {
  hostnameOf,
  portOf,
  probeUrl,
  requestTarget,
  resolveUrl,
} from '../../packages/kubelet-prober/src/url.ts';
import { printable } from '../../src/api/printable.ts';
import { clean, failureOf } from '../../src/kube/client/errors.ts';
import { readExecStatus } from '../../src/kube/exec/exec-status.ts';
import { LineSplitter } from '../../src/kube/watch/line-splitter.ts';
import { readWatchLine } from '../../src/kube/watch/watch-line.ts';

const KIB = 1024;

/** `unit` repeated to `bytes` bytes. */
const fill = (unit: string, bytes: number): string =>
  unit.repeat(Math.ceil(bytes / unit.length)).slice(0, bytes);

const base = probeUrl('http', '10.0.0.1', 8080, '/')!;
function follow(location: string): void {
  const url = resolveUrl(base, location);
  if (url) {
    hostnameOf(url);
    portOf(url);
    headerLines(new Map([['Referer', [requestTarget(url)]]]), url.host);
  }
}
const status = (message: string): string =>
  JSON.stringify({ status: 'Failure', kind: 'Status', reason: 'Invalid', message });

type Row = readonly [
  what: string,
  bytes: number,
  make: (bytes: number) => string,
  read: (input: string) => void,
];

/** A Location is refused above 8 KiB; the readers are linear far beyond. */
const locations: readonly Row[] = [
  ['steps up', (bytes: number) => `${fill('/a', bytes / 2)}${fill('/..', bytes / 2)}`],
  ['steps up that lead nowhere', (bytes: number) => fill('/..', bytes)],
  ['empty segments', (bytes: number) => fill('/', bytes)],
  ['escapes', (bytes: number) => `/${fill('%41', bytes - 2)}é`],
  ['broken escapes', (bytes: number) => fill('/%4', bytes)],
  ['blanks in the query', (bytes: number) => `/?${fill(' ', bytes)}x`],
  ['at signs', (bytes: number) => `//${fill('@', bytes)}h/`],
  ['colons', (bytes: number) => `//${fill('1:', bytes)}/`],
  ['a host of escapes', (bytes: number) => `//${fill('%25', bytes)}/`],
  ['brackets', (bytes: number) => `//${fill('[', bytes)}]/`],
  ['no scheme at last', (bytes: number) => `${fill('a', bytes)}é:`],
].map(([what, make]) => [`Location: ${what}`, 64 * KIB, make, follow] as Row);

const execWords = [
  'exec: "',
  'exec: "\\\\',
  'exec: "": stat ',
  'container ',
  'container is ',
  'task x',
  "executable file '",
  'metadata.uid: ',
];

const rows: readonly Row[] = [
  ...locations,
  [
    'headers of a request',
    64 * KIB,
    (bytes) => `${fill(' \t', bytes)}x`,
    (value) => headerLines(new Map([['X', [value]]]), fill('%', value.length)),
  ],
  [
    'path of a check',
    64 * KIB,
    (bytes) => fill('%/..', bytes),
    (path) => buildRequest({ port: 80, path }, { podIp: '10.0.0.1' }),
  ],
  ['gRPC answer', 16 * KIB, (bytes) => fill('\x12\x00', bytes), (body) => decodeResponse(grpcFrame(body))],
  [
    'gRPC answer of long numbers',
    16 * KIB,
    (bytes) => fill(`\x18${'\xff'.repeat(9)}\x01`, bytes),
    (body) => decodeResponse(grpcFrame(body)),
  ],
  ...execWords.map(
    (word): Row => [
      `exec status of ${word}`,
      128 * KIB,
      (bytes) => status(fill(word, bytes)),
      readExecStatus,
    ],
  ),
  ['exec status that nests', 128 * KIB, (bytes) => `{"a":${fill('[', bytes)}`, readExecStatus],
  [
    'refusal of the API server',
    1024 * KIB,
    (bytes) => status(fill('metadata.uid: ', bytes)),
    (body) => failureOf({ status: 422, body }, 'patch', 0),
  ],
  ['message', 1024 * KIB, (bytes) => `${fill(' \n', bytes)}x`, clean],
  ['output', 1024 * KIB, (bytes) => fill('\x1b[0;1', bytes), printable],
  ['output of half titles', 1024 * KIB, (bytes) => fill('\x1b]0', bytes), printable],
  ['output of half sequences', 1024 * KIB, (bytes) => fill('\x1b[0 ', bytes), printable],
  ...[' ', '-----BEGIN PRIVATE KEY-----', 'eyJaaaaaaaa-', 'token-', 'Bearer '].map(
    (unit): Row => [
      `text for a ticket, of ${JSON.stringify(unit)}`,
      16 * KIB,
      (bytes) => fill(unit, bytes),
      redactedText,
    ],
  ),
  // An object of 1.5 MiB, all of whose letters must be escaped: more the API server does not store.
  ['watch line', 9216 * KIB, (bytes) => watchLine(fill('\\u0001', bytes - (bytes % 6))), readWatchLine],
  ['watch line that nests', 1024 * KIB, (bytes) => watchLine(fill('[', bytes)), readWatchLine],
  [
    'lines in small pieces',
    256 * KIB,
    (bytes) => fill('x', bytes),
    (text) => {
      const splitter = new LineSplitter(2048 * KIB);
      for (let at = 0; at < text.length; at += 16) {
        [...splitter.push(Buffer.from(text.slice(at, at + 16)))];
      }
    },
  ],
];

function watchLine(value: string): string {
  return `{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"},"spec":"${value}"}}`;
}

function grpcFrame(message: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, Buffer.from(message, 'latin1')]);
}

function timeOf(run: () => void): number {
  const began = performance.now();
  run();
  return performance.now() - began;
}

/** After so many rounds that do not show it, it is not so. */
const MOST_ROUNDS = 40;

/**
 * Whether the first of two is at most as slow as the second, by the least time of each, measured turn by turn. Whoever else wants the processor delays
 * the longer one more often, so what is compared must take about equally long if all is well, or the second longer. A busy machine costs rounds.
 */
function isAsFast(first: () => void, second: () => void, rounds: number): boolean {
  const least = { first: Number.POSITIVE_INFINITY, second: Number.POSITIVE_INFINITY };
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    least.second = Math.min(least.second, timeOf(second));
    least.first = Math.min(least.first, timeOf(first));
    if (round >= rounds && least.first <= least.second) {
      return true;
    }
  }
  return false;
}

const times = (count: number, run: () => void) => (): void => {
  for (let time = 0; time < count; time++) {
    run();
  }
};

const megabyte = 'x'.repeat(1024 * KIB);
/** What no reader can do without: to look at each character of a megabyte once. About a millisecond. */
function readMegabyte(): number {
  let sum = 0;
  for (let at = 0; at < megabyte.length; at++) {
    sum = (sum + megabyte.charCodeAt(at)) | 0;
  }
  return sum;
}

/** Sixteen times the input: sixteen times the work, four times of which would be as good, and not 256 times. */
const isLinear = (read: (input: string) => void, part: string, whole: string): boolean =>
  isAsFast(
    () => read(whole),
    () => {
      times(64, () => read(part))();
      readMegabyte();
    },
    3,
  );

describe('the work of a reader', () => {
  test.each(rows)(
    'grows with its input: %s',
    (_, bytes, make, read) => {
      expect(isLinear(read, make(bytes / 16), make(bytes))).toBe(true);
    },
    120_000,
  );

  test.each(rows.filter(([, bytes]) => bytes <= 1024 * KIB))(
    'is small: %s',
    (_, bytes, make, read) => {
      const input = make(bytes);
      expect(isAsFast(() => read(input), times(60, readMegabyte), 3)).toBe(true);
    },
    120_000,
  );
});

test('what is quadratic is told', () => {
  const quadratic = (input: string): void => {
    /[ \t]+$/.test(input);
  };
  expect(isLinear(quadratic, `${fill(' ', KIB / 4)}x`, `${fill(' ', 4 * KIB)}x`)).toBe(false);
}, 120_000);
