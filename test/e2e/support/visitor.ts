/** Somebody who asks a Deployment's Service all the time, with a new connection each time, through its ClusterIP. */
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from './scenario.ts';
import { NAME, PROBED } from './workloads.ts';

const BETWEEN_MS = 15;
const PATIENCE_MS = 5000;
const PORT = 80;
/** Until every node has heard of the Service. */
const HEARD_MS = 2000;

/** A pod goes on serving until every node has heard that it is on its way out. */
export const GRACEFUL = {
  container: { ...PROBED.container, lifecycle: { preStop: { sleep: { seconds: 4 } } } },
  pod: { terminationGracePeriodSeconds: 10 },
};

class Visitor {
  readonly answers = new Map<string, number>();
  readonly failures: string[] = [];
  readonly #address: string;
  readonly #done: Promise<void>;
  #leaving = false;

  constructor(address: string) {
    this.#address = address;
    this.#done = this.#keepAsking();
  }

  /** Ends, and gives how many answers there were. */
  async leave(): Promise<number> {
    this.#leaving = true;
    await this.#done;
    return [...this.answers.values()].reduce((sum, count) => sum + count, 0);
  }

  async #keepAsking(): Promise<void> {
    while (!this.#leaving) {
      try {
        const answer = await this.#ask();
        this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
      } catch (error) {
        this.failures.push(`${new Date().toISOString()} ${error}`);
      }
      await sleep(BETWEEN_MS);
    }
  }

  async #ask(): Promise<string> {
    const request = get({ host: this.#address, port: PORT, agent: false, timeout: PATIENCE_MS });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)));
    const [response] = await once(request, 'response');
    const chunks = await response.toArray();
    if (response.statusCode !== 200) {
      throw new Error(`answered ${response.statusCode}`);
    }
    return Buffer.concat(chunks).toString('utf8').trim();
  }
}

async function openService(s: Scenario): Promise<string> {
  const ports = [{ port: PORT, targetPort: 8080 }];
  const service = { metadata: { name: NAME }, spec: { selector: { app: NAME }, ports } };
  return (await s.api.create(`/api/v1/namespaces/${s.namespace}/services`, service)).spec.clusterIP;
}

/** Opens a Service in front of the workload's pods, and asks it until the visitor leaves, or the scenario ends. */
export async function visit(s: Scenario): Promise<Visitor> {
  const address = await openService(s);
  await sleep(HEARD_MS);
  const visitor = new Visitor(address);
  s.atEnd(() => void visitor.leave());
  return visitor;
}
