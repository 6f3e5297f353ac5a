/** A workload of many pods in the middle of an attempt, as the operator knows it: nearly all are verified, some fail their check for now. */
import { VERIFIED } from '../../src/api/names.ts';
import type { StageStatus, Upgrade } from '../../src/api/types.ts';
import type { PodView } from '../../src/api/views.ts';
import { decide, type Plan } from '../../src/core/decision/decide.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { verificationId } from '../../src/core/status.ts';
import { addCycle } from '../../src/core/verification/probe-cycle.ts';
import { withPins } from '../../src/core/verification/recorded.ts';
import { GateCarrierCache } from '../../src/engine/gate-carrier.ts';
import { LocalState } from '../../src/engine/local-state.ts';
import { QueryRunner } from '../../src/engine/query-runner.ts';
import { gather } from '../../src/engine/snapshots.ts';
import { Store, upgradeKey } from '../../src/engine/store.ts';
import { WarningCache } from '../../src/engine/warnings.ts';
import {
  conditionOf,
  containerOf,
  cycleOf,
  exit,
  NOW,
  podOf,
  revisionOf,
  specOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from './snapshots.ts';

/** An Upgrade in the last of 50 stages that have the longest names. */
export function inFiftyStages(count: number): Upgrade {
  const names = Array.from({ length: 50 }, (_, index) => `stage-${index}-`.padEnd(63, 's'));
  const stages = names.map((name, index) => ({
    name,
    ...(index < 49 ? { pods: `${2 * index + 2}%` } : {}),
    soakSeconds: 600,
    approval: 'Manual',
  }));
  const at = new Date(NOW - 60_000).toISOString();
  const times = { startedAt: at, verifiedAt: at, soakUntil: at, approvedAt: at, finishedAt: at };
  const states = names.map((name, index): StageStatus => {
    const pods = { desired: count, verified: count, failed: 50 };
    return index === 49 ? { name, state: 'Rolling', ...pods } : { name, state: 'Done', ...pods, ...times };
  });
  return upgradeOf({
    spec: { strategy: { stages, failureBudget: { maxFailed: 50 } } },
    status: statusOf({ stages: states }, { maxUpdated: count }),
  });
}

export interface LargeWorkload {
  readonly pods: readonly PodView[];
  /** What a decision would look at now. */
  gather(): Snapshot;
  decide(): Plan;
  /** The watch brings a pod as it is now. */
  change(pod: PodView): void;
}

/** One pod in this many fails its check for now. */
const FAILING_EACH = 50;

/** `wrap` may put something around each pod that counts what is read of it. */
export function largeWorkload(
  count: number,
  wrap = (pod: PodView): PodView => pod,
  upgrade = upgradeOf({ status: statusOf({}, { maxUpdated: count }) }),
): LargeWorkload {
  const key = upgradeKey(upgrade);
  const verification = verificationId(upgrade, upgrade.status ?? {});
  const store = new Store();
  const clock = { now: () => NOW, steady: () => NOW, random: () => 0.5, after: () => () => {} };
  const local = new LocalState(clock);
  const pods = Array.from({ length: count }, (_, index) => wrap(newPod(index, verification)));
  const list = <T>(items: readonly T[]) => ({ type: 'synced', items, resourceVersion: '100' }) as const;
  store.upgrades.apply(list([upgrade]));
  store.workloads.Deployment.apply(list([workloadOf({ desired: count, updated: count, total: count })]));
  store.revisions.ReplicaSet.apply(list([revisionOf()]));
  store.pods.apply(list(pods));
  const nodes = pods.map(({ node: name }) => ({
    name,
    ready: true,
    labels: {},
    kernel: '',
    resourceVersion: '90',
  }));
  store.nodes.apply(list(nodes));
  for (const node of nodes) {
    local.observeNode({ ...node, ready: false });
    local.observeNode(node);
  }
  const context = { spec: upgrade.spec, template: ['web'], verification, inFallback: false };
  for (const [index, pod] of pods.entries()) {
    const code = index % FAILING_EACH === 0 ? 17 : 0;
    const cycle = { ...cycleOf(exit(code), pod), startedAt: NOW, finishedAt: NOW };
    local.setRecord(pod.uid, addCycle(undefined, context, pod, cycle));
  }
  const reader = { failedCreate: never, failedStart: never } as never;
  const sources = {
    clock,
    store,
    local,
    gate: new GateCarrierCache({ clock, gateProbe: { carrier: never } }),
    warnings: new WarningCache({ clock, reader }),
    writes: { obstacle: () => undefined },
    queries: new QueryRunner({ clock }),
    isProbing: () => false,
  };
  const gatherNow = () => gather(sources, key, upgrade);
  return {
    pods,
    gather: gatherNow,
    decide: () => decide(gatherNow()),
    change: (pod) => {
      store.pods.apply({ type: 'upsert', object: wrap(pod) });
      local.observePod(pod);
    },
  };
}

function never(): never {
  throw new Error('a decision sends no request to the API server');
}

function newPod(index: number, verification: string): PodView {
  const pod = podOf({
    name: `web-new-${((index * 7919) % 1_000_003).toString(36)}`,
    uid: `pod-${index}`,
    resourceVersion: '90',
    node: `node-${index}`,
    containers: [containerOf({ id: `containerd://${String(index).padStart(12, '0')}` })],
  });
  if (index % FAILING_EACH === 0) {
    return pod;
  }
  const message = withPins(
    'readiness-probe in container web exited 0',
    { id: verification, spec: specOf() },
    pod,
  );
  const verified = { ...conditionOf('True', 30), reason: 'PostCheckPassed', message };
  return { ...pod, conditions: { ...pod.conditions, Ready: conditionOf('True', 29), [VERIFIED]: verified } };
}
