/**
 * Makes ready what the end-to-end tests need: the cluster (or that of CONTEXT), images, and the operator of this checkout,
 * installed by its chart. What is there already is left as it is, and the operator stays installed afterwards.
 */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { run } from './support/api.ts';
import { OPERATOR_NAMESPACE, RELEASE } from './support/operator.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ARCHIVE = join(ROOT, '.cluster/images/postcheck.tar');

const make = (...targets: string[]) => execFileSync('make', ['--no-print-directory', ...targets], { cwd: ROOT, stdio: 'inherit' });

make('images', 'cluster');
// The name of the archive says what is in it: a changed operator is loaded, and its pods are replaced.
const build = basename(realpathSync(ARCHIVE), '.tar');
const running = (): string => {
  try {
    return run('helm', ['get', 'values', RELEASE, '--namespace', OPERATOR_NAMESPACE, '--output', 'json']);
  } catch {
    return '';
  }
};
if (!running().includes(build)) make('cluster-load');
const values = {
  image: { repository: 'postcheck.local/postcheck', tag: 'dev' },
  podAnnotations: { 'postcheck.dev/build': build },
  metrics: { perUpgrade: true },
  logLevel: 'debug',
};

const settings = Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]);
const install = ['upgrade', RELEASE, join(ROOT, 'charts/postcheck'), '--install', '--namespace', OPERATOR_NAMESPACE, '--create-namespace'];
run('helm', [...install, '--take-ownership', '--force-conflicts', '--wait', '--timeout', '3m', ...settings]);
console.log(`The operator (${build}) is installed in ${OPERATOR_NAMESPACE}`);
