/** A real API server with Upgrades whose statuses the operator's own decisions made, and the tool as a process against it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Upgrade } from '../../../src/api/types.ts';
import { type ApiServer, eventually, startApiServer } from '../../../test/api/api-server.ts';
import { SCENES } from '../../../test/docs/scenes.ts';
import { bundleCli } from '../build.ts';

let built: Promise<string> | undefined;

/** The tool as it is shipped, bundled once for a test file. */
export function tool(): Promise<string> {
  built ??= bundleCli('esm').then(({ text }) => {
    const path = join(scratch(), 'kubectl-postcheck.mjs');
    writeFileSync(path, text, { mode: 0o755 });
    return path;
  });
  return built;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the tool with this kubeconfig, in no terminal. */
export async function cli(
  words: readonly string[],
  {
    kubeconfig,
    environment = {},
    input,
  }: { kubeconfig: string; environment?: NodeJS.ProcessEnv; input?: string },
): Promise<Ran> {
  const env = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    KUBECONFIG: kubeconfig,
    TZ: 'UTC',
    ...environment,
  };
  const path = await tool();
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [path, ...words],
      { env, maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) => resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    );
    child.stdin?.end(input ?? '');
  });
}

/** An API server that knows Upgrades and these namespaces. */
export async function startEnvironment(...namespaces: string[]): Promise<ApiServer> {
  const api = startApiServer();
  api.kubectl(['apply', '-f', 'crds/postcheck.dev_upgrades.yaml']);
  await eventually(() => api.kubectl(['get', 'upgrades', '-A']) === '');
  for (const namespace of namespaces) {
    api.kubectl(['create', 'namespace', namespace]);
    await eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '-n', namespace]));
  }
  return api;
}

/** The status that the decisions come to in a scene of the runbooks. */
export function statusOf(scene: string): Upgrade['status'] {
  const plan = SCENES[scene];
  if (!plan) {
    throw new Error(`no scene ${scene}`);
  }
  return plan().status;
}

/** Creates the Upgrade and stores a status that is about its present spec. */
export function createUpgrade(
  api: ApiServer,
  namespace: string,
  name: string,
  { scene, spec = {}, status }: { scene?: string; spec?: object; status?: object },
): void {
  const created = api.json<{ metadata: { generation: number } }>(['apply', '-f', '-'], {
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata: { name, namespace },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      containers: [{ name: 'web', image: 'registry.example/web:2.0' }],
      ...spec,
    },
  });
  const stored = status ?? (scene === undefined ? undefined : statusOf(scene));
  if (stored === undefined) {
    return;
  }
  const body = { status: { ...stored, observedGeneration: created.metadata.generation } };
  api.kubectl([
    'patch', 'upgrade', name, '-n', namespace, '--subresource=status', '--type=merge', '-p', JSON.stringify(body),
  ]); // biome-ignore format: a command line
}

export const scratch = (): string => mkdtempSync(join(tmpdir(), 'postcheck-cli-'));
