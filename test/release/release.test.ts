/** Unpacks what `node scripts/release.ts` built into dist/release, and uses it as its users will. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const RELEASE = join(ROOT, 'dist/release');
const scratch = mkdtempSync(join(tmpdir(), 'postcheck-release-'));
const files = readdirSync(RELEASE);

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const name = (parse(readFileSync(join(ROOT, 'charts/postcheck/values.yaml'), 'utf8')) as Values).image
  .repository;

interface Values {
  readonly image: { readonly repository: string };
}

interface ImageConfig {
  readonly config: {
    readonly User: string;
    readonly Entrypoint: string[];
    readonly Labels: Record<string, string>;
  };
}

interface Package {
  readonly name: string;
  readonly version: string;
}
const nameOf = ({ name, version }: Package): string => `${name}@${version}`;
const readPackage = (folder: string): Package =>
  JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Package;

/** The one released file that such a name has. */
function released(pattern: RegExp): string {
  const found = files.filter((file) => pattern.test(file));
  expect(found).toHaveLength(1);
  return join(RELEASE, found[0] ?? '');
}

const run = (command: string, args: readonly string[]) =>
  execFileSync(command, args, { encoding: 'utf8', cwd: scratch, maxBuffer: 1 << 26 });

afterAll(() => rmSync(scratch, { recursive: true }));

test('every file has the checksum that SHA256SUMS says', () => {
  const { stdout, status } = spawnSync('sha256sum', ['--check', 'SHA256SUMS'], {
    cwd: RELEASE,
    encoding: 'utf8',
  });
  expect({ status, lines: stdout.trim().split('\n').length }).toEqual({ status: 0, lines: files.length - 1 });
});

