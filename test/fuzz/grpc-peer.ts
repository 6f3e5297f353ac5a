/** A hostile application at the other end of a gRPC health check: HTTP/2 frames, sound and broken. */
import type { Socket } from 'node:net';
import { probeGrpc } from '../../packages/kubelet-prober/src/grpc.ts';
import { OUTPUT_LIMIT_BYTES, type ProbeOutcome } from '../../packages/kubelet-prober/src/result.ts';
import { mutateBytes } from './mutate.ts';
import { type Peer, type Script, sendScript, servePeer } from './peer.ts';
import { Random } from './random.ts';
import type { Hostile } from './sockets.ts';

const TYPE = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  continuation: 9,
} as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
/** Time for a check that comes to its end, and for one that need not. */
const NEVER_MS = 600_000;
const SHORT_MS = 60;

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer,
  claimed = payload.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(claimed & 0xffffff, 0, 3);
  head.set([type, flags], 3);
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

/** A header in HPACK's plainest form: literal, never indexed, not compressed. */
function header(name: string, value: string): Buffer {
  const text = (content: string): Buffer => {
    const bytes = Buffer.from(content, 'latin1');
    return Buffer.concat([length(bytes.length), bytes]);
  };
  return Buffer.concat([Buffer.from([0x10]), text(name), text(value)]);
}

function length(bytes: number): Buffer {
  if (bytes < 127) {
    return Buffer.from([bytes]);
  }
  const out = [127];
  for (let rest = bytes - 127; ; rest = Math.floor(rest / 128)) {
    out.push(rest < 128 ? rest : (rest % 128) | 0x80);
    if (rest < 128) {
      return Buffer.from(out);
    }
  }
}

const SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1]);
const headers = (flags: number, ...fields: readonly (readonly [string, string])[]): Buffer =>
  frame(
    TYPE.headers,
    END_HEADERS | flags,
    1,
    Buffer.concat(fields.map(([name, value]) => header(name, value))),
  );
const first = headers(0, [':status', '200'], ['content-type', 'application/grpc']);
const data = (payload: Buffer, claimed?: number): Buffer => frame(TYPE.data, 0, 1, payload, claimed);
const trailers = (code: string, message = ''): Buffer =>
  headers(END_STREAM, ['grpc-status', code], ['grpc-message', message]);

/** What may come at any time and changes nothing. */
function noise(random: Random): Buffer {
  return random.pick([
    () => frame(TYPE.ping, 0, 0, Buffer.alloc(8)),
    () => frame(TYPE.settings, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0])),
    () => frame(TYPE.window, 0, 0, Buffer.from([0, 0, 1, 0])),
    () => frame(0x20 + random.below(0xe0), random.below(256), 0, Buffer.alloc(random.below(1000))),
    () => Buffer.alloc(0),
  ])();
}

/** In place of the message that says SERVING, or beside it. */
function badBody(random: Random): Buffer {
  const claim = (bytes: number): Buffer => {
    const body = Buffer.from(SERVING);
    body.writeUInt32BE(bytes, 1);
    return body;
  };
  return random.pick([
    () => data(claim(random.pick([0, 1, 3, 2 ** 16, 2 ** 31, 2 ** 32 - 1]))),
    () => data(Buffer.concat([SERVING, SERVING])),
    () => data(Buffer.from([1, 0, 0, 0, 2, 8, 1])),
    () => data(Buffer.from([0, 0, 0, 0, 2, 8, random.pick([0, 2, 3, 77])])),
    () => data(Buffer.from([0, 0, 0, 0, 2, 8, 0x80])),
    () => data(Buffer.from([0, 0, 0, 0, 11, 8, ...Array(9).fill(0xff), 0xff])),
    () => Buffer.alloc(0),
    () => Buffer.concat(Array.from({ length: 3 }, () => data(Buffer.alloc(16_384)))),
  ])();
}

/** What no server may send: the check fails, whatever follows. */
function breach(random: Random): Buffer {
  return random.pick([
    () => data(SERVING, 0xffffff),
    () => data(SERVING, 3),
    () => frame(TYPE.settings, 0, 1, Buffer.alloc(0)),
    () => frame(TYPE.settings, 0, 0, Buffer.alloc(5)),
    () => frame(TYPE.settings, ACK, 0, Buffer.alloc(6)),
    () => frame(TYPE.ping, 0, 0, Buffer.alloc(7)),
    () => frame(TYPE.ping, 0, 3, Buffer.alloc(8)),
    () => frame(TYPE.push, END_HEADERS, 1, Buffer.from([0, 0, 0, 2, 0x88])),
    () => frame(TYPE.continuation, END_HEADERS, 1, Buffer.from([0x88])),
    () => frame(TYPE.headers, END_HEADERS, 2, Buffer.from([0x88])),
    () => frame(TYPE.headers, END_HEADERS, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x0f])),
    () => frame(TYPE.window, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    () => frame(TYPE.reset, 0, 1, Buffer.from([0, 0, 0, random.below(14)])),
    () => frame(TYPE.goAway, 0, 0, Buffer.alloc(8)),
    () => hugeHeaders(),
  ])();
}

