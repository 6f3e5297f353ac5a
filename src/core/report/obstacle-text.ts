/** The text for an obstacle: what is wrong and what to do, one sentence without a full stop. */
import { kubectl } from '../../api/kubectl.ts';
import { VERIFIED } from '../../api/names.ts';
import type { ObstacleReason } from '../../api/reasons.ts';
import { STATUS_CHARACTERS } from '../../api/views.ts';
import type { IneffectiveWrite, NamedWorkload, Obstacle, ObstacleOf } from '../obstacle.ts';
import { shownImage } from './image-text.ts';

const nameOf = ({ kind, name }: NamedWorkload): string => `${kind} ${name}`;

const list = (names: readonly string[]): string => names.join(', ');

function targetNotFound({ workload, namespace, namesakes }: ObstacleOf<'TargetNotFound'>): string {
  const others = namesakes.map((kind) => `a ${kind}`).join(' and ');
  const fix = others ? `, only ${others} of that name:` : ': create it, or';
  return `${nameOf(workload)} does not exist in namespace ${namespace}${fix} delete this Upgrade and create one for the workload that you mean`;
}

const CANNOT_RUN_IN = {
  Missing: 'does not exist',
  Init: 'is an init container that ends before the check runs',
} as const;

const invalidCheckContainer = ({ workload, check, wrong }: ObstacleOf<'InvalidCheckContainer'>): string =>
  wrong
    ? `check ${check} names container ${wrong.container} of ${nameOf(workload)}, which ${CANNOT_RUN_IN[wrong.why]}: name a regular container or a sidecar`
    : `check ${check} has no container to run in: list some in its containers`;

const STAGES_FIX = {
  AllAtOnce: 'it replaces all pods at once; set the type of its update strategy to RollingUpdate',
  OwnChoice: 'its controller chooses the nodes; set updateStrategy.type to OnDelete',
  Ungated: 'its stages need the gate, so set spec.gate to Auto or Required',
} as const;

const stagesUnsupported = ({ workload, why }: ObstacleOf<'StagesUnsupported'>): string =>
  typeof why === 'object'
    ? `stage ${why.nodesOf} selects nodes, which only a DaemonSet supports: set pods instead`
    : `${nameOf(workload)} does not support stages: ${STAGES_FIX[why]}`;

function writeText(write: Exclude<IneffectiveWrite, { of: 'Status' }>): string {
  switch (write.of) {
    case 'ManagedFields':
      return `managedFields of ${nameOf(write.workload)}`;
    case 'Partition':
      return `the partition of ${nameOf(write.workload)}`;
    case 'Finalizers':
      return `finalizers of Upgrade ${write.upgrade} (now ${write.current.join()})`;
    case 'Condition':
      return `condition ${VERIFIED} of pod ${write.pod}`;
  }
}

const noEffect = ({ write }: ObstacleOf<'NoEffect'>): string =>
  write.of === 'Status'
    ? 'the API server stores a different status than postcheck writes: apply the CRD of this version of postcheck, or check for an admission webhook that changes it'
    : `a write of ${writeText(write)} was accepted but had no effect: check for an admission webhook, a policy or a controller that reverts it`;

/** StatusRefused has no text here: a rejected status is reported in fit.ts. */
const TEXTS: {
  readonly [R in Exclude<ObstacleReason, 'StatusRefused'>]: (obstacle: ObstacleOf<R>) => string;
} = {
  TargetClaimed: ({ workload, by }) =>
    `Upgrade ${by} already acts on ${nameOf(workload)}: delete one of the two`,
  TargetNotFound: targetNotFound,
  WorkloadTooLong: ({ workload, characters, values }) =>
    `${nameOf(workload)} has container names, images, mounts and named ports of more than ${characters.toLocaleString('en-US')} characters together, with ${STATUS_CHARACTERS} for each container, or more than ${values.toLocaleString('en-US')} values in its pod template, so postcheck does not read it: shorten them`,
  ContainerNotFound: ({ workload, missing, existing }) =>
    `${nameOf(workload)} has no container ${list(missing)}, only ${list(existing)}: correct spec.containers`,
  InvalidCheckContainer: invalidCheckContainer,
  WorkloadPaused: ({ workload, namespace }) =>
    `${nameOf(workload)} is paused, so nothing rolls: run \`${kubectl(namespace, 'rollout', 'resume', `${workload.kind.toLowerCase()}/${workload.name}`)}\``,
  PartitionSet: ({ workload, partition, kept }) =>
    `${nameOf(workload)} has updateStrategy.rollingUpdate.partition ${partition}, which keeps ${kept.length === 1 ? 'a pod' : `${kept.length} pods`} on the version that failed: set it to ${Math.min(...kept)}`,
  StagesUnsupported: stagesUnsupported,
  ScopeUnsupported: ({ workload }) =>
    `spec.fallback.scope is FailedPods, but the controller of ${nameOf(workload)} replaces all its pods by itself: set updateStrategy.type to OnDelete, or the scope to All`,
  TimeZoneUnknown: ({ timeZone }) =>
    `spec.windows names time zone ${timeZone}, which does not exist: write an IANA name such as Asia/Taipei, or UTC`,
  PrometheusMissing: () =>
    "spec.postCheck.rolloutChecks needs a Prometheus, and the operator has no --prometheus-url (the chart's prometheus.url): configure one, or remove the checks",
  DependencyNotFound: ({ upgrade, namespace }) =>
    `spec.dependsOn names Upgrade ${upgrade}, which does not exist in namespace ${namespace}: create it, or remove it from spec.dependsOn`,
  DependencyCycle: ({ cycle }) =>
    cycle.length === 2
      ? `it depends on itself: remove ${cycle[0]} from spec.dependsOn`
      : `spec.dependsOn has a cycle, ${cycle.join(' → ')}: remove one of them`,
  ImagesTooLong: ({ workload, bytes, max }) =>
    `the images of ${nameOf(workload)} take ${bytes} bytes with the names of their containers, but the status has room for ${max}: use shorter references`,
  GateUnavailable: () =>
    'spec.gate is Required, but neither the gate policy nor the gate webhook acts in this namespace (gate.carrier of the chart): install one, or set spec.gate to Auto',
  Forbidden: ({ message }) => message,
  Refused: ({ message }) => message,
  NoEffect: noEffect,
  ImageRewritten: ({ container, wanted, image }) =>
    `the API server stored image ${shownImage(image)} again instead of ${wanted} for container ${container}: check for an admission policy that sets it`,
  Paused: () => 'paused by spec.paused',
};

/** What is wrong and what to do. */
export const obstacleText = (obstacle: Obstacle): string =>
  (TEXTS[obstacle.reason] as (obstacle: Obstacle) => string)(obstacle);
