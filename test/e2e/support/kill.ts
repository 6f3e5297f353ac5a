/** Kills the operator that leads, as an out-of-memory killer would: no signal handler, no lease handed over. */
import { readdirSync, readFileSync } from 'node:fs';
import { kill } from 'node:process';
import type { Api } from './api.ts';
import { OPERATOR_NAMESPACE, Operator } from './operator.ts';
import { waitFor } from './wait.ts';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The operator's process in the pod with that UID, when its node shares this machine's processes. */
function processOf(podUid: string): number | undefined {
  const name = podUid.replaceAll('-', '[-_]');
  const ofPod = new RegExp(name);
  const found = readdirSync('/proc').filter(
    (id) =>
      /^\d+$/.test(id) &&
      ofPod.test(read(`/proc/${id}/cgroup`)) &&
      read(`/proc/${id}/cmdline`).includes('postcheck.mjs'),
  );
  return found.length > 0 ? Number(found[0]) : undefined;
}

/** SIGKILLs the leader; on a cluster whose processes are out of reach its pod is deleted without grace. */
export async function killLeader(api: Api): Promise<void> {
  const operator = new Operator(api);
  const leader = await waitFor(
    'a leader',
    () => operator.leader(),
    (pod) => pod !== undefined,
    { timeoutSeconds: 60 },
  );
  const { name, uid } = leader.metadata;
  const id = processOf(uid);
  if (id !== undefined) {
    kill(id, 'SIGKILL');
  } else {
    await api.remove(`/api/v1/namespaces/${OPERATOR_NAMESPACE}/pods/${name}`, { gracePeriodSeconds: 0 });
  }
}

/** Lets everybody wait until all have come, or have given up; then does one thing, once, for all. */
export class Rendezvous {
  readonly #act: () => Promise<void>;
  readonly #met = Promise.withResolvers<void>();
  #missing: number;

  constructor(count: number, act: () => Promise<void>) {
    this.#missing = count;
    this.#act = act;
  }

  /** The others need not wait for the caller; gives a promise of the act. */
  arrive(): Promise<void> {
    this.#missing -= 1;
    if (this.#missing === 0) {
      this.#met.resolve(this.#act());
    }
    return this.#met.promise;
  }
}
