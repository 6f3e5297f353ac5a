import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execPath } from 'node:process';
import { describe, expect, it } from '@jest/globals';

/** One run: prints where its tests would put something, and ends. */
const RUN = `
  const { default: setup, teardown } = await import(process.argv[1]);
  setup();
  const folder = (await import('node:os')).tmpdir();
  (await import('node:fs')).mkdirSync(folder + '/left');
  console.log(folder);
  teardown();
`;

describe('what tests put into the temporary folder', () => {
  it('goes into one of this run', () => {
    expect(tmpdir()).toMatch(/\/postcheck-tests-\w+$/);
    expect((statSync(tmpdir()).mode & 0o7777).toString(8)).toBe('1777');
  });

  it('goes with it', () => {
    const setup = join(import.meta.dirname, 'temporary-folder.ts');
    const folder = execFileSync(execPath, ['--input-type=module', '-e', RUN, setup], {
      encoding: 'utf8',
    }).trim();
    expect(dirname(folder)).toBe(tmpdir());
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(tmpdir())).toBe(true);
  });
});
