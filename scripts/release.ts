/**
 * Builds what a release consists of into dist/release: `node scripts/release.ts [PART…]`, all parts when none is named.
 * No registry is needed, and nothing is published: that is .github/workflows/release.yml.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, env, stdout } from 'node:process';
import { parse } from 'yaml';
import { bundleOperator } from './bundle.ts';
import { billOfMaterials, licenceTexts } from './sbom.ts';

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

/** Helm of this project's own version, as the tests use it. */
function helm(...args: string[]): string {
  run('test/cluster/build-tools.sh', ['helm']);
  return run('.cluster/bin/helm', args);
}

/** The image as an archive, on local stand-ins for its two base images. */
function image(): void {
  const { repository: name } = (parse(read('charts/postcheck/values.yaml')) as Values).image;
  run('test/images/build-operator.sh', [
    `${name}:${version}`,
    join(folder, `postcheck-${version}-image-${machine}.tar`),
  ]);
}

interface Values {
  readonly image: { readonly repository: string };
}

const machine = `linux-${process.arch === 'x64' ? 'amd64' : process.arch}`;

/** With the digest of the pushed image (IMAGE_DIGEST) nobody can put another image in its place. */
function digestFlags(): string[] {
  const digest = env['IMAGE_DIGEST'];
  return digest ? ['--set', `image.digest=${digest}`] : [];
}

function chartPackage(): void {
  helm('package', chart, '--destination', folder);
}

/** What `kubectl apply -f` needs, without Helm: the chart with its defaults. Hooks are Helm's alone. */
function install(): void {
  const newest = readdirSync(join(repository, 'test/cluster/kubernetes')).sort().at(-1) ?? '';
  const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: postcheck-system\n';
  const rendered = helm(
    ...['template', 'postcheck', chart, '--namespace', 'postcheck-system', '--no-hooks'],
    ...[
      '--kube-version',
      newest,
      '--api-versions',
      'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy',
    ],
    ...digestFlags(),
  );
  writeFileSync(join(folder, 'install.yaml'), `${namespace}${rendered}`);
}

async function materials(): Promise<void> {
  const { packages } = await bundleOperator();
  writeFileSync(
    join(folder, 'postcheck-sbom.cdx.json'),
    `${JSON.stringify(billOfMaterials(packages), undefined, 2)}\n`,
  );
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licenceTexts(packages));
}

/** Last: of everything that is there, also of what other machines built. */
function checksums(): void {
  const files = readdirSync(folder).filter((name) => name !== 'SHA256SUMS');
  const lines = files.sort().map((name) => {
    const sum = createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
    return `${sum}  ${name}\n`;
  });
  writeFileSync(join(folder, 'SHA256SUMS'), lines.join(''));
}

const PARTS: Readonly<Record<string, () => void | Promise<void>>> = {
  image,
  chart: chartPackage,
  install,
  sbom: materials,
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
