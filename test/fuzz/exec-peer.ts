/** A hostile API server at the other end of an exec: frames of the protocol, sound and broken, and what the client has to make of them. */
import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import type { ExecResult } from '../../src/engine/ports.ts';
import { type NotUpgraded, runExecSession } from '../../src/kube/exec/exec-session.ts';
import { readExecStatus } from '../../src/kube/exec/exec-status.ts';
import { mutateBytes, mutateText } from './mutate.ts';
import { type Peer, type Script, sendScript, servePeer } from './peer.ts';
import { Random } from './random.ts';
import type { Hostile } from './sockets.ts';

const BINARY = 2;
const CONTINUATION = 0;
const CONTROL = [8, 9, 10] as const;
const LONGEST_FRAME_BYTES = 128 * 1024;
const MOST_OUTPUT_BYTES = 1024;
/** No result comes from the deadline, but where the peer is silent. */
const NEVER_MS = 600_000;
const SILENT_MS = 40;

interface FrameOptions {
  readonly fin?: boolean;
  readonly reserved?: number;
  readonly masked?: boolean;
  readonly claimed?: bigint;
}

function frame(op: number, payload: Buffer, options: FrameOptions = {}): Buffer {
  const { fin = true, reserved = 0, masked = false, claimed = BigInt(payload.length) } = options;
  const mask = masked ? 0x80 : 0;
  const first = (fin ? 0x80 : 0) | (reserved << 4) | op;
  let head: Buffer;
  if (claimed < 126n) {
    head = Buffer.from([first, mask | Number(claimed)]);
  } else if (claimed < 65536n) {
    head = Buffer.from([first, mask | 126, 0, 0]);
    head.writeUInt16BE(Number(claimed), 2);
  } else {
    head = Buffer.alloc(10);
    head.set([first, mask | 127]);
    head.writeBigUInt64BE(claimed, 2);
  }
  return Buffer.concat([head, masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0), payload]);
}

/** A piece of a session: its bytes, and what it does to the client. */
interface Piece {
  readonly bytes: Buffer;
  readonly does: 'nothing' | 'breaks' | { readonly status: string };
}

const STATUSES = [
  '{"metadata":{},"status":"Success"}',
  '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"17"}]}}',
  '{"status":"Failure","reason":"InternalError","message":"container not found (\\"web\\")"}',
  '{"status":"Failure","reason":"InternalError","message":"exec: \\"/probe\\": stat /probe: no such file or directory"}',
];

function message(random: Random, channel: number, content: string): Buffer {
  const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(content)]);
  const cut = random.below(payload.length + 1);
  const interleaved = random.chance(0.5) ? frame(random.pick([9, 10]), Buffer.from('hi')) : Buffer.alloc(0);
  return random.chance(0.7)
    ? frame(BINARY, payload)
    : Buffer.concat([
        frame(BINARY, payload.subarray(0, cut), { fin: false }),
        interleaved,
        frame(CONTINUATION, payload.subarray(cut)),
      ]);
}

function soundPiece(random: Random): Piece {
  switch (random.below(5)) {
    case 0:
      return { bytes: frame(random.pick([9, 10]), Buffer.alloc(random.below(126))), does: 'nothing' };
    case 1:
      return { bytes: frame(1, Buffer.from('a text frame')), does: 'nothing' };
    case 2:
      return { bytes: frame(BINARY, Buffer.alloc(0)), does: 'nothing' };
    default:
      return {
        bytes: message(random, random.pick([0, 1, 1, 1, 2, 2, 4, 255]), 'x'.repeat(random.below(3000))),
        does: 'nothing',
      };
  }
}

const statusPiece = (random: Random, status: string): Piece => ({
  bytes: message(random, 3, status),
  does: status === '' ? 'nothing' : { status },
});

/** What RFC 6455 forbids, and what the client takes from nobody. */
function brokenPiece(random: Random): Piece {
  const payload = Buffer.from('\x03{"status":"Success"}');
  const huge = random.pick([
    BigInt(LONGEST_FRAME_BYTES + 1),
    2n ** 32n,
    2n ** 53n,
    2n ** 63n - 1n,
    2n ** 64n - 1n,
  ]);
  const bytes = random.pick([
    () => frame(BINARY, payload, { masked: true }),
    () => frame(BINARY, payload, { reserved: 1 + random.below(7) }),
    () => frame(random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), payload),
    () => frame(BINARY, payload, { claimed: huge }),
    () => frame(CONTINUATION, payload),
    () => Buffer.concat([frame(BINARY, payload, { fin: false }), frame(BINARY, payload)]),
    () => frame(random.pick(CONTROL), payload, { fin: false }),
    () => frame(random.pick(CONTROL), Buffer.alloc(126 + random.below(1000))),
    () => frame(8, Buffer.from([3])),
    () => frame(8, Buffer.from([0, random.below(256)])),
    () => frame(8, Buffer.from([3, 0xe8])),
  ])();
  return { bytes, does: 'breaks' };
}

