/** Where a part of the bench works: a namespace of its own, the installed operator's process, and the API server's audit log. */
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as rest } from 'node:timers/promises';
import { Api, type Json } from '../e2e/support/api.ts';
import { Operator } from '../e2e/support/operator.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const AUDIT = join(ROOT, '.cluster/audit.log');
const OPERATOR_USER = 'system:serviceaccount:postcheck-system:postcheck';

export const IMAGE = (tag: string): string => `postcheck.local/app:${tag}`;

export class Site {
  readonly namespace: string;
  #signal = new AbortController().signal;
  #api: Api | undefined;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  get api(): Api {
    this.#api ??= new Api();
    return this.#api;
  }

  /** Makes the namespace anew. All waiting here ends with `signal`. */
  async prepare(signal: AbortSignal): Promise<void> {
    await this.clear(signal);
    await this.api.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: this.namespace },
    });
  }

  /** Deletes the namespace and waits until it is gone; over new connections, as the old ones may be what has failed. */
  async clear(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#api = new Api();
    const path = `/api/v1/namespaces/${this.namespace}`;
    if (!(await this.api.find(path))) {
      return;
    }
    await this.api.remove(path);
    await this.until(async () => !(await this.api.find(path)), 280_000, 'the namespace to go');
  }

  /** `group/version` of a resource, or `v1`, then its plural. */
  all = (group: string, resource: string): string =>
    `/${group === 'v1' ? 'api' : 'apis'}/${group}/namespaces/${this.namespace}/${resource}`;
  deployment = (name: string): string => `${this.all('apps/v1', 'deployments')}/${name}`;
  upgrade = (name: string): string => `${this.all('postcheck.dev/v1alpha1', 'upgrades')}/${name}`;
  pods = (name: string): Promise<Json[]> =>
    this.api.list(`${this.all('v1', 'pods')}?labelSelector=app%3D${name}`);

  /** Looks every 50 ms; throws when it takes longer than `limitMs`, or when the part has been told to stop. */
  async until(look: () => Promise<boolean>, limitMs: number, what: string): Promise<void> {
    for (
      const end = Date.now() + limitMs;
      Date.now() < end;
      await rest(50, undefined, { signal: this.#signal })
    ) {
      if (await look()) {
        return;
      }
    }
    throw new Error(`waited ${limitMs / 1000} s for ${what}`);
  }

  async createDeployment(name: string, replicas: number, more: Json = {}): Promise<void> {
    await this.api.create(this.all('apps/v1', 'deployments'), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: this.namespace },
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
    this.until(
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
    const leader = await new Operator(this.api).leader();
    if (!leader) {
      throw new Error('no replica of the installed operator leads: is it scaled to zero?');
    }
    const { name } = leader.metadata;
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
    await rest(1500); // the API server writes its log in batches
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

function hasText(file: string, text: string): boolean {
  try {
    return readFileSync(file, 'utf8').includes(text);
  } catch {
    return false;
  }
}
