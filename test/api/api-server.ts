/** A real Kubernetes API without nodes for one test file; see test/cluster/api-only.sh. */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MOMENTARY } from '../support/momentary.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SCRIPT = join(ROOT, 'test/cluster/api-only.sh');
const OUTPUT_BYTES = 64 * 1024 * 1024;

export type KubeObject = {
  readonly kind: string;
  readonly metadata: { readonly name: string } & Record<string, unknown>;
} & Record<string, unknown>;

export interface ApiServer {
  readonly kubeconfig: string;
  /** Standard output of kubectl; throws with its standard error. `input` goes to its standard input. */
  kubectl(args: readonly string[], input?: string): string;
  /** What `kubectl … -o json` says. */
  json<T = KubeObject>(args: readonly string[], input?: unknown): T;
  stop(): void;
}

function up(folder: string, flags: readonly string[], memory: string | undefined, stop: () => void): string {
  const env = {
    ...process.env,
    POSTCHECK_APISERVER_FLAGS: flags.join(' '),
    POSTCHECK_APISERVER_MEMORY: memory,
  };
  try {
    const output = execFileSync(SCRIPT, ['up', folder], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return output.trim().split('\n').at(-1) ?? '';
  } catch (error) {
    stop();
    throw error;
  }
}

/**
 * Starts one with the further kube-apiserver `flags`; builds the binaries when they are missing, which takes minutes. `memory`: what it may use before
 * it collects garbage ("8GiB"); without, five times what it needs.
 */
export function startApiServer(flags: readonly string[] = [], memory?: string): ApiServer {
  const folder = mkdtempSync(join(tmpdir(), 'postcheck-api-'));
  const stop = () => void execFileSync(SCRIPT, ['down', folder]);
  endWithThisProcess(folder);
  const kubeconfig = up(folder, flags, memory, stop);
  const kubectl = (args: readonly string[], input = '') =>
    execFileSync(join(ROOT, '.cluster/bin/kubectl'), ['--kubeconfig', kubeconfig, ...args], {
      encoding: 'utf8',
      input,
      stdio: 'pipe',
      env: { ...process.env, ...MOMENTARY },
      maxBuffer: OUTPUT_BYTES,
    });
  return {
    kubeconfig,
    kubectl,
    json: (args, input) =>
      JSON.parse(kubectl([...args, '-o', 'json'], input === undefined ? '' : JSON.stringify(input))),
    stop,
  };
}

/** A test run that is killed cannot clear up after itself, so a shell waits for its end, or for that of the folder. */
function endWithThisProcess(folder: string): void {
  const script = 'while kill -0 "$1" && [ -d "$3" ]; do sleep 3; done; exec "$2" down "$3"';
  const args = ['-c', script, 'postcheck-api-end', String(process.pid), SCRIPT, folder];
  spawn('bash', args, { detached: true, stdio: 'ignore' }).unref();
}

/**
 * Looks until `look` gives something, and gives that; throws what the last look threw, or a time-out. Rests twice as long as a look takes: most are a
 * kubectl, which costs the other tests more of the processor than waiting is worth.
 */
export async function eventually<T>(look: () => T | undefined | false, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown = new Error(`nothing seen in ${timeoutMs} ms: ${look}`);
  while (Date.now() < deadline) {
    const began = performance.now();
    try {
      const seen = look();
      if (seen !== undefined && seen !== false) {
        return seen;
      }
    } catch (error) {
      last = error;
    }
    const restMs = Math.max(50, 2 * (performance.now() - began));
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  throw last;
}

/** Installs our CRD and waits until it is served. `kubectl wait` by itself fails on an object that has no conditions yet. */
export async function installCrd(api: ApiServer): Promise<void> {
  api.kubectl(['apply', '--server-side', '-f', join(ROOT, 'crds/postcheck.dev_upgrades.yaml')]);
  await untilServed(api);
}

/** Waits until the API server serves our CRD, which something else has installed. */
export const untilServed = (api: ApiServer): Promise<unknown> =>
  eventually(() =>
    api.kubectl(['wait', '--for=condition=Established', 'crd/upgrades.postcheck.dev', '--timeout=10s']),
  );

/** Creates namespaces in which pods can be created: their service account exists. */
export async function createNamespaces(api: ApiServer, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    api.kubectl(['create', 'namespace', name]);
    await eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '-n', name]));
  }
}
