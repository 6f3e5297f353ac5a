/** Gathers the snapshot that one decision about an Upgrade is made from. Waits for nothing. */
import type { Upgrade } from '../api/types.ts';
import { completeUpgrade, type Snapshot } from '../core/snapshot.ts';
import { isUnderWay, verificationId } from '../core/status.ts';
import { driverOf } from '../core/workload/drivers.ts';
import type { GateCarrierCache } from './gate-carrier.ts';
import type { LocalState } from './local-state.ts';
import type { Clock, PromQl } from './ports.ts';
import type { QueryRunner } from './query-runner.ts';
import type { Store, UpgradeKey } from './store.ts';
import type { WarningCache } from './warnings.ts';
import type { WriteControl } from './write-control.ts';

export interface SnapshotSources {
  readonly clock: Clock;
  readonly store: Store;
  readonly local: LocalState;
  readonly gate: GateCarrierCache;
  readonly warnings: WarningCache;
  readonly writes: Pick<WriteControl, 'obstacle'>;
  readonly queries: QueryRunner;
  readonly promQl?: PromQl | undefined;
  /** How many Upgrades wait for their turn to begin an attempt. */
  readonly queued?: () => number;
  /** Whether a probe cycle of this pod is running for this Upgrade. */
  readonly isProbing: (key: UpgradeKey, uid: string) => boolean;
}

export function gather(sources: SnapshotSources, key: UpgradeKey, upgrade: Upgrade): Snapshot {
  const { clock, store, local, gate, warnings } = sources;
  const complete = completeUpgrade(upgrade);
  local.followClock();
  const now = clock.now();
  const workload = store.targetOf(upgrade);
  const acting = store.actingFor(upgrade);
  const isWaiting = acting !== undefined && acting.metadata.uid !== upgrade.metadata.uid;
  // An Upgrade that waits for its turn needs no pods, and there may be thousands of both.
  const pods = workload && !isWaiting ? store.podsOf(workload) : [];
  local.beginVerification(key, pods, verificationId(complete, complete.status));
  const underWay = isUnderWay(complete.status);
  if (!underWay) {
    local.forgetResults(key);
  }
  const revisions = workload ? store.revisionsOf(workload) : [];
  const revision = workload && driverOf(workload).updateRevision(workload, revisions);
  return {
    now,
    upgrade: complete,
    queued: sources.queued?.() ?? 0,
    claimedBy: isWaiting ? acting.metadata.name : undefined,
    workload,
    namesakes: workload ? [] : store.namesakesOf(upgrade),
    updateRevision: revision,
    updateRevisionCreatedAt: revisions.find(({ hash }) => hash === revision)?.createdAt,
    pods,
    queryRecord: (check) => sources.queries.recordOf(key, check),
    hasPrometheus: sources.promQl !== undefined,
    upgradeNamed: (name) => store.upgrades.get(`${upgrade.metadata.namespace}/${name}`),
    nodeReady: (name) => store.isNodeReady(name),
    nodeLabels: (name) => store.nodes.get(name)?.labels,
    nodeKernel: (name) => store.nodes.get(name)?.kernel,
    nodeTaints: (name) => store.nodes.get(name)?.taints,
    nodeBackAt: local.nodeBackAt,
    records: local.records,
    isProbing: (uid) => sources.isProbing(key, uid),
    results: underWay ? local.resultsOf(key) : undefined,
    restartsSeen: local.restartsSeen,
    waitingSince: local.waitingSince,
    eventsSeen: (uid) => warnings.of(uid),
    gateCarrier: gate.carrierIn(upgrade.metadata.namespace),
    refusal: sources.writes.obstacle(key),
  };
}
