/**
 * Bundles the command line tool into one file, packages/cli/dist/kubectl-postcheck.mjs: `node packages/cli/build.ts [OUTFILE]`.
 * The page of the dashboard is in it as text; `--check` only compares its weight with what it may have.
 * A short command's time is mostly reading its own code, so what it does not need stays out, and rare verbs are read when they are called.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, exit, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { bundle, packagesOf, REQUIRE_BANNER } from '../../scripts/bundle.ts';
import type { Page } from './src/dashboard/server.ts';

const here = import.meta.dirname;

/** What the dashboard's page may weigh, compressed and whole. */
export const PAGE_LIMIT_BYTES = 150 * 1024;

/** The page of the dashboard: markup, script and style by name, and the packages in it. */
export async function bundlePage(): Promise<{ page: Page; packages: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: join(here, '../..'),
    entryPoints: [join(here, 'page/app.tsx'), join(here, 'page/app.css')],
    bundle: true,
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17'],
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    outdir: join(here, 'page'),
    logLevel: 'warning',
    write: false,
    metafile: true,
  });
  const built = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  const page = {
    '': { type: 'text/html', text: readFileSync(join(here, 'page/index.html'), 'utf8') },
    'app.js': { type: 'text/javascript', text: built('.js') },
    'app.css': { type: 'text/css', text: built('.css') },
  };
  return { page, packages: packagesOf(metafile) };
}

/** What a browser would load if it were compressed. */
export const weightOf = (page: Page): number =>
  Object.values(page).reduce((sum, { text }) => sum + gzipSync(text).length, 0);

/** As a module the text is a script to run; as CommonJS it goes into the single executable. */
export async function bundleCli(
  format: 'esm' | 'cjs',
): Promise<{ text: string; packages: readonly string[] }> {
  const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as { version: string };
  const { page, packages: inPage } = await bundlePage();
  const { contents, packages } = await bundle({
    entryPoints: [join(here, 'src/main.ts')],
    target: 'node22',
    format,
    minifySyntax: true,
    minifyWhitespace: true,
    define: { POSTCHECK_VERSION: JSON.stringify(version), POSTCHECK_PAGE: JSON.stringify(page) },
    ...(format === 'esm' ? { banner: { js: `#!/usr/bin/env node\n${REQUIRE_BANNER}` } } : {}),
  });
  return { text: Buffer.from(contents).toString(), packages: [...new Set([...packages, ...inPage])].sort() };
}

/** Ends with 1 when the page has grown beyond its limit. */
async function checkPage(): Promise<void> {
  const bytes = weightOf((await bundlePage()).page);
  if (bytes > PAGE_LIMIT_BYTES) {
    stderr.write(`the dashboard's page has ${bytes} bytes compressed, more than ${PAGE_LIMIT_BYTES}\n`);
    exit(1);
  }
}

async function main(argument = join(here, 'dist/kubectl-postcheck.mjs')): Promise<void> {
  if (argument === '--check') {
    await checkPage();
    return;
  }
  mkdirSync(dirname(argument), { recursive: true });
  writeFileSync(argument, (await bundleCli('esm')).text);
  chmodSync(argument, 0o755);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await main(argv[2]);
}
