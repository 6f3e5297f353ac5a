/**
 * The rule by which a new pod gets the readiness gate. The chart's admission policy has the same rule in CEL, the webhook uses this one; the same
 * cases test both (test/api/gate-cases.ts). A new pod has no UID yet, and the UID of its owner may be forged, so the rule uses neither.
 */
import { VERIFIED } from '../api/names.ts';
import type { Upgrade } from '../api/types.ts';
import type { NewPod, PodPatch, WorkloadKind } from '../api/views.ts';
import { completeStatus, type Status } from './complete-status.ts';
import { namedByOwner, ownsPods } from './workload/drivers.ts';

/** What of an Upgrade decides about a new pod. */
type Gating = Pick<Upgrade, 'spec' | 'status'>;

export interface GateTarget {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
}

/** What the Upgrades of a new pod's workload are found by; whether they gate it, gatePatch() decides. */
export function targetOfNewPod({ namespace, owner, templateHash }: NewPod): GateTarget | undefined {
  if (owner?.apiVersion !== 'apps/v1') {
    return undefined;
  }
  const workload = namedByOwner(owner, templateHash);
  return workload && { ...workload, namespace };
}

/** Whether a new pod of the Upgrade's target gets the gate. */
export const gatesNewPod = ({ spec, status }: Gating, pod: NewPod): boolean =>
  status?.attempt?.gating === true &&
  pod.owner !== undefined &&
  ownsPods(spec.targetRef, pod.owner, pod.templateHash) &&
  !runsPreviousImages(completeStatus(status), pod);

/** Pods with the previous images get no gate: they belong to a fallback, or the attempt changes nothing. */
const runsPreviousImages = ({ from }: Status, { containers }: NewPod): boolean =>
  Object.entries(from.images).every(([name, image]) =>
    containers.some((container) => container.name === name && container.image === image),
  );

/** The patch for a new pod, given the Upgrades of its target: the gate, or nothing. */
export function gatePatch(pod: NewPod, upgrades: readonly Gating[]): PodPatch {
  if (pod.gates.includes(VERIFIED) || !upgrades.some((upgrade) => gatesNewPod(upgrade, pod))) {
    return [];
  }
  const gate = { conditionType: VERIFIED };
  return pod.gates.length > 0
    ? [{ op: 'add', path: '/spec/readinessGates/-', value: gate }]
    : [{ op: 'add', path: '/spec/readinessGates', value: [gate] }];
}
