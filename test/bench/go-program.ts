/** A program of test/bench/client-go, built for a part of a bench. */
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Build } from './harness.ts';

/** `folder` is that of its package, such as `./verifier`. */
export function goProgram(name: string, folder: string): Build & { readonly binary: string } {
  const binary = join(mkdtempSync(join(tmpdir(), 'postcheck-bench-')), 'program');
  const cwd = join(import.meta.dirname, 'client-go');
  return {
    name,
    limitMs: 10 * 60_000,
    binary,
    build: async (signal) =>
      void (await promisify(execFile)('go', ['build', '-o', binary, folder], { cwd, signal })),
  };
}
