/**
 * Bundles the operator into one file, dist/postcheck.mjs: `node scripts/bundle.ts [OUTFILE]`.
 * Far smaller than node_modules in the image, quicker to start, and less memory. Names are kept, so that stack traces can be read.
 * `--check` only compares the size with the recorded one and ends with 1 when it has changed by more than 5 %; `--record` records it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, exit, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

const repository = dirname(import.meta.dirname);
const recordedSize = join(import.meta.dirname, 'bundle-size.json');
const TOLERANCE = 0.05;

interface Bundle {
  readonly contents: Uint8Array;
  readonly packages: readonly string[];
}

/**
 * What client-node's KubeConfig imports for its own transport, which is not used (docs/adr/0007-connection.md): two thirds of
 * what a bundle would be. A name that is missing here fails the build; one that is called after all throws.
 */
const UNUSED_BY_KUBECONFIG: Readonly<Record<string, readonly string[]>> = {
  undici: ['Agent', 'ProxyAgent'],
  './gen/index.js': ['createConfiguration', 'ServerConfiguration'],
  hpagent: ['HttpProxyAgent', 'HttpsProxyAgent'],
  socks: ['SocksClient'],
  'socks-proxy-agent': ['SocksProxyAgent'],
};

const standIn = (name: string): string =>
  `export function ${name}() { throw new Error('${name} is left out of the bundle, see scripts/bundle.ts'); }`;

/** Takes of client-node only KubeConfig, and of that only what reads and authenticates. Other packages' imports stay as they are. */
const onlyKubeConfig: Plugin = {
  name: 'only-kubeconfig',
  setup({ onLoad, onResolve, resolve }) {
    onResolve({ filter: /^@kubernetes\/client-node$/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === 'resolving') {
        return;
      }
      const index = await resolve(path, {
        kind: from.kind,
        resolveDir: from.resolveDir,
        pluginData: 'resolving',
      });
      return { path: join(dirname(index.path), 'config.js'), namespace: 'kubeconfig' };
    });
    // The package's own loadYaml makes objects of its models, which a kubeconfig has none of; what reads the text is this.
    onLoad({ filter: /./, namespace: 'kubeconfig' }, ({ path }) => ({
      contents: `export * from ${JSON.stringify(path)}; export { load as loadYaml } from 'js-yaml';`,
      resolveDir: dirname(path),
    }));
    onResolve({ filter: /./ }, ({ path, importer }) =>
      path in UNUSED_BY_KUBECONFIG && importer.endsWith('/@kubernetes/client-node/dist/config.js')
        ? { path, namespace: 'left-out' }
        : undefined,
    );
    onLoad({ filter: /./, namespace: 'left-out' }, ({ path }) => ({
      contents: (UNUSED_BY_KUBECONFIG[path] ?? []).map(standIn).join('\n'),
    }));
  },
};

/** Importing node:http reads all that it exports, by which Node loads undici: 7 MiB more than with require, which reads what is used. */
const requiredHttp: Plugin = {
  name: 'required-http',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'http', namespace: 'required' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'required' }, () => ({ contents: "module.exports = require('http');" }));
  },
};

/** Which CRD the operator is built for. */
function schemaDigest(): string {
  const crd = readFileSync(join(repository, 'crds/postcheck.dev_upgrades.yaml'), 'utf8');
  const [, digest] = /^ {4}postcheck\.dev\/schema: "?(\w+)"?$/m.exec(crd) ?? [];
  if (digest === undefined) {
    throw new Error('the CRD has no annotation postcheck.dev/schema: run `npm run generate`');
  }
  return digest;
}

/** Libraries in CommonJS ask for Node's modules with require, which a module does not have by itself. */
export const REQUIRE_BANNER = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

/** Bundles a program of ours into one file for Node, with what `options` say of it. */
export async function bundle(options: BuildOptions): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: repository,
    bundle: true,
    platform: 'node',
    logLevel: 'warning',
    ...options,
    plugins: [onlyKubeConfig, ...(options.plugins ?? [])],
    write: false,
    metafile: true,
  });
  const [file] = outputFiles;
  if (file === undefined) {
    throw new Error('esbuild made no file');
  }
  requireOneByte(file.text);
  return { contents: file.contents, packages: packagesOf(metafile) };
}

/** One character beyond Latin-1, which esbuild leaves as it is in a regular expression, and Node keeps the whole source in memory with two bytes each. */
function requireOneByte(text: string): void {
  const line = text.split('\n').find((one) => Buffer.from(one, 'latin1').toString('latin1') !== one);
  if (line !== undefined) {
    throw new Error(`the bundle would take twice the memory: write \\u… for the character in ${line.trim()}`);
  }
}

/** Bundles the operator. */
export function bundleOperator(): Promise<Bundle> {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    version: string;
  };
  return bundle({
    entryPoints: [join(repository, 'src/main.ts')],
    target: 'node24',
    format: 'esm',
    define: {
      POSTCHECK_VERSION: JSON.stringify(version),
      POSTCHECK_SCHEMA: JSON.stringify(schemaDigest()),
    },
    banner: { js: REQUIRE_BANNER },
    plugins: [requiredHttp],
  });
}

/** The folders of the packages that really are in a bundle, such as `node_modules/ws`: fewer than are installed. */
export function packagesOf({ outputs }: Metafile): readonly string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  // A plugin's own namespace stands before the path, which is then absolute.
  const relativeOf = (path: string) => path.replace(/^[\w-]+:/, '').replace(`${repository}/`, '');
  const folders = inputs.flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput > 0 ? (/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(relativeOf(path))?.[0] ?? []) : [],
  );
  return [...new Set(folders)].sort();
}

/** Why the size needs a person's look, or nothing. Also a much smaller bundle does: else it could grow back unnoticed. */
export function sizeMistake(bytes: number, recorded: number): string | undefined {
  const change = bytes / recorded - 1;
  return Math.abs(change) <= TOLERANCE
    ? undefined
    : `the bundle has ${kib(bytes)}, recorded are ${kib(recorded)} (${change > 0 ? '+' : ''}${(change * 100).toFixed(1)} %): ` +
        'see what came in, and if it is wanted run `npm run bundle -- --record` and commit scripts/bundle-size.json';
}

const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;

async function main(argument = join(repository, 'dist/postcheck.mjs')): Promise<void> {
  const { contents } = await bundleOperator();
  const bytes = contents.length;
  if (!argument.startsWith('--')) {
    mkdirSync(dirname(argument), { recursive: true });
    writeFileSync(argument, contents);
  }
  if (argument === '--record') {
    writeFileSync(recordedSize, `{ "bytes": ${bytes} }\n`);
  }
  if (argument === '--check') {
    const { bytes: recorded } = JSON.parse(readFileSync(recordedSize, 'utf8')) as { bytes: number };
    const mistake = sizeMistake(bytes, recorded);
    if (mistake !== undefined) {
      stderr.write(`${mistake}\n`);
      exit(1);
    }
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await main(argv[2]);
}
