/**
 * Builds what a release consists of into dist/release: `node scripts/release.ts [PART…]`, all parts when none is named.
 * No registry is needed, and nothing is published: that is .github/workflows/release.yml.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { argv, env, stdout } from 'node:process';
import { parse, stringify } from 'yaml';
import { bundleCli } from '../packages/cli/build.ts';
import { bundleOperator } from './bundle.ts';
import { makeExecutable } from './executable.ts';
import { helm, installYaml } from './plain-manifests.ts';
import { billOfMaterials, type Component, licenceTexts } from './sbom.ts';

const repository = dirname(import.meta.dirname);
const folder = join(repository, 'dist/release');
const chart = join(repository, 'charts/postcheck');

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const run = (command: string, args: readonly string[]): string =>
  execFileSync(command, args, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** The one version of everything. Throws when two files disagree. */
function releasedVersion(): string {
  const { version, appVersion } = parse(read('charts/postcheck/Chart.yaml')) as Record<string, string>;
  const versions = {
    'package.json': (JSON.parse(read('package.json')) as { version: string }).version,
    'packages/cli/package.json': (JSON.parse(read('packages/cli/package.json')) as { version: string })
      .version,
    'charts/postcheck/Chart.yaml version': version,
    'charts/postcheck/Chart.yaml appVersion': appVersion,
  };
  const [first = '', ...others] = new Set(Object.values(versions));
  if (others.length > 0) {
    throw new Error(`versions differ: ${JSON.stringify(versions)}`);
  }
  // A registry takes no plus sign in a tag, and the chart's tag is its version.
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(first)) {
    throw new Error(`${first} is no version that a registry takes as a tag`);
  }
  return first;
}

const version = releasedVersion();

/** The image as an archive, on local stand-ins for its two base images. */
function image(): void {
  const { repository: name } = (parse(read('charts/postcheck/values.yaml')) as Values).image;
  run('test/images/build-operator.sh', [
    `${name}:${version}`,
    join(folder, `postcheck-${version}-image-${system}-${processor}.tar`),
  ]);
}

interface Values {
  readonly image: { readonly repository: string };
}

/** As Go, and so Kubernetes, calls operating systems and processors. */
const system = process.platform === 'win32' ? 'windows' : process.platform;
const processor = process.arch === 'x64' ? 'amd64' : process.arch;

/** With the digest of the pushed image (IMAGE_DIGEST) nobody can put another image in its place. */
function digestFlags(): string[] {
  const digest = env['IMAGE_DIGEST'];
  return digest ? ['--set', `image.digest=${digest}`] : [];
}

function chartPackage(): void {
  helm('package', chart, '--destination', folder);
}

/** What `kubectl apply -f` needs, without Helm: the chart with its defaults. */
function install(): void {
  writeFileSync(join(folder, 'install.yaml'), installYaml(...digestFlags()));
}

/** kubectl's plugin as an executable for this machine, beside its licence. */
async function cli(): Promise<void> {
  const { text } = await bundleCli('cjs');
  const unpacked = mkdtempSync(join(tmpdir(), 'postcheck-cli-'));
  const program = system === 'windows' ? 'kubectl-postcheck.exe' : 'kubectl-postcheck';
  makeExecutable(text, join(unpacked, program));
  copyFileSync(join(repository, 'LICENSE'), join(unpacked, 'LICENSE'));
  run('tar', [
    '-czf',
    join('dist/release', `kubectl-postcheck_${version}_${system}_${processor}.tar.gz`),
    ...['-C', unpacked, program, 'LICENSE'],
  ]);
  rmSync(unpacked, { recursive: true });
}

/** The same for any machine that has Node. */
async function script(): Promise<void> {
  const { text } = await bundleCli('esm');
  writeFileSync(join(folder, `kubectl-postcheck_${version}.mjs`), text, { mode: 0o755 });
}

/** krew's manifest, of the executables that are there. */
function krew(): void {
  const archive = /^kubectl-postcheck_[^_]+_(?<os>[^_]+)_(?<arch>[^_]+)\.tar\.gz$/;
  const platforms = readdirSync(folder).flatMap((file) => {
    const { os, arch } = archive.exec(file)?.groups ?? {};
    return os === undefined
      ? []
      : {
          selector: { matchLabels: { os, arch } },
          uri: `https://github.com/postcheck/postcheck/releases/download/v${version}/${file}`,
          sha256: sha256(file),
          bin: os === 'windows' ? 'kubectl-postcheck.exe' : 'kubectl-postcheck',
        };
  });
  const manifest = {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'postcheck' },
    spec: {
      version: `v${version}`,
      homepage: 'https://github.com/postcheck/postcheck',
      shortDescription: 'See, explain and steer verified upgrades',
      description:
        'Shows what the Upgrades of a cluster do, pod by pod, why they passed or fell back,\n' +
        'and lets you retry, abort, pause and probe. Needs postcheck in the cluster.\n',
      platforms,
    },
  };
  writeFileSync(join(folder, 'krew.yaml'), stringify(manifest));
}

/** What an executable holds beside the script. The image's is listed with the image's other files, by its builder. */
const NODE: Component = {
  'bom-ref': `node@${process.versions.node}`,
  type: 'platform',
  name: 'node',
  version: process.versions.node,
  purl: `pkg:generic/node@${process.versions.node}`,
};

function writeMaterials(product: string, packages: readonly string[], more: readonly Component[] = []): void {
  const bill = billOfMaterials(product, packages, more);
  writeFileSync(join(folder, `${product}-sbom.cdx.json`), `${JSON.stringify(bill, undefined, 2)}\n`);
}

async function materials(): Promise<void> {
  const operator = await bundleOperator();
  const plugin = await bundleCli('cjs');
  writeMaterials('postcheck', operator.packages);
  writeMaterials('kubectl-postcheck', plugin.packages, [NODE]);
  const all = new Set([...operator.packages, ...plugin.packages]);
  const node = `Node.js, in the executables: https://github.com/nodejs/node/blob/v${NODE.version}/LICENSE\n\n`;
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), node + licenceTexts([...all].sort()));
}

const sha256 = (file: string): string =>
  createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex');

/** Last: of everything that is there, also of what other machines built. */
function checksums(): void {
  const files = readdirSync(folder).filter((name) => name !== 'SHA256SUMS');
  const lines = files.sort().map((name) => `${sha256(name)}  ${name}\n`);
  writeFileSync(join(folder, 'SHA256SUMS'), lines.join(''));
}

const PARTS: Readonly<Record<string, () => void | Promise<void>>> = {
  image,
  chart: chartPackage,
  install,
  cli,
  script,
  sbom: materials,
  krew,
  checksums,
};

const wanted = argv.slice(2);
const unknown = wanted.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  throw new Error(`unknown part ${unknown.join(', ')}: there are ${Object.keys(PARTS).join(', ')}`);
}
if (wanted.length === 0) {
  rmSync(folder, { recursive: true, force: true });
}
mkdirSync(folder, { recursive: true });
for (const [name, make] of Object.entries(PARTS)) {
  if (wanted.length === 0 || wanted.includes(name)) {
    stdout.write(`${name}\n`);
    await make();
  }
}
stdout.write(`postcheck ${version} is in dist/release\n`);
