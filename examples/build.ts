/**
 * Lays out what goes into the examples' images, below dist/examples: `node examples/build.ts [NAME...]`.
 * Everything is bundled here, so that an image needs no node_modules and its build no network.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';

const repository = dirname(import.meta.dirname);

function bundle(from: string, to: string, format: 'esm' | 'cjs'): void {
  // Libraries in CommonJS ask for Node's modules with require, which a module does not have by itself.
  const banner =
    format === 'esm'
      ? { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` }
      : undefined;
  buildSync({
    entryPoints: [from],
    outfile: to,
    bundle: true,
    platform: 'node',
    format,
    target: 'node22',
    banner,
  });
}

function install(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}

function layOut(example: string): void {
  const root = join(repository, 'dist/examples', example);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  bundle(join(import.meta.dirname, example, 'app.ts'), join(root, 'app/app.mjs'), 'esm');
  bundle(
    join(repository, 'packages/health/src/postcheck-health.ts'),
    join(root, 'usr/bin/postcheck-health'),
    'cjs',
  );
  chmodSync(join(root, 'usr/bin/postcheck-health'), 0o755);
  install(join(repository, 'container/readiness_probe.sh'), join(root, 'usr/bin/readiness_probe.sh'));
  const hook = join(import.meta.dirname, example, 'readiness_probe_hook');
  if (existsSync(hook)) {
    install(hook, join(root, 'usr/bin/readiness_probe_hook'));
  }
}

const examples = readdirSync(import.meta.dirname).filter((name) =>
  existsSync(join(import.meta.dirname, name, 'app.ts')),
);
for (const example of process.argv.length > 2 ? process.argv.slice(2) : examples) {
  layOut(example);
}
