/**
 * A worker without any port. It shows that it works by a heartbeat, which it writes where the work is done: a hung work loop
 * stops the beats, although the process, its timers and its event loop live on. SIGUSR2 hangs it, to see that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startHeartbeat } from '../../packages/health/src/heartbeat.ts';

const { HEARTBEAT_FILE: path = '/run/app/heartbeat', VERSION: version = '1' } = process.env;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const heartbeat = await startHeartbeat({ path, onError: (error) => say(error.message) });
let stopping = false;
let hung = false;

process.on('SIGTERM', () => {
  stopping = true;
  // Not ready from now on; the job in hand is finished below.
  void heartbeat.stop();
});
process.on('SIGUSR2', () => {
  hung = true;
  say('the next job hangs');
});

async function workOnOneJob(): Promise<void> {
  // A job that waits for ever, without any limit of its own: the classic way to lose a worker.
  await sleep(hung ? 2 ** 31 - 1 : 500);
}

say(`version ${version} works`);
while (!stopping) {
  await workOnOneJob();
  await heartbeat.beat();
}
say('the last job is done');
