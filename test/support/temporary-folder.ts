/** Before the tests of a run: everything that they put into the system's temporary folder goes into one of its own. */
import { spawnSync } from 'node:child_process';
import { chmodSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { env } from 'node:process';

const PREFIX = 'postcheck-tests-';
const API_ONLY = join(import.meta.dirname, '../cluster/api-only.sh');

/** Returns nothing; the workers that start afterwards take TMPDIR over. Other users may use it as they may use the system's: some tests run as one. */
// biome-ignore lint/style/noDefaultExport: jest calls it
export default function setup(): void {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  chmodSync(folder, 0o1777);
  env['TMPDIR'] = folder;
}

/** Takes it away with all that is left in it, also after tests that failed: an API server that still runs is ended before its folder goes. */
export function teardown(): void {
  if (!basename(tmpdir()).startsWith(PREFIX)) {
    throw new Error(`${tmpdir()} is not a folder of a test run`);
  }
  for (const folder of globSync(join(tmpdir(), 'postcheck-api-*'))) {
    spawnSync(API_ONLY, ['down', folder], { stdio: 'inherit' });
  }
  rmSync(tmpdir(), { recursive: true, force: true });
}