describe('the image', () => {
  const root = join(scratch, 'root');
  let image: ImageConfig;

  beforeAll(() => {
    run('tar', ['-xf', released(/-image-linux-\w+\.tar$/)]);
    const [manifest] = JSON.parse(readFileSync(join(scratch, 'manifest.json'), 'utf8'));
    expect(manifest.RepoTags).toEqual([`${name}:${version}`]);
    image = JSON.parse(readFileSync(join(scratch, manifest.Config), 'utf8'));
    mkdirSync(root);
    for (const layer of manifest.Layers) {
      run('tar', ['-C', root, '-xf', layer]);
    }
  }, 120_000);

  test('runs the operator as an unprivileged user', () => {
    const [command = '', ...args] = image.config.Entrypoint;
    expect(image.config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const help = run('chroot', [`--userspec=${image.config.User}`, root, command, ...args, '--help']);
    expect(help).toMatch(/^postcheck: upgrades containers/);
  }, 30_000);

  test('runs it as any other user too, as OpenShift gives each namespace one of its own', () => {
    const [command = '', ...args] = image.config.Entrypoint;
    const help = run('chroot', ['--userspec=1000660000:0', root, command, ...args, '--help']);
    expect(help).toMatch(/^postcheck: upgrades containers/);
  }, 30_000);

  test('holds exactly the packages that the bill of materials lists, and their licences are passed on', () => {
    const bundle = readFileSync(join(root, 'app/postcheck.mjs'), 'utf8');
    // A package may be there in two versions, one of them inside the package that needs it.
    const folders = bundle.matchAll(/^\/\/ ((?:.*\/)?node_modules\/(?:@[^/\n]+\/)?[^/\n]+)\//gm);
    const inside = new Set([...folders].map(([, folder = '']) => nameOf(readPackage(folder))));
    const { components } = JSON.parse(readFileSync(released(/^postcheck-sbom\.cdx\.json$/), 'utf8'));
    const listed = (components as Package[]).map(nameOf);
    expect(listed.sort()).toEqual([...inside].sort());
    const licences = readFileSync(released(/^THIRD-PARTY-LICENSES\.txt$/), 'utf8');
    for (const component of listed) {
      expect(licences).toContain(`${component} (`);
    }
  });
});

/** Every image that a manifest names. */
const imagesIn = (manifest: string): unknown[] =>
  [...manifest.matchAll(/^\s*(?:- )?image: "?([^"\s]+)"?$/gm)].map(([, image]) => image);

describe('the chart package', () => {
  test('renders, and asks for the image of its own version', () => {
    const rendered = run(join(ROOT, '.cluster/bin/helm'), [
      'template',
      'postcheck',
      released(/^postcheck-[\d.]+\.tgz$/),
    ]);
    expect(new Set(imagesIn(rendered))).toEqual(new Set([`${name}:${version}`]));
    expect(rendered).toContain('kind: CustomResourceDefinition');
  });
});

describe('the plugin of kubectl', () => {
  const platform = `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`;

  test('runs from its archive, without a Node beside it', () => {
    run('tar', ['-xzf', released(new RegExp(`^kubectl-postcheck_.*_${platform}\\.tar\\.gz$`))]);
    const { stdout } = spawnSync(join(scratch, 'kubectl-postcheck'), ['--help'], {
      encoding: 'utf8',
      env: {},
    });
    expect(stdout).toMatch(/^Usage: kubectl postcheck /);
  });

  test('runs as a script', () => {
    expect(run(process.execPath, [released(/^kubectl-postcheck_.*\.mjs$/), '--help'])).toMatch(
      /^Usage: kubectl postcheck /,
    );
  });

  test('is what krew downloads: the address of this version, and the checksum of this file', () => {
    const { spec } = parse(readFileSync(released(/^krew\.yaml$/), 'utf8'));
    expect(spec.version).toBe(`v${version}`);
    for (const { uri, sha256 } of spec.platforms) {
      expect(uri).toContain(`/releases/download/v${version}/`);
      const file = join(RELEASE, uri.split('/').at(-1));
      expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(sha256);
    }
    expect(spec.platforms).toHaveLength(files.filter((file) => file.endsWith('.tar.gz')).length);
  });

  test('is installed by krew itself, from its manifest and its archive', () => {
    // krew takes the name of the plugin from that of the file.
    const manifest = join(scratch, 'postcheck.yaml');
    copyFileSync(released(/^krew\.yaml$/), manifest);
    const archive = released(new RegExp(`^kubectl-postcheck_.*_${platform}\\.tar\\.gz$`));
    const environment = { ...process.env, KREW_ROOT: join(scratch, 'krew') };
    execFileSync(
      'go',
      [
        '-C',
        join(ROOT, 'test/krew'),
        'tool',
        'krew',
        'install',
        `--manifest=${manifest}`,
        `--archive=${archive}`,
      ],
      { env: environment, stdio: 'pipe' },
    );
    expect(run(join(scratch, 'krew/bin/kubectl-postcheck'), ['version', '--client'])).toContain(version);
  });
});

describe('install.yaml', () => {
  const file = join(RELEASE, 'install.yaml');
  const manifest = readFileSync(join(RELEASE, 'install.yaml'), 'utf8');
  const api = join(scratch, 'api');

  afterAll(() => void spawnSync(join(ROOT, 'test/cluster/api-only.sh'), ['down', api]));

  test('asks for the image of its own version, and no other', () => {
    expect(new Set(imagesIn(manifest))).toEqual(new Set([`${name}:${version}`]));
  });

  test('is taken whole by an API server, twice, and goes again after `uninstall`', () => {
    const kubeconfig = run(join(ROOT, 'test/cluster/api-only.sh'), ['up', api]).trim();
    const kubectl = (...args: string[]) =>
      spawnSync(join(ROOT, '.cluster/bin/kubectl'), ['--kubeconfig', kubeconfig, ...args], {
        encoding: 'utf8',
      });
    const objects = parseAllDocuments(manifest).filter((document) => document.toJS() !== null).length;
    for (let times = 0; times < 2; times++) {
      const applied = kubectl('apply', '--server-side', '-f', file);
      expect({ status: applied.status, stderr: applied.stderr }).toEqual({ status: 0, stderr: '' });
      expect(applied.stdout.trim().split('\n')).toHaveLength(objects);
    }
    const bundle = join(scratch, 'root/app/postcheck.mjs');
    const flags = [
      '--deployment',
      'postcheck',
      '--namespace',
      'postcheck-system',
      '--kubeconfig',
      kubeconfig,
    ];
    run(process.execPath, [bundle, 'uninstall', ...flags]);
    expect(kubectl('get', 'mutatingadmissionpolicybindings', '-o', 'name').stdout).toBe('');
    expect(kubectl('delete', '-f', file, '--ignore-not-found', '--wait=false')).toMatchObject({ status: 0 });
  }, 120_000);
});
