/**
 * Builds the library in the present folder, packages/health or packages/kubelet-prober, into dist: one module, its types, and the command if
 * there is one. `npm pack` runs it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const folder = process.cwd();
const dist = join(folder, 'dist');
const common = { bundle: true, platform: 'node', logLevel: 'warning' } as const;

rmSync(dist, { recursive: true, force: true });
buildSync({
  ...common,
  entryPoints: [join(folder, 'src/index.ts')],
  outfile: join(dist, 'index.mjs'),
  format: 'esm',
  target: 'node20',
});
execFileSync(
  join(import.meta.dirname, '../node_modules/.bin/tsc'),
  [
    '--declaration',
    '--emitDeclarationOnly',
    '--rewriteRelativeImportExtensions',
    '--ignoreConfig',
    ...['--target', 'es2024', '--module', 'nodenext', '--moduleResolution', 'nodenext', '--types', 'node'],
    ...['--skipLibCheck', '--strict', '--outDir', dist, join(folder, 'src/index.ts')],
  ],
  { stdio: 'inherit' },
);
const command = join(folder, 'src/postcheck-health.ts');
if (existsSync(command)) {
  const outfile = join(dist, 'postcheck-health.cjs');
  buildSync({ ...common, entryPoints: [command], outfile, format: 'cjs', target: 'node20' });
  chmodSync(outfile, 0o755);
}
