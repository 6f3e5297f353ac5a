import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The script under test. */
export const probePath = join(here, '..', 'readiness_probe.sh');

/** The shells that the script must run under; each is /bin/sh of the whole sandbox, so hooks and helpers run under it too. */
export const shells = ['dash', 'busybox'] as const;
export type Shell = (typeof shells)[number];

/** The last line on stdout, as documented at the top of the script. */
export interface ResultLine {
  stage: string;
  code: string;
  state: string;
  exitstatus: string;
  source: string;
  hook: string;
  ms: string;
}

export interface ProbeRun {
  /** The exit code; null when a signal ended the script. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** Empty when the script printed no result line. */
  result: Partial<ResultLine>;
  elapsedMs: number;
}

export interface ProbeOptions {
  shell?: Shell;
  env?: Record<string, string>;
  /** Runs the script as this user and group. */
  uid?: number;
  /** Runs inside the process namespace of this process. */
  inside?: number;
  /** Shell text that stands before the script, such as `exec <&-;`. */
  before?: string;
}

/** Installs supervisord, busybox and shellcheck when they are missing. */
export function installTools(): void {
  execFileSync(join(here, 'setup.sh'), { stdio: 'inherit' });
}

/** A directory that any user may enter, and the way to get rid of it. */
export function makeDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'readiness-probe-'));
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes a file that can be executed and gives its path. */
export function writeProgram(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** The tools of a small image: links in a directory of their own, for POSTCHECK_PATH. */
export function makeToolDirectory(directory: string, shell: Shell, extra: readonly string[] = []): string {
  const path = join(directory, `bin-${shell}-${extra.join('-')}`);
  mkdirSync(path);
  const small = ['dd', 'env', 'grep', 'head', 'od', 'sed', 'setsid', 'sh', 'sleep', 'tail', 'tr', 'yes'];
  for (const tool of small) {
    symlinkSync(shell === 'busybox' ? '/bin/busybox' : `/usr/bin/${tool}`, join(path, tool));
  }
  for (const tool of extra) {
    symlinkSync(`/usr/bin/${tool}`, join(path, tool));
  }
  return path;
}

// A mount namespace of its own, in which /bin/sh is the wanted shell and Debian's default supervisord.conf does not exist.
const sandbox = `
  mount -t tmpfs none /etc/supervisor || exit 99
  [ "$1" = dash ] || mount --bind /bin/busybox "$(readlink -f /bin/sh)" || exit 99
  shift
  exec "$@"`;

/** Runs the script as a container runtime would: directly, with its own descriptors, under the given shell. */
export async function runProbe(options: ProbeOptions = {}): Promise<ProbeRun> {
  const started = performance.now();
  const child = spawnProbe(options);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  return { code, stdout, stderr, result: parseResult(stdout), elapsedMs: performance.now() - started };
}

/** As `runProbe`, for tests that kill it. */
export function spawnProbe(options: ProbeOptions) {
  const user =
    options.uid === undefined
      ? []
      : ['setpriv', `--reuid=${options.uid}`, `--regid=${options.uid}`, '--clear-groups'];
  const enter =
    options.inside === undefined ? [] : ['nsenter', `--target=${options.inside}`, '--pid', '--mount'];
  const command =
    options.before === undefined ? [probePath] : ['sh', '-c', `${options.before} exec ${probePath}`];
  const [file, ...args] = [
    ...enter,
    'unshare',
    '--mount',
    'sh',
    '-c',
    sandbox,
    'sh',
    options.shell ?? 'dash',
    ...user,
    ...command,
  ];
  return spawn(file as string, args, {
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The documented last line; empty when it is missing. */
export function parseResult(stdout: string): Partial<ResultLine> {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!/^postcheck: stage=\S+ code=\S+ state=\S+ exitstatus=\S+ source=\S+ hook=\S+ ms=\S+$/.test(line)) {
    return {};
  }
  return Object.fromEntries(
    line
      .split(' ')
      .slice(1)
      .map((pair) => pair.split('=')),
  );
}