/** Few headers without an end, and perhaps a frame that may not follow. */
function unfinishedHeaders(random: Random): Buffer {
  const more = Array.from({ length: random.below(4) }, () =>
    frame(TYPE.continuation, 0, 1, header('a', 'b'.repeat(random.below(2000)))),
  );
  const after = random.chance(0.5) ? frame(TYPE.ping, 0, 0, Buffer.alloc(8)) : Buffer.alloc(0);
  return Buffer.concat([frame(TYPE.headers, 0, 1, header(':status', '200')), ...more, after]);
}

/** Headers without an end, over 1 MB of them. */
function hugeHeaders(): Buffer {
  const piece = header('x', 'y'.repeat(16_000));
  const more = Array.from({ length: 64 }, () => frame(TYPE.continuation, 0, 1, piece));
  return Buffer.concat([frame(TYPE.headers, 0, 1, piece), ...more]);
}

interface Session extends Script {
  readonly isServing: boolean;
}

function structured(random: Random): Session {
  const some = (): Buffer => Buffer.concat(Array.from({ length: random.below(3) }, () => noise(random)));
  if (random.chance(0.4)) {
    const bytes = Buffer.concat([some(), first, some(), data(SERVING), some(), trailers('0'), some()]);
    return { bytes, end: random.pick(['end', 'hang']), isServing: true };
  }
  if (random.chance(0.15)) {
    const bytes = Buffer.concat([some(), unfinishedHeaders(random)]);
    return { bytes, end: random.pick(['end', 'reset', 'hang']), isServing: false };
  }
  const body = random.chance(0.5) ? badBody(random) : Buffer.concat([breach(random), data(SERVING)]);
  const isBody = random.chance(0.8);
  const end = isBody
    ? trailers(random.pick(['0', '0', '0', '5', '12', '-1', 'x', '']), 'm'.repeat(random.below(2000)))
    : Buffer.alloc(0);
  const start = random.chance(0.8)
    ? first
    : headers(0, [':status', random.pick(['200', '404', '500', '999'])]);
  return {
    bytes: Buffer.concat([some(), start, some(), body, end]),
    end: random.pick(['end', 'reset', 'hang']),
    isServing: false,
  };
}

interface Case {
  readonly session: Session;
  /** Bytes are bent anywhere: any result will do. */
  readonly isGarbled: boolean;
}

function caseOf(seed: number): Case {
  const random = new Random(seed);
  const session = structured(random);
  return random.chance(0.3)
    ? { session: { ...session, bytes: mutateBytes(random, session.bytes) }, isGarbled: true }
    : { session, isGarbled: false };
}

/** Settings at once; the answer when the request has come. Its number is the service that is asked for. */
function answer(socket: Socket): void {
  socket.write(
    Buffer.concat([
      frame(TYPE.settings, 0, 0, Buffer.alloc(0)),
      frame(TYPE.settings, ACK, 0, Buffer.alloc(0)),
    ]),
  );
  let asked = '';
  socket.on('data', function listen(bytes: Buffer) {
    asked += bytes.toString('latin1');
    const seed = /seed-(\d+);/.exec(asked)?.[1];
    if (seed !== undefined) {
      socket.off('data', listen);
      socket.resume();
      sendScript(socket, new Random(Number(seed) + 1), caseOf(Number(seed)).session);
    }
  });
}

function wrongWith(
  { result, output, error = '' }: ProbeOutcome,
  { session, isGarbled }: Case,
): string | undefined {
  if (!['success', 'failure', 'unknown'].includes(result)) {
    return `the result ${result}`;
  }
  if (Buffer.byteLength(output) + Buffer.byteLength(error) > OUTPUT_LIMIT_BYTES) {
    return `keeps ${output.length + error.length} bytes`;
  }
  return !isGarbled && (result === 'success') !== session.isServing
    ? `${result}: ${output}${error}`
    : undefined;
}

export async function hostileHealth(): Promise<Hostile> {
  const peer: Peer = await servePeer(answer);
  const outcomes = new Set<string>();
  return {
    ...peer,
    outcomes,
    async play(seed) {
      const chosen = caseOf(seed);
      const timeoutMs = chosen.session.isServing && !chosen.isGarbled ? NEVER_MS : SHORT_MS;
      const outcome = await probeGrpc(
        { port: peer.port, service: `seed-${seed};` },
        { podIp: '127.0.0.1' },
        { timeoutMs },
      );
      outcomes.add(outcome.result);
      return wrongWith(outcome, chosen);
    },
  };
}
