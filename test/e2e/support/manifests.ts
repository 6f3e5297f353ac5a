/** The examples as users get them: their images in the nodes, their manifests in a namespace of the test's own. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { env } from 'node:process';
import { parseAllDocuments } from 'yaml';
import type { Api, Json } from './api.ts';
import { waitFor } from './wait.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
/** For the workload to come up, on a machine that is busy with everybody else's. */
const READY_SECONDS = 180;

/** Builds images by a script that prints its archive's path, and loads them into every node. Takes a moment when nothing changed. */
export function loadImages(script: string): void {
  const archive = execFileSync(join(ROOT, script), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
  execFileSync(join(ROOT, 'test/cluster/load-images.sh'), [archive], { stdio: 'pipe' });
}

/** The objects in one of the examples' files. */
export const manifests = (file: string): Json[] =>
  parseAllDocuments(readFileSync(join(ROOT, 'examples', file), 'utf8')).map(
    (document) => document.toJS() as Json,
  );

/** The readiness script's own limits, and those of its callers above them: seconds enough for a machine on which all tests run at once. */
export const PATIENT = [
  { name: 'POSTCHECK_SUPERVISOR_SECONDS', value: '20' },
  { name: 'POSTCHECK_HOOK_SECONDS', value: '20' },
];
export const PATIENT_SECONDS = 45;

/** Where objects of this kind live in a namespace. */
export function collection({ apiVersion, kind }: Json, namespace: string): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${group}/namespaces/${namespace}/${kind.toLowerCase()}s`;
}

/** Creates an object there, whatever namespace it names. */
export const createIn = (api: Api, namespace: string, object: Json): Promise<Json> =>
  api.create(collection(object, namespace), { ...object, metadata: { ...object.metadata, namespace } });

/** Waits until the workload's controller says that every pod is of the newest template, and available. */
export const rolledOut = (api: Api, namespace: string, { apiVersion, kind, metadata }: Json): Promise<Json> =>
  waitFor(
    `${kind} ${metadata.name} to be rolled out`,
    async () => {
      const {
        metadata: now,
        spec,
        status = {},
      } = await api.get(`${collection({ apiVersion, kind }, namespace)}/${metadata.name}`);
      return { generation: now.generation, wanted: spec.replicas ?? status.desiredNumberScheduled, status };
    },
    ({ generation, wanted, status }) => {
      const updated = status.updatedReplicas ?? status.updatedNumberScheduled;
      const available = status.availableReplicas ?? status.numberAvailable;
      return (
        status.observedGeneration === generation && wanted > 0 && updated === wanted && available === wanted
      );
    },
    { timeoutSeconds: READY_SECONDS },
  );

/** The status of the Upgrade once `accept` takes it. */
export const statusOf = (
  api: Api,
  namespace: string,
  name: string,
  accept: (status: Json) => unknown,
  timeoutSeconds: number,
): Promise<Json> =>
  waitFor(
    `the status of Upgrade ${namespace}/${name}`,
    async () =>
      (await api.get(`/apis/postcheck.dev/v1alpha1/namespaces/${namespace}/upgrades/${name}`)).status ?? {},
    accept,
    { timeoutSeconds },
  );

/** Runs `body` in a namespace that nobody else has; it goes afterwards, unless KEEP is set. */
export async function inNamespace<T>(
  api: Api,
  purpose: string,
  body: (namespace: string) => Promise<T>,
): Promise<T> {
  const namespace = `e2e-${purpose}-${randomBytes(3).toString('hex')}`;
  await api.create('/api/v1/namespaces', { metadata: { name: namespace } });
  try {
    return await body(namespace);
  } finally {
    if (!env.KEEP) {
      await api.remove(`/api/v1/namespaces/${namespace}`);
    }
  }
}
