/**
 * Bundles the command line tool into one file, packages/cli/dist/kubectl-postcheck.mjs: `node packages/cli/build.ts [OUTFILE]`.
 * A short command's time is mostly reading its own code, so what it does not need stays out, and rare verbs are read when they are called.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { onlyKubeConfig, packagesOf } from '../../scripts/bundle.ts';

const here = import.meta.dirname;

/** As a module the text is a script to run; as CommonJS it goes into the single executable. */
export async function bundleCli(
  format: 'esm' | 'cjs',
): Promise<{ text: string; packages: readonly string[] }> {
  const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as { version: string };
  const { outputFiles, metafile } = await build({
    absWorkingDir: join(here, '../..'),
    entryPoints: [join(here, 'src/main.ts')],
    bundle: true,
    platform: 'node',
    target: 'node22',
    format,
    minifySyntax: true,
    minifyWhitespace: true,
    define: { POSTCHECK_VERSION: JSON.stringify(version) },
    ...(format === 'esm'
      ? {
          banner: {
            // Libraries in CommonJS ask for Node's modules with require, which a module does not have by itself.
            js: `#!/usr/bin/env node\nimport { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
          },
        }
      : {}),
    plugins: [onlyKubeConfig],
    logLevel: 'warning',
    write: false,
    metafile: true,
  });
  const [file] = outputFiles;
  if (file === undefined) {
    throw new Error('esbuild made no file');
  }
  return { text: file.text, packages: packagesOf(metafile) };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const outfile = argv[2] ?? join(here, 'dist/kubectl-postcheck.mjs');
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(outfile, (await bundleCli('esm')).text);
  chmodSync(outfile, 0o755);
}
