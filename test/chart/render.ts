/** The Helm chart as Helm renders it, for tests. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../api/api-server.ts';
import { MOMENTARY } from '../support/momentary.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const CHART = join(ROOT, 'charts/postcheck');
/** What a cluster of 1.36 serves beyond what Helm assumes by itself. */
export const GATE_API = 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy';

/** Runs Helm, which is built when it is missing; throws with its standard error. */
export function helm(args: readonly string[], env: Record<string, string> = {}): string {
  const binary = join(ROOT, '.cluster/bin/helm');
  if (!existsSync(binary)) {
    execFileSync(join(ROOT, 'test/cluster/build-tools.sh'), ['helm'], { stdio: 'inherit' });
  }
  return execFileSync(binary, [...args], {
    encoding: 'utf8',
    stdio: 'pipe',
    env: { ...process.env, ...MOMENTARY, ...env },
  });
}

/** Every object that the release `postcheck` in the namespace `postcheck-system` would have, hooks included. */
export function renderChart(args: readonly string[] = []): KubeObject[] {
  const text = helm(['template', 'postcheck', CHART, '--namespace', 'postcheck-system', ...args]);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}