interface Session extends Script {
  /** What the client must return, when that is known. */
  readonly expected?: ExecResult['kind'] | readonly ExecResult['kind'][];
  readonly status?: string;
  readonly timeoutMs: number;
}

/** Pieces in a row: the first status or the first breach decides, and without either the end does. */
function structured(random: Random): Session {
  const pieces = Array.from({ length: random.below(6) }, () => soundPiece(random));
  const chosen = random.pick(STATUSES);
  const status = random.chance(0.5) ? chosen : mutateText(random, chosen).slice(0, 8000).toWellFormed();
  const last = [statusPiece(random, status), brokenPiece(random)].filter(() => random.chance(0.6));
  const all = [...pieces, ...(random.chance(0.5) ? last : last.reverse()), ...pieces.slice(0, 2)];
  const decides = all.find(({ does }) => does !== 'nothing')?.does;
  const bytes = Buffer.concat(all.map((one) => one.bytes));
  if (decides === 'breaks') {
    return { bytes, end: random.pick(['end', 'reset', 'hang']), expected: 'broken', timeoutMs: NEVER_MS };
  }
  if (typeof decides === 'object') {
    return { bytes, end: random.pick(['end', 'hang']), status: decides.status, timeoutMs: NEVER_MS };
  }
  return random.chance(0.9)
    ? { bytes, end: random.pick(['end', 'reset']), expected: 'broken', timeoutMs: NEVER_MS }
    : { bytes, end: 'hang', expected: ['timeout', 'broken'], timeoutMs: SILENT_MS };
}

/** A session whose bytes are bent anywhere: any result will do, but one. */
function garbled(random: Random): Session {
  const { bytes, end } = structured(random);
  return { bytes: mutateBytes(random, bytes), end: end === 'hang' ? 'end' : end, timeoutMs: NEVER_MS };
}

const head = (key: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`;

interface Case {
  readonly session: Session;
  readonly bendsHead: boolean;
}

function caseOf(seed: number): Case {
  const random = new Random(seed);
  const bendsHead = random.chance(0.1);
  return { session: random.chance(0.6) ? structured(random) : garbled(random), bendsHead };
}

function answer(socket: Socket): void {
  socket.once('data', (request) => {
    const text = request.toString('latin1');
    const seed = Number(/^GET \/(\d+)/.exec(text)?.[1]);
    const random = new Random(seed + 1);
    const { session, bendsHead } = caseOf(seed);
    const whole = head(/sec-websocket-key: (\S+)/i.exec(text)?.[1] ?? '');
    const start = Buffer.from(bendsHead ? mutateText(random, whole) : whole, 'latin1');
    const end = bendsHead && session.end === 'hang' ? 'end' : session.end;
    sendScript(socket, random, { bytes: Buffer.concat([start, session.bytes]), end });
  });
}

const KINDS = ['exit', 'timeout', 'missing', 'unrunnable', 'gone', 'broken', 'notUpgraded'];

function wrongWith(result: ExecResult | NotUpgraded, { session, bendsHead }: Case): string | undefined {
  if (!KINDS.includes(result.kind)) {
    return `a result of kind ${result.kind}`;
  }
  if (Buffer.byteLength(JSON.stringify(result)) > 6 * MOST_OUTPUT_BYTES + 6 * 4096) {
    return `keeps ${JSON.stringify(result).length} bytes`;
  }
  if (bendsHead) {
    return undefined;
  }
  const { expected, status } = session;
  if (expected !== undefined && !([expected].flat() as string[]).includes(result.kind)) {
    return `${JSON.stringify(result).slice(0, 300)} instead of ${expected}`;
  }
  return status === undefined ? undefined : wrongStatus(result, status);
}

/** The output may say that the command never ran; else the status that came first is the result. */
function wrongStatus(result: ExecResult | NotUpgraded, status: string): string | undefined {
  const { kind, ...rest } = readExecStatus(status);
  const isSame =
    result.kind === kind && Object.entries(rest).every(([name, value]) => Object(result)[name] === value);
  return isSame
    ? undefined
    : `${JSON.stringify(result).slice(0, 300)} instead of ${JSON.stringify({ kind, ...rest })}`;
}

export async function hostileExecs(): Promise<Hostile> {
  const peer: Peer = await servePeer(answer);
  const agent = new Agent();
  const outcomes = new Set<string>();
  return {
    ...peer,
    outcomes,
    async play(seed) {
      const chosen = caseOf(seed);
      const result = await runExecSession({
        url: `ws://127.0.0.1:${peer.port}/${seed}`,
        headers: {},
        agent,
        command: '/probe',
        timeoutMs: chosen.session.timeoutMs,
        maxOutputBytes: MOST_OUTPUT_BYTES,
        signal: new AbortController().signal,
      });
      outcomes.add(result.kind);
      return wrongWith(result, chosen);
    },
  };
}
