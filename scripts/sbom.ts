/** What of others is in a bundle: a CycloneDX bill of materials, and their licences' texts. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const repository = dirname(import.meta.dirname);

/** As CycloneDX has it; npm says more of each. */
export interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly purl: string;
}

interface BillOfMaterials {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

const readPackage = (folder: string): Package =>
  JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8')) as Package;
const referenceOf = ({ name, version }: Package): string => `${name}@${version}`;

/**
 * npm's bill of materials without what is installed but not in the bundle, so that nobody has to judge the vulnerabilities of code that is not
 * shipped. Takes the product's name, the folders of the packages that are in its bundle, and what else it holds.
 */
export function billOfMaterials(
  product: string,
  folders: readonly string[],
  more: readonly Component[],
): BillOfMaterials {
  const options = '--package-lock-only --sbom-format cyclonedx --sbom-type application';
  const text = execFileSync('npm', ['sbom', ...options.split(' ')], { cwd: repository, encoding: 'utf8' });
  const all = JSON.parse(text) as BillOfMaterials;
  const shipped = new Set(folders.map((folder) => referenceOf(readPackage(folder))));
  const components = all.components.filter(({ name, version }) => shipped.has(`${name}@${version}`));
  if (components.length !== shipped.size) {
    const known = new Set(components.map(({ name, version }) => `${name}@${version}`));
    throw new Error(
      `not in npm's bill of materials: ${[...shipped].filter((one) => !known.has(one)).join(', ')}`,
    );
  }
  const root = all.metadata.component;
  const kept = new Set([root['bom-ref'], ...components.map((component) => component['bom-ref'])]);
  return {
    ...all,
    metadata: { ...all.metadata, component: { ...root, name: product } },
    components: [...components, ...more],
    dependencies: all.dependencies
      .filter(({ ref }) => kept.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => kept.has(one)) })),
  };
}

/** The licences of the packages in a bundle, as most of them ask to be passed on. */
export function licenceTexts(folders: readonly string[]): string {
  return folders
    .map((folder) => {
      const own = readPackage(folder);
      const files = readdirSync(join(repository, folder)).filter((name) =>
        /^(licen[cs]e|notice|copying)/i.test(name),
      );
      const texts = files.map((name) => readFileSync(join(repository, folder, name), 'utf8').trim());
      return [`${referenceOf(own)} (${own.license ?? 'see below'})`, ...texts].join('\n\n');
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`)
    .concat('\n');
}
