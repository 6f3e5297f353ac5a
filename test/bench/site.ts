/** Where the bench works: a namespace of its own, the installed operator's process, and the API server's audit log. */
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Api, type Json } from '../e2e/support/api.ts';
import { Operator } from '../e2e/support/operator.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const AUDIT = join(ROOT, '.cluster/audit.log');
const OPERATOR_USER = 'system:serviceaccount:postcheck-system:postcheck';

export const NAMESPACE = 'bench';
export const IMAGE = (tag: string): string => `postcheck.local/app:${tag}`;

export class Site {
  readonly api = new Api();
  readonly operator = new Operator(this.api);

  async prepare(): Promise<void> {
    await this.clear();
    await this.api.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: NAMESPACE },
    });
  }

  /** Deletes the namespace and waits until it is gone. */
  async clear(): Promise<void> {
    const path = `/api/v1/namespaces/${NAMESPACE}`;
    if (!(await this.api.find(path))) {
      return;
    }
    await this.api.remove(path);
    await until(async () => !(await this.api.find(path)), 180_000, 'the namespace to go');
  }

  deployment = (name: string): string => `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${name}`;
  upgrade = (name: string): string => `/apis/postcheck.dev/v1alpha1/namespaces/${NAMESPACE}/upgrades/${name}`;
  pods = (name: string): Promise<Json[]> =>
    this.api.list(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app%3D${name}`);

  async createDeployment(name: string, replicas: number, more: Json = {}): Promise<void> {
    await this.api.create(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: NAMESPACE },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [{ name: 'app', image: IMAGE('v1') }],
            ...more,
          },
        },
      },
    });
  }

  rolledOut = (name: string): Promise<void> =>
    until(
      async () => {
        const { metadata, spec, status } = await this.api.get(this.deployment(name));
        return (
          status.observedGeneration >= metadata.generation &&
          status.updatedReplicas === spec.replicas &&
          status.availableReplicas === spec.replicas &&
          status.replicas === spec.replicas
        );
      },
      120_000,
      `${name} to be rolled out`,
    );

  /** Process ID of the leading operator, found on this machine by its pod's name. */
  async operatorPid(): Promise<number> {
    const leader = await this.operator.leader();
    const name = leader?.metadata.name as string;
    const pid = readdirSync('/proc').find(
      (entry) =>
        /^\d+$/.test(entry) &&
        hasText(`/proc/${entry}/environ`, `HOSTNAME=${name}`) &&
        hasText(`/proc/${entry}/cmdline`, 'postcheck.mjs'),
    );
    if (!pid) {
      throw new Error(
        `the operator's process (pod ${name}) is not on this machine: the bench needs the test cluster`,
      );
    }
    return Number(pid);
  }

  /** Resident memory in MiB. */
  rssMiB = (pid: number): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

  /** How far the audit log goes now. */
  auditMark = (): number => statSync(AUDIT).size;

  /** The operator's requests since `mark`, as `verb resource/subresource`. */
  async requestsSince(mark: number): Promise<{ verb: string; resource: string; namespace: string }[]> {
    await new Promise((done) => setTimeout(done, 1500)); // the API server writes its log in batches
    const found: { verb: string; resource: string; namespace: string }[] = [];
    for await (const line of createInterface({ input: createReadStream(AUDIT, { start: mark }) })) {
      if (!line.includes(OPERATOR_USER)) {
        continue;
      }
      const { verb, user, objectRef = {}, stage } = JSON.parse(line) as Json;
      if (user.username !== OPERATOR_USER || stage === 'ResponseStarted') {
        continue;
      }
      found.push({
        verb,
        resource: [objectRef.resource, objectRef.subresource].filter(Boolean).join('/'),
        namespace: objectRef.namespace ?? '',
      });
    }
    return found;
  }
}

const hasText = (file: string, text: string): boolean => {
  try {
    return readFileSync(file, 'utf8').includes(text);
  } catch {
    return false;
  }
};

/** Looks every 50 ms; throws when it takes longer than `limitMs`. */
export async function until(look: () => Promise<boolean>, limitMs: number, what: string): Promise<void> {
  for (
    const end = Date.now() + limitMs;
    Date.now() < end;
    await new Promise((done) => setTimeout(done, 50))
  ) {
    if (await look()) {
      return;
    }
  }
  throw new Error(`waited ${limitMs / 1000} s for ${what}`);
}
