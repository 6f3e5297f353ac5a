/** Makes one executable of a script and the Node that runs this: Node's single executable application. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath, platform } from 'node:process';

const POSTJECT = join(import.meta.dirname, '../node_modules/postject/dist/cli.js');
/** What marks the place in Node's own program; the same in every version (Node's documentation, "Single executable applications"). */
const SENTINEL = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** Writes the executable to `target`. Takes the text of a CommonJS script; it runs on this operating system and processor only. */
export function makeExecutable(script: string, target: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'postcheck-executable-'));
  const [main, output, config] = ['main.cjs', 'blob', 'config.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(main, script);
  // The code comes compiled, which a short command's time is mostly made of.
  writeFileSync(
    config,
    JSON.stringify({ main, output, disableExperimentalSEAWarning: true, useCodeCache: true }),
  );
  execFileSync(execPath, ['--experimental-sea-config', config], { stdio: 'ignore' });
  copyFileSync(execPath, target);
  chmodSync(target, 0o755);
  if (platform === 'darwin') {
    execFileSync('codesign', ['--remove-signature', target]);
  }
  const segment = platform === 'darwin' ? ['--macho-segment-name', 'NODE_SEA'] : [];
  const options = ['NODE_SEA_BLOB', output, '--sentinel-fuse', SENTINEL, ...segment];
  // It warns of sections without names, which Node's program has.
  execFileSync(execPath, [POSTJECT, target, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
  if (platform === 'darwin') {
    // macOS starts nothing unsigned; this says only that nothing has changed since.
    execFileSync('codesign', ['--sign', '-', target]);
  }
  rmSync(folder, { recursive: true });
}
