/**
 * A process of its own that floods whoever execs, so that a test measures our memory and not the flood's.
 * Arguments: key file, certificate file, megabytes, bytes in a frame. Prints its port; ends with its standard input.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { acceptUpgrade, channel } from './server.ts';

const [keyFile = '', certFile = '', megabytes = '1', frameBytes = '1'] = process.argv.slice(2);
const frames = Math.max(1, Math.floor(65_536 / (Number(frameBytes) + 4)));
const part = Buffer.concat(
  Array.from({ length: frames }, () => channel(1, Buffer.alloc(Number(frameBytes), 'x'))),
);
const status =
  '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"17"}]}}';

function flood(socket: Socket, left: number): void {
  for (let bytes = left; bytes > 0; bytes -= part.length) {
    if (!socket.write(part)) {
      socket.once('drain', () => flood(socket, bytes - part.length));
      return;
    }
  }
  socket.write(Buffer.concat([channel(2, 'the end'), channel(3, status)]));
}

const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) });
server.on('upgrade', (request, socket) => {
  socket.on('error', () => {});
  acceptUpgrade(socket as Socket, request.headers['sec-websocket-key']);
  flood(socket as Socket, Number(megabytes) * 1024 * 1024);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
process.stdin.resume().on('end', () => process.exit(0));
