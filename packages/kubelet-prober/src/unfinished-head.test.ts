/** Blocks of headers that a peer never completes over HTTP/2: what Node keeps of them must not end the process when the connection is collected. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { closeServers, serveTcp } from './fixtures/servers.ts';

afterEach(closeServers);

const FIXTURE = join(import.meta.dirname, 'fixtures/collecting-prober.ts');
const SETTINGS = Buffer.from('000000040000000000', 'hex');
/** The beginning of a response, `:status: 200`, of which no end follows. */
const BEGINNING = Buffer.from('00000101000000000188', 'hex');
/** One more header `a: b`, and still no end. */
const CONTINUATION = Buffer.from('0000050900000000014001610162', 'hex');
/** More than a client's preface and settings: its request has come. */
const BEFORE_REQUEST_BYTES = 110;

test.each([
  ['continues without end', Buffer.concat([BEGINNING, ...Array(40).fill(CONTINUATION)])],
  ['another frame interrupts', Buffer.concat([BEGINNING, CONTINUATION, CONTINUATION, SETTINGS])],
])('a block of headers that %s is a failure, and the process outlives it', async (_, response) => {
  const { port } = await serveTcp((socket) => {
    let received = 0;
    socket.write(SETTINGS);
    socket.on('data', (piece: Buffer) => {
      const before = received;
      received += piece.length;
      if (before <= BEFORE_REQUEST_BYTES && received > BEFORE_REQUEST_BYTES) {
        socket.write(response);
      }
    });
  });
  const { stdout } = await promisify(execFile)(execPath, ['--expose-gc', FIXTURE, 'grpc', String(port)]);
  const outcomes = stdout.trim().split('\n');
  expect(outcomes).toHaveLength(4);
  expect(JSON.parse(outcomes[3] ?? '')).toMatchObject({ result: 'failure', reached: true });
});
