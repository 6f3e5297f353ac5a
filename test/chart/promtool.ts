/** Prometheus and its own checker, for tests. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../../.cluster/bin');

type Program = 'promtool' | 'prometheus';

/** Path of `promtool`. */
export const promtool = (): string => programOf('promtool');
/** Path of `prometheus`. */
export const prometheus = (): string => programOf('prometheus');

/**
 * The one on the PATH, or else the one in Debian's package `prometheus`, unpacked without installing it (an installation would start a Prometheus).
 * Throws when there is neither; a test that needs it is never skipped.
 */
function programOf(program: Program): string {
  if (spawnSync(program, ['--version']).status === 0) {
    return program;
  }
  const path = join(FOLDER, program);
  if (!existsSync(path)) {
    unpack();
  }
  return path;
}

function unpack(): void {
  mkdirSync(FOLDER, { recursive: true });
  const folder = mkdtempSync(join(FOLDER, 'prometheus-'));
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: folder, stdio: 'pipe' });
  try {
    run('apt-get', 'download', 'prometheus');
    run('dpkg-deb', '--extract', readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '', '.');
  } catch (error) {
    throw new Error(
      `promtool or prometheus is missing and Debian's package could not be fetched; install Prometheus: ${error}`,
    );
  }
  for (const program of ['promtool', 'prometheus']) {
    renameSync(join(folder, 'usr/bin', program), join(FOLDER, program));
  }
  rmSync(folder, { recursive: true });
}
