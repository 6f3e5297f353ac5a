/**
 * A worker without any port. It answers for itself over a unix socket, with what only it can know: is its queue
 * reachable, does its work go on? SIGUSR2 breaks and mends the queue, to see what the probes say.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startHealthServer } from '../../packages/health/src/server.ts';

const { POSTCHECK_HEALTH_SOCKET: socket = '/run/app/health.sock', VERSION: version = '1' } = process.env;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** This application's own codes, 3-99; the Upgrade beside this file gives them names. */
const exitCode = { queueUnreachable: 17, shuttingDown: 18 };

let stopping = false;
let queueReachable = true;

const health = await startHealthServer({
  socket,
  check: () => {
    if (stopping) {
      return exitCode.shuttingDown;
    }
    return queueReachable || exitCode.queueUnreachable;
  },
});

process.on('SIGTERM', () => {
  stopping = true;
});
process.on('SIGUSR2', () => {
  queueReachable = !queueReachable;
  say(`queue ${queueReachable ? 'reachable' : 'unreachable'}`);
});

say(`version ${version} works`);
while (!stopping) {
  await sleep(500);
}
say('the last job is done');
await health.close();
