/**
 * The rule by which a new pod gets the readiness gate. The admission policy of the chart has it in CEL, the webhook takes it from here; one table of cases
 * holds them together (test/api/gate-cases.ts). A pod is told by what it is when it is created: it has no UID yet, and its owner's may be forged.
 */
import { VERIFIED } from '../api/names.ts';
import type { Upgrade } from '../api/types.ts';
import type { NewPod, PodPatch, WorkloadKind } from '../api/views.ts';
import { completeStatus, type Status } from './status.ts';
import { workloadOfPodOwner } from './workload/drivers.ts';

export interface GateTarget {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
}

/** The workload that a new pod belongs to. */
export function targetOfNewPod({ namespace, owner, templateHash }: NewPod): GateTarget | undefined {
  if (owner?.apiVersion !== 'apps/v1') {
    return undefined;
  }
  const workload = workloadOfPodOwner(owner, templateHash);
  return workload && { ...workload, namespace };
}

/** Does a new pod of its target get the gate, by an Upgrade of that target? */
export const gatesNewPod = ({ status }: Pick<Upgrade, 'status'>, pod: NewPod): boolean =>
  status?.attempt?.gating === true && !runsWhatRanBefore(completeStatus(status), pod);

/** Pods that still run what ran before the attempt are verified, or being restored: those of a fallback and of an adoption. */
const runsWhatRanBefore = ({ from }: Status, { containers }: NewPod): boolean =>
  Object.entries(from.images).every(([name, image]) =>
    containers.some((container) => container.name === name && container.image === image),
  );

/** What is to be changed in a new pod, given the Upgrades of its target: nothing, or exactly the gate. */
export function gatePatch(pod: NewPod, upgrades: readonly Pick<Upgrade, 'status'>[]): PodPatch {
  if (pod.gates.includes(VERIFIED) || !upgrades.some((upgrade) => gatesNewPod(upgrade, pod))) {
    return [];
  }
  const gate = { conditionType: VERIFIED };
  return pod.gates.length > 0
    ? [{ op: 'add', path: '/spec/readinessGates/-', value: gate }]
    : [{ op: 'add', path: '/spec/readinessGates', value: [gate] }];
}
