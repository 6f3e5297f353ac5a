import { expect, test } from '@jest/globals';
import {
  cycleOf,
  evicted,
  exit,
  NOW,
  podOf,
  statusOf,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../test/support/snapshots.ts';
import type { NodeView, PodView } from '../api/views.ts';
import { verificationId } from '../core/status.ts';
import { type CycleSinks, recordCycle } from './cycles.ts';
import { LocalState } from './local-state.ts';
import { Store } from './store.ts';

const upgrade = upgradeOf({ status: statusOf() });
const ID = verificationId(upgrade, upgrade.status ?? {});

/** How many cycles are known of the pod when one of `verification` has ended. */
function known(
  verification: string,
  pod: PodView = podOf(),
  node?: NodeView,
  workload: WorkloadChange | undefined = {},
): number {
  const store = new Store();
  store.upgrades.applyWrite(upgrade);
  store.workloads.Deployment.applyWrite(workloadOf(workload));
  store.pods.applyWrite(pod);
  if (node) {
    store.nodes.applyWrite(node);
  }
  const local = new LocalState({ now: () => NOW, steady: () => 0 });
  const sinks = {
    store,
    local,
    telemetry: { tried: () => {} },
    spans: { cycleFinished: () => {} },
  } as unknown as CycleSinks;
  const planned = { pod: podOf(), verification, inFallback: false, template: ['web'], tries: [] };
  recordCycle(sinks, 'shop/web', planned, cycleOf(exit(17)));
  return local.records.get(pod.uid)?.cycles ?? 0;
}

test('a cycle counts for the verification that it was started for, and for no other', () => {
  expect(known(ID)).toBe(1);
  expect(known(`${ID}/fallback`)).toBe(0);
  expect(known('upgrade-/0-earlier/digest')).toBe(0);
});

test('a cycle is no evidence about a pod that is being deleted, or is on a lost node', () => {
  expect(known(ID, podOf({ deleting: true }))).toBe(0);
  expect(known(ID, evicted())).toBe(0);
  expect(known(ID, podOf(), { name: 'node-1', ready: false, resourceVersion: '1', labels: {} })).toBe(0);
});

test('a cycle is no evidence while it is not known which containers the template has', () => {
  expect(known(ID, podOf(), undefined, { isTooLong: true, containers: [] })).toBe(0);
});
