import { test } from '@jest/globals';
import { expectFellBack, expectProtected, expectSucceeded } from './support/expectations.ts';
import { scenario } from './support/scenario.ts';
import { upgrade } from './support/workloads.ts';

test.concurrent(
  'a Deployment whose new version is good ends Succeeded, and no pod served before it was proved',
  scenario('Deployment', 'good', async (s) => {
    await s.deploy('v1');
    await s.create(upgrade('Deployment', 'v2'));

    const status = await s.until('Succeeded');

    await expectSucceeded(s, status, 'v2');
    expectProtected(s);
  }),
);

test.concurrent(
  'a Deployment whose new version exits 17 falls back at its deadline, and the status says why',
  scenario('Deployment', 'bad', async (s) => {
    await s.deploy('v1');
    await s.create(upgrade('Deployment', 'bad17'));

    const status = await s.until('FellBack');

    await expectFellBack(s, status, 'bad17', /readiness-probe in container app exited 17 \(ProbeFailed\) until the deadline of 10s/);
    await s.saw('UpgradeStarted', 'PostCheckFailed', 'FallbackStarted', 'FallbackVerified');
  }),
);
