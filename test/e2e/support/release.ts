/** The operator's Helm release, taken away and put back as it was. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run, start } from './api.ts';
import { OPERATOR_NAMESPACE, RELEASE } from './operator.ts';

const CHART = resolve(import.meta.dirname, '../../../charts/postcheck');
const IN_NAMESPACE = ['--namespace', OPERATOR_NAMESPACE];

export class Release {
  readonly #folder = mkdtempSync(join(tmpdir(), 'postcheck-values-'));
  readonly #values = join(this.#folder, 'values.json');

  /** Remembers the values that it has now. */
  constructor() {
    writeFileSync(this.#values, this.helm('get', 'values', RELEASE, '--output', 'json'));
  }

  helm = (...args: string[]): string => run('helm', [...args, ...IN_NAMESPACE]);

  /** Installs or upgrades it with the values that are remembered, and these. */
  install(...args: string[]): string {
    return this.helm(
      ...['upgrade', RELEASE, CHART, '--install', '--create-namespace', '--wait', '--timeout', '3m'],
      ...['--force-conflicts', '--values', this.#values, ...args],
    );
  }

  /** Without keeping what this process follows waiting. */
  uninstall = (): Promise<string> =>
    start('helm', ['uninstall', RELEASE, '--wait', '--timeout', '4m', ...IN_NAMESPACE]);

  /** Everything of it that is left, hooks included. */
  leftovers(): string[] {
    const kinds =
      'deployments,services,poddisruptionbudgets,jobs,pods,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings';
    const gates = 'mutatingadmissionpolicies,mutatingadmissionpolicybindings,mutatingwebhookconfigurations';
    const selector = [
      '-A',
      '-l',
      `app.kubernetes.io/instance=${RELEASE}`,
      '-o',
      'name',
      '--ignore-not-found',
    ];
    return run('kubectl', ['get', `${kinds},${gates}`, ...selector])
      .split('\n')
      .filter(Boolean);
  }

  /** Puts it back. */
  restore(): void {
    this.install();
    rmSync(this.#folder, { recursive: true });
  }
}
