/** Adds finished probe cycles to the records of their pods. */
import { effectiveChecks } from '../api/checks.ts';
import type { CheckType } from '../api/enums.ts';
import type { Upgrade } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { PlannedCycle } from '../core/plan.ts';
import { isVerificationOf } from '../core/status.ts';
import { addCycle, type FinishedCycle } from '../core/verification/probe-cycle.ts';
import { isEnding } from '../core/workload/pods.ts';
import type { LocalState } from './local-state.ts';
import type { SpanReporter } from './span-reporter.ts';
import type { Store, UpgradeKey } from './store.ts';
import type { Telemetry } from './telemetry-ports.ts';

export interface CycleSinks {
  readonly store: Store;
  readonly telemetry: Telemetry;
  readonly local: LocalState;
  readonly spans: SpanReporter;
}

/** What a cycle was: no evidence, evidence, or a failed check. */
export type CycleEvidence = 'none' | 'some' | 'failure';

/** Records a cycle; `undefined` stands for one without any response. */
export function recordCycle(
  sinks: CycleSinks,
  key: UpgradeKey,
  planned: PlannedCycle,
  finished: FinishedCycle | undefined,
): CycleEvidence {
  const { store } = sinks;
  if (finished?.seen) {
    store.pods.applyWrite(finished.seen);
  }
  // Missing responses from a lost node, and the last known readiness of its pods, are not evidence.
  const lost = store.nodes.get(planned.pod.node)?.ready === false;
  if (!finished || lost) {
    return 'none';
  }
  const pod = store.pods.get(planned.pod.uid);
  const upgrade = store.upgrades.get(key);
  // A cycle that was started for another verification is not evidence for this one.
  const isCurrent = upgrade?.status && isVerificationOf(upgrade, upgrade.status, planned.verification);
  const workload = upgrade && store.targetOf(upgrade);
  // Without the containers of its template it is not known what the pod has to pass.
  const isKnown = workload !== undefined && !workload.isTooLong;
  return pod && upgrade && isCurrent && isKnown && !isEnding(pod)
    ? addToRecord(sinks, { upgrade, workload, pod, planned, finished })
    : 'some';
}

interface CurrentCycle {
  readonly upgrade: Upgrade;
  readonly workload: WorkloadView;
  /** The pod as it is now. */
  readonly pod: PodView;
  readonly planned: PlannedCycle;
  readonly finished: FinishedCycle;
}

function addToRecord(
  { telemetry, local, spans }: CycleSinks,
  { upgrade, workload, pod, planned: { verification, inFallback }, finished }: CurrentCycle,
): CycleEvidence {
  const context = {
    spec: upgrade.spec,
    template: workload.containers.map(({ name }) => name),
    baseline: upgrade.status?.from?.baseline ?? [],
    verification,
    inFallback,
  };
  const record = addCycle(local.records.get(pod.uid), context, pod, finished);
  local.setRecord(pod.uid, record);
  spans.cycleFinished(upgrade, pod, record, finished);
  const seconds = (finished.finishedAt - finished.startedAt) / 1000;
  const tries = record.tries.filter(({ lastAt }) => lastAt === finished.finishedAt);
  for (const { check, verdict } of tries) {
    telemetry.tried(checkType(upgrade, check), verdict.class, verdict.exitCode, seconds);
  }
  return tries.some(({ verdict }) => verdict.class === 'Fail') ? 'failure' : 'some';
}

function checkType({ spec }: Upgrade, name: string): CheckType {
  const check = effectiveChecks(spec).find((candidate) => candidate.name === name);
  return (['httpGet', 'tcpSocket', 'grpc'] as const).find((kind) => check?.[kind]) ?? 'exec';
}
