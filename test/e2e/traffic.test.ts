/** The gate, felt: somebody who asks a Deployment's Service all the time, with a new connection each time, through its ClusterIP. */
import { once } from 'node:events';
import { get } from 'node:http';
import { env } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { expectProtected, expectSucceeded } from './support/expectations.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { CONTAINER, image, NAME, PROBED, upgrade } from './support/workloads.ts';

const BETWEEN_MS = 15;
const PATIENCE_MS = 5000;
const PORT = 80;

/** A pod goes on serving until every node has heard that it is on its way out. */
const GRACEFUL = {
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

test.concurrent(
  'a visitor of the Service sees no failed request and no bad version through a good upgrade, a bad one, and its fallback',
  scenario('Deployment', 'traffic', async (s) => {
    await s.deploy('v1', GRACEFUL);
    const address = await openService(s);
    await sleep(2000);
    const visitor = new Visitor(address);
    s.atEnd(() => void visitor.leave());

    await s.create(upgrade('Deployment', 'v2'));
    await expectSucceeded(s, await s.until('Succeeded'), 'v2');
    await s.edit({
      containers: [{ name: CONTAINER, image: image('bad17') }],
      postCheck: { deadlineSeconds: 10 },
    });
    const status = await s.until('FellBack');
    await sleep(2000);
    const answered = await visitor.leave();

    expect(visitor.failures).toEqual([]);
    expect([...visitor.answers.keys()].sort()).toEqual(['v1', 'v2']);
    expect(answered).toBeGreaterThan(200);
    expect(status.attempt.gateCarrier).toBe(env.GATE_CARRIER ?? 'Policy');
    expect(status.message).toMatch(/^app:v2 runs again, .*; app:bad17 failed: /);
    expectProtected(s);
  }),
  TEST_MS,
);

test.concurrent(
  'without the gate the same visitor does see the bad version: the test can fail',
  scenario('Deployment', 'traffic ungated', async (s) => {
    await s.deploy('v1', GRACEFUL);
    const address = await openService(s);
    await sleep(2000);
    const visitor = new Visitor(address);
    s.atEnd(() => void visitor.leave());

    await s.create(upgrade('Deployment', 'bad17', { gate: 'Disabled', postCheck: { deadlineSeconds: 10 } }));
    await s.until('FellBack');
    await visitor.leave();

    expect(visitor.answers.get('bad17')).toBeGreaterThan(0);
  }),
  TEST_MS,
);
