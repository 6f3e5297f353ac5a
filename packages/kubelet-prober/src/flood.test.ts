/** Peers that never come to an end: each is given up after a bounded number of bytes, long before its time limit. */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { closeServers, serveTcp } from './fixtures/servers.ts';
import { probeGrpc } from './grpc.ts';
import { probeHttpGet } from './http-get.ts';

afterEach(closeServers);

const pod = { podIp: '127.0.0.1' };
const limits = { timeoutMs: 60_000 };
const pieceBytes = 65_536;

/** Writes `first`, then `again` for as long as somebody takes it; tells how much it got rid of. */
async function pouring(
  first: string | Buffer,
  again: string | Buffer,
): Promise<{ port: number; sent: () => number }> {
  const piece = Buffer.concat(
    Array.from({ length: Math.ceil(pieceBytes / again.length) }, () => Buffer.from(again as Buffer)),
  );
  let sent = 0;
  const { port } = await serveTcp((socket: Socket) => {
    const pour = (): void => {
      do {
        sent += piece.length;
      } while (socket.writable && socket.write(piece));
    };
    socket.on('drain', pour);
    socket.once('data', () => {
      socket.write(first);
      pour();
    });
    socket.resume();
  });
  return { port, sent: () => sent };
}

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const http1: readonly (readonly [what: string, first: string, again: string])[] = [
  ['early hints', '', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'],
  ['lines of a head', 'HTTP/1.1 200 OK\r\n', 'a: b\r\n'],
  ['one line of a head', 'HTTP/1.1 200 OK\r\nX: ', 'y'],
  ['a status line', 'HTTP/1.1 200 ', 'OK '],
  ['empty lines', '', '\r\n'],
  ['chunk extensions', chunked, `1;${'e'.repeat(8000)}\r\nx\r\n`],
  ['digits of a chunk size', chunked, '0'],
  ['trailers', `${chunked}0\r\n`, 'a: b\r\n'],
];

function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
const settings = frame(4, 0, 0);
const http2: readonly (readonly [what: string, first: Buffer, again: Buffer])[] = [
  ['settings', settings, settings],
  ['pings', settings, frame(6, 0, 0, Buffer.alloc(8))],
  ['answers to no ping', settings, frame(6, 1, 0, Buffer.alloc(8))],
  ['empty data', settings, frame(0, 0, 1)],
  ['window updates', settings, frame(8, 0, 0, Buffer.from([0, 0, 0, 1]))],
  ['priorities', settings, frame(2, 0, 1, Buffer.from([0, 0, 0, 0, 1]))],
  ['frames of an unknown type', settings, frame(0x77, 0, 0, Buffer.alloc(100))],
  [
    'continuations',
    Buffer.concat([settings, frame(1, 0, 1, Buffer.from([0x88]))]),
    frame(9, 0, 1, Buffer.alloc(100, 0x88)),
  ],
];

/** Room for what the kernel takes on both sides of a connection on loopback. */
const mostSent = 32 * 1024 * 1024;

describe('a flood over HTTP/1.1 ends', () => {
  test.each(http1)('of %s', async (_, first, again) => {
    const { port, sent } = await pouring(first, again);
    const { result, output, reached } = await probeHttpGet({ port }, pod, limits);
    expect({ result, reached }).toEqual({ result: 'failure', reached: true });
    expect(output).not.toContain('timed out');
    expect(sent()).toBeLessThan(mostSent);
  });
});

describe('a flood over HTTP/2 ends', () => {
  test.each(http2)('of %s', async (_, first, again) => {
    const { port, sent } = await pouring(first, again);
    const { result, output, reached } = await probeGrpc({ port }, pod, limits);
    expect({ result, reached }).toEqual({ result: 'failure', reached: true });
    expect(output).not.toContain('timeout');
    expect(sent()).toBeLessThan(mostSent);
  });
});
