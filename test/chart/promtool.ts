/** Prometheus' own checker, for tests. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../../.cluster/bin');

/**
 * Path of `promtool`: the one on the PATH, or else the one in Debian's package `prometheus`, unpacked without installing it (an
 * installation would start a Prometheus). Throws when there is neither; a test that needs it is never skipped.
 */
export function promtool(): string {
  if (spawnSync('promtool', ['--version']).status === 0) {
    return 'promtool';
  }
  const path = join(FOLDER, 'promtool');
  if (existsSync(path)) {
    return path;
  }
  mkdirSync(FOLDER, { recursive: true });
  const folder = mkdtempSync(join(FOLDER, 'prometheus-'));
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: folder, stdio: 'pipe' });
  try {
    run('apt-get', 'download', 'prometheus');
    run('dpkg-deb', '--extract', readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '', '.');
  } catch (error) {
    throw new Error(
      `promtool is missing and Debian's package could not be fetched; install Prometheus' promtool: ${error}`,
    );
  }
  renameSync(join(folder, 'usr/bin/promtool'), path);
  rmSync(folder, { recursive: true });
  return path;
}
