/** Kills processes of the test cluster, as an out-of-memory killer or a power cut would, and starts them again. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { env } from 'node:process';
import { promisify } from 'node:util';

const SCRIPT = join(resolve(import.meta.dirname, '../../..'), 'test/cluster/cluster.sh');

async function cluster(command: 'stop' | 'start', name: string): Promise<void> {
  if (env.CONTEXT) {
    throw new Error(`only of the test cluster ${name} can be killed: without CONTEXT`);
  }
  await promisify(execFile)(SCRIPT, [command, name]);
}

/** Kills it, waits for what `meanwhile` waits for, and starts it again, also after a failure. Takes a name as cluster.sh does. */
export async function without(name: string, meanwhile: () => Promise<unknown>): Promise<void> {
  await cluster('stop', name);
  try {
    await meanwhile();
  } finally {
    await cluster('start', name);
  }
}
