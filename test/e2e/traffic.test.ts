/** The gate, felt by who asks a Deployment's Service all the time. */
import { env } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { expectProtected, expectSucceeded } from './support/expectations.ts';
import { scenario, TEST_MS } from './support/scenario.ts';
import { GRACEFUL, visit } from './support/visitor.ts';
import { CONTAINER, image, upgrade } from './support/workloads.ts';

test.concurrent(
  'a visitor of the Service sees no failed request and no bad version through a good upgrade, a bad one, and its fallback',
  scenario('Deployment', 'traffic', async (s) => {
    await s.deploy('v1', GRACEFUL);
    const visitor = await visit(s);

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
    const visitor = await visit(s);

    await s.create(upgrade('Deployment', 'bad17', { gate: 'Disabled', postCheck: { deadlineSeconds: 10 } }));
    await s.until('FellBack');
    await visitor.leave();

    expect(visitor.answers.get('bad17')).toBeGreaterThan(0);
  }),
  TEST_MS,
);
