/** What `cluster.sh down` must leave alone, on a copy of the scripts: it never ran `up`. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'postcheck-cluster-'));
const cache = join(folder, 'cache');
const home = join(folder, '.cluster');
const program = join(home, 'bin/kubernetes-1.99/kube-apiserver');
let started: ChildProcess[] = [];

beforeEach(() => {
  cpSync(import.meta.dirname, join(folder, 'test/cluster'), { recursive: true });
  const built = join(cache, 'postcheck/tools/kubernetes-0/kube-apiserver');
  for (const directory of [join(built, '..'), join(program, '..'), join(home, 'run')]) {
    mkdirSync(directory, { recursive: true });
  }
  copyFileSync('/bin/sleep', built);
  symlinkSync(built, program);
});
afterEach(() => {
  for (const process of started) {
    process.kill('SIGKILL');
  }
  started = [];
  rmSync(folder, { recursive: true });
});

/** A process of one of the cluster's programs, with that command line. */
async function start(commandLine: string): Promise<ChildProcess> {
  const child = spawn(program, ['600'], { argv0: commandLine });
  started.push(child);
  await once(child, 'spawn');
  return child;
}

test('down ends what ran with files of the cluster, and no API server that was only started from its programs', async () => {
  const ofCluster = await start(`${program} --etcd-servers=unix://${home}/etcd.sock`);
  const ofTest = await start(`${program} --etcd-servers=unix://${folder}/elsewhere/etcd.sock`);
  const ended = once(ofCluster, 'exit');
  execFileSync(join(folder, 'test/cluster/cluster.sh'), ['down'], { env: { ...env, XDG_CACHE_HOME: cache } });
  await ended;
  // From the kernel: Node hears of an end only later.
  expect(readFileSync(`/proc/${ofTest.pid}/stat`, 'utf8')).not.toContain(') Z ');
}, 60_000);
