/**
 * Writes what is generated from src/api: the CRD (in crds/ and in the chart), docs/reference.md, and the index of docs/runbooks;
 * and from the chart the Kustomize base.
 * `node scripts/generate.ts --check` writes nothing and exits 1 when a file is not up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { cliReference } from '../packages/cli/reference.ts';
import { crdYaml } from './generate-crd.ts';
import { dashboardJson } from './generate-dashboard.ts';
import { grafanaPicture } from './generate-grafana.ts';
import { metricsReference } from './generate-metrics.ts';
import { reference } from './generate-reference.ts';
import { reliabilityPage, withReliability } from './generate-reliability.ts';
import { scalePage } from './generate-scale.ts';
import { valuesReference } from './generate-values.ts';
import { runbookIndex } from './generate-words.ts';
import { kustomizeFiles } from './plain-manifests.ts';

function read(path: string) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const RUNBOOKS = 'docs/runbooks/README.md';
const CHART = 'charts/postcheck/README.md';
const dashboard = dashboardJson();
const picture = grafanaPicture(dashboard);
const files = {
  'crds/postcheck.dev_upgrades.yaml': crdYaml,
  'charts/postcheck/files/upgrades.yaml': crdYaml,
  'charts/postcheck/files/dashboard.json': dashboard,
  ...(picture === undefined ? {} : { 'docs/pictures/grafana.svg': picture }),
  'docs/metrics.md': await metricsReference(),
  'docs/reference.md': reference,
  'docs/reliability.md': reliabilityPage(),
  'README.md': withReliability(read('README.md')),
  'docs/scale.md': scalePage(),
  'docs/cli.md': cliReference(),
  [RUNBOOKS]: runbookIndex(read(RUNBOOKS)),
  [CHART]: valuesReference(read(CHART)),
  ...kustomizeFiles(crdYaml),
};

const stale = Object.entries(files).filter(([path, content]) => read(path) !== content);
if (argv.includes('--check')) {
  for (const [path] of stale) {
    console.error(`${path} is not up to date: run \`npm run generate\` and commit the result`);
  }
  if (stale.length > 0) {
    exit(1);
  }
} else {
  for (const [path, content] of stale) {
    writeFileSync(path, content);
  }
}
