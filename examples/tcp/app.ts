/**
 * A line server: it sends back what it gets. Its probe is a TCP connection, which shows one thing: that somebody
 * listens. So it listens only while it can serve: not before its preparations are done, and not while it shuts down.
 */
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const {
  PORT: port = '9000',
  PREPARE_SECONDS: prepareSeconds = '2',
  DRAIN_SECONDS: drainSeconds = '5',
  VERSION: version = '1',
} = process.env;
const open = new Set<Socket>();

const server = createServer((socket) => {
  open.add(socket);
  socket.on('close', () => open.delete(socket));
  // A probe connects and is gone; what is then written meets a closed socket. Without a listener that ends the process.
  socket.on('error', () => socket.destroy());
  socket.write(`version ${version}\n`);
  socket.pipe(socket);
});

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  process.stdout.write(`closed for new connections, ${open.size} open\n`);
  setTimeout(() => {
    for (const socket of open) {
      socket.end('going away\n');
      socket.destroySoon();
    }
  }, Number(drainSeconds) * 1000);
});

await sleep(Number(prepareSeconds) * 1000);
server.listen(Number(port), () => process.stdout.write(`version ${version} listens on ${port}\n`));
