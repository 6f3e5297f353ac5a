/**
 * Bundles the command line tool into one file, packages/cli/dist/kubectl-postcheck.mjs: `node packages/cli/build.ts [OUTFILE]`.
 * A short command's time is mostly reading its own code, so what it does not need stays out, and rare verbs are read when they are called.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { bundle, REQUIRE_BANNER } from '../../scripts/bundle.ts';

const here = import.meta.dirname;

/** As a module the text is a script to run; as CommonJS it goes into the single executable. */
export async function bundleCli(
  format: 'esm' | 'cjs',
): Promise<{ text: string; packages: readonly string[] }> {
  const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as { version: string };
  const { contents, packages } = await bundle({
    entryPoints: [join(here, 'src/main.ts')],
    target: 'node22',
    format,
    minifySyntax: true,
    minifyWhitespace: true,
    define: { POSTCHECK_VERSION: JSON.stringify(version) },
    ...(format === 'esm' ? { banner: { js: `#!/usr/bin/env node\n${REQUIRE_BANNER}` } } : {}),
  });
  return { text: Buffer.from(contents).toString(), packages };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const outfile = argv[2] ?? join(here, 'dist/kubectl-postcheck.mjs');
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(outfile, (await bundleCli('esm')).text);
  chmodSync(outfile, 0o755);
}
