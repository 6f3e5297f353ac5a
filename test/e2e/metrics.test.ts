/** What the operator counts of one good and one bad upgrade, exactly: runs while nobody else upgrades anything. */
import { expect, test } from '@jest/globals';
import { type Samples, series } from './support/metrics.ts';
import { scenario, TEST_MS } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { CONTAINER, image, REPLICAS, upgrade } from './support/workloads.ts';

const kind = 'Deployment';

test(
  'a good and a bad upgrade of a Deployment are counted once each, with their pods, exit codes, gates and fallback',
  scenario('Deployment', 'metrics', async (s) => {
    await s.deploy('v1');
    // The namespaces of earlier tests are still ending, and each Upgrade in them has its images put back.
    await waitFor(
      'the Upgrades of earlier tests to be gone',
      () => s.api.list('/apis/postcheck.dev/v1alpha1/upgrades'),
      (upgrades) => upgrades.length === 0,
      { timeoutSeconds: 90 },
    );
    const before = await s.operator.metrics();
    await s.create(upgrade('Deployment', 'v2'));
    await s.until('Succeeded');
    await s.edit({
      containers: [{ name: CONTAINER, image: image('bad17') }],
      postCheck: { deadlineSeconds: 6 },
    });
    const status = await s.until('FellBack');

    const grown = (after: Samples, name: string, labels = {}) =>
      (after.get(series(name, labels)) ?? Number.NaN) - (before.get(series(name, labels)) ?? Number.NaN);
    const after = await waitFor(
      'the end of the fallback to be counted',
      () => s.operator.metrics(),
      (samples) => grown(samples, 'postcheck_attempts_total', { kind, outcome: 'FellBack' }) > 0,
      { timeoutSeconds: 15 },
    );
    const grew = (name: string, labels = {}) => grown(after, name, labels);

    for (const outcome of ['Succeeded', 'FellBack']) {
      expect(grew('postcheck_attempts_total', { kind, outcome })).toBe(1);
      expect(grew('postcheck_attempt_duration_seconds_count', { kind, outcome })).toBe(1);
    }
    expect(grew('postcheck_attempts_total', { kind, outcome: 'Failed' })).toBe(0);
    expect(grew('postcheck_attempts_total', { kind: 'DaemonSet', outcome: 'FellBack' })).toBe(0);
    expect(grew('postcheck_fallbacks_total', { kind, result: 'Verified' })).toBe(1);
    const [recorded, restored] = ['status', 'images'].map((write) => {
      expect(grew('postcheck_fallback_start_seconds_count', { write })).toBe(1);
      return grew('postcheck_fallback_start_seconds_sum', { write });
    });
    expect(recorded).toBeLessThan(restored as number);
    expect(restored).toBeLessThan(5);
    // New pods of the good version come through their gates; those of the bad one and of the fallback open none.
    expect(grew('postcheck_gates_opened_total', { reason: 'Passed' })).toBe(REPLICAS);
    // Every pod of the good version passes once, and once more after the fallback.
    const passed = grew('postcheck_checks_total', { type: 'exec', class: 'Pass' });
    expect(passed).toBeGreaterThanOrEqual(2 * REPLICAS);
    const tries = status.fallback.evidence[0].checks[0].attempts;
    expect(grew('postcheck_checks_total', { type: 'exec', class: 'Retry' })).toBe(tries);
    expect(grew('postcheck_check_duration_seconds_count', { type: 'exec' })).toBe(passed + tries);
    expect(grew('postcheck_probe_exit_codes_total', { code_class: '3-119' })).toBe(tries);
    expect(after.get('postcheck_leader')).toBe(1);
    expect(after.get('postcheck_exec_inflight')).toBe(0);
    for (const [name, value] of after) {
      if (name.startsWith('postcheck_watch_last_contact_seconds')) {
        expect(value).toBeLessThan(120);
      }
    }
  }),
  TEST_MS,
);
