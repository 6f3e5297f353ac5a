/** Draws an Upgrade with its workload, revisions and pods as lines of text. Pure. */
import { isClosed } from '../../../src/api/gate.ts';
import { own } from '../../../src/api/own.ts';
import type { Images, Upgrade } from '../../../src/api/types.ts';
import type { PodView, WorkloadView } from '../../../src/api/views.ts';
import { completeStatus } from '../../../src/core/complete-status.ts';
import { isUpgraded, runsImages, upgradedImages, wantedImages } from '../../../src/core/images.ts';
import { imagesText } from '../../../src/core/report/image-text.ts';
import { isFallingBack, isUnderWay } from '../../../src/core/status.ts';
import { fromIso } from '../../../src/core/time.ts';
import { ofDesired } from '../../../src/core/verification/summary.ts';
import { driverOf } from '../../../src/core/workload/drivers.ts';
import { isEnding, isLive } from '../../../src/core/workload/pods.ts';
import { at } from '../../../src/kube/client/json.ts';
import type { Io } from './io.ts';
import { plural, stageLook } from './looks.ts';
import { overdue, overduePods } from './overdue.ts';
import { painted, symbol } from './paint.ts';
import { resultOf } from './pod-result.ts';
import { type Scene, takesTraffic } from './scene.ts';
import { clockTime, plain } from './text.ts';
import { podLines } from './tree-pods.ts';
import { conditionOf, isOfEarlierSpec, lookOf, phaseText, unseen } from './upgrade-state.ts';

/** Returns the whole picture: what runs, and what happens next. */
export const treeLines = (io: Io, scene: Scene): string[] => [
  ...objectLines(io, scene),
  ...footLines(io, scene),
];

/** The sentences below the picture: what happens next or has happened, and what could not be read. */
export const footLines = (io: Io, scene: Scene): string[] =>
  [next(io, scene), ...scene.missing.map((what) => `Not shown: ${what}`)].filter((line) => line !== '');

/** The Upgrade, its revisions, their pods, and how many of them serve. */
export function objectLines(io: Io, scene: Scene): string[] {
  const { upgrade, workload } = scene;
  const { kind, name } = upgrade.spec.targetRef;
  const target = workload
    ? `└─ ${kind} ${name}   ${updatedPods(scene, workload)} of ${workload.desired} ${updatedText(upgrade)}, ${workload.available} available${strategy(scene)}`
    : `└─ ${kind} ${name}   does not exist, or cannot be read`;
  return [
    head(io, upgrade),
    ...stages(io, upgrade),
    ...left(upgrade),
    target,
    ...revisions(io, scene).map((line) => `   ${line}`),
    ...(scene.traffic ? [trafficText(scene.traffic, scene)] : []),
  ];
}

function head(io: Io, upgrade: Upgrade): string {
  const { metadata, status, spec } = upgrade;
  const look = lookOf(upgrade);
  const images =
    imagesText(status?.to?.images ?? {}, spec) ||
    spec.containers.map((c) => `${c.name}=${c.image}`).join(', ');
  const { counts } = status ?? {};
  return [
    `${symbol(io, look)} Upgrade ${metadata.namespace}/${metadata.name}`,
    `attempt ${status?.attempt?.number ?? 'not started'}: ${images}`,
    painted(io, look, phaseText(upgrade)),
    counts ? `${ofDesired(counts.passed, counts)} of ${counts.desired} passed` : '',
    gateWord(upgrade),
    unseen(upgrade) ?? '',
  ]
    .filter((part) => part !== '')
    .join('   ');
}

/** Formats the stages of an attempt: `├─ Stages   ✔ canary 1 of 1   ◌ rest 0 of 3 (Rolling)`. */
function stages(io: Io, { status }: Upgrade): string[] {
  const all = (status?.stages ?? []).map(({ name, state, verified, desired }) => {
    return `${symbol(io, stageLook(state))} ${name} ${verified} of ${desired}${state === 'Done' ? '' : ` (${state})`}`;
  });
  return all.length === 0 ? [] : [`├─ Stages   ${all.join('   ')}`];
}

/** Formats a line for each failed place: `├─ Left     node-7 Back: readiness-probe in container web exited 17 (ProbeFailed)`. */
const left = ({ status }: Upgrade): string[] =>
  (status?.left ?? []).map(
    ({ name, state, message, reason }) => `├─ Left     ${name} ${state}: ${plain(message ?? reason)}`,
  );

function gateWord(upgrade: Upgrade): string {
  const gated = conditionOf(upgrade, 'Gated');
  return gated ? (gated.status === 'True' ? 'gate on' : `gate off (${gated.reason})`) : '';
}

function strategy({ rawWorkload, workload }: Scene): string {
  const spec = rawWorkload?.spec;
  const rolling = (at(spec, 'strategy', 'rollingUpdate') ?? at(spec, 'updateStrategy', 'rollingUpdate')) as
    | { maxSurge?: string | number; maxUnavailable?: string | number }
    | undefined;
  const parts = [
    rolling?.maxSurge === undefined ? '' : `maxSurge ${rolling.maxSurge}`,
    rolling?.maxUnavailable === undefined ? '' : `maxUnavailable ${rolling.maxUnavailable}`,
    workload && driverOf(workload).obstacle(workload)?.reason === 'WorkloadPaused' ? 'paused' : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? `; ${parts.join(', ')}` : '';
}

/** The images of the attempt; before it has started, those of the spec. */
function imagesOfAttempt(upgrade: Upgrade): Images {
  const { spec, status } = upgrade;
  return status?.attempt && !isOfEarlierSpec(upgrade)
    ? upgradedImages(completeStatus(status), spec)
    : wantedImages(spec);
}

/** Whether these pods run the wanted images. Admission may rewrite the images of pods, so for the template's own revision the template decides. */
function isWanted({ upgrade, workload, updateRevision }: Scene, pod: PodView): boolean {
  const wanted = imagesOfAttempt(upgrade);
  return workload && pod.revision === updateRevision
    ? runsImages(workload, wanted)
    : pod.containers.every(({ name, image }) => [undefined, image].includes(own(wanted, name)));
}

/** The workload counts the pods of its template, which need not be the wanted one: before anything is written, after a fallback, after a change by others. */
const updatedPods = (scene: Scene, workload: WorkloadView): number =>
  runsImages(workload, imagesOfAttempt(scene.upgrade))
    ? workload.updated
    : scene.pods.filter((pod) => isLive(pod) && isWanted(scene, pod)).length;

/** Once a version was given up, its name: reverted pods are updated too, as the status counts them. */
const updatedText = (upgrade: Upgrade): string =>
  upgrade.status?.fallback && !isOfEarlierSpec(upgrade)
    ? `run ${imagesText(imagesOfAttempt(upgrade), upgrade.spec)}`
    : 'updated';

function roleOf(scene: Scene, revision: string, pods: readonly PodView[]): string {
  if (pods.every((pod) => isWanted(scene, pod))) {
    return '(wanted)';
  }
  return revision === scene.updateRevision ? '(current)' : '(before)';
}

/** Formats the revisions that have pods, the template's own first. */
function revisions(io: Io, scene: Scene): string[] {
  const live = scene.pods.filter((pod) => isLive(pod) || isEnding(pod));
  const groups = [...Map.groupBy(live, ({ revision }) => revision)].sort(
    ([a], [b]) =>
      Number(b === scene.updateRevision) - Number(a === scene.updateRevision) || b.localeCompare(a),
  );
  return groups.flatMap(([revision, pods], index) => {
    const last = index === groups.length - 1;
    const number = scene.revisions.find(({ hash }) => hash === revision)?.revision;
    const images = [...new Set(pods.flatMap((pod) => imagesOfPod(pod, scene.upgrade)))].join(', ');
    const role = roleOf(scene, revision, pods);
    return [
      `${last ? '└─' : '├─'} revision ${number ?? revision}   ${images}   ${io.paint('gray', role)}`,
      ...podLines(io, scene, pods).map((line) => `${last ? '  ' : '│ '} ${line}`),
    ];
  });
}

const imagesOfPod = (pod: PodView, { spec }: Upgrade): string[] =>
  pod.containers
    .filter(({ name }) => isUpgraded(spec, name))
    .map(({ name, image }) => `${name}=${plain(image)}`);

function trafficText(known: NonNullable<Scene['traffic']>, { pods, upgrade }: Scene): string {
  const serving = pods.filter(({ uid }) => takesTraffic(known.get(uid)));
  const unverified = serving.filter(isClosed);
  const gating = upgrade.status?.attempt?.gating === true;
  const rest =
    unverified.length > 0
      ? `; ${plural(unverified.length, 'pod')} of them behind a closed gate`
      : gating
        ? '; none of them is an unverified pod of the new version'
        : '';
  return `Traffic: ${plural(serving.length, 'pod')} in the endpoints of Services${rest}.`;
}

/** Describes what happens if nothing changes, and when. */
function next(io: Io, scene: Scene): string {
  const { upgrade, pods } = scene;
  const { status, spec } = upgrade;
  if (!isUnderWay(status)) {
    return status?.message ? plain(status.message) : '';
  }
  const rest = restText(upgrade);
  if (rest !== undefined) {
    return rest;
  }
  const open = pods
    .map((pod) => resultOf(scene, pod, io.now()))
    .filter((result) => result?.deadlineAt !== undefined && !result.recorded)
    .map((result) => result?.deadlineAt ?? 0)
    // A deadline that is over has decided nothing: that pod waits for a response.
    .filter((at) => at > io.now());
  if (open.length === 0) {
    const ending = endingText(upgrade, io.now());
    return `${plain(status?.message ?? '')}${ending ? `   ${ending}` : ''}`;
  }
  const against = status?.pods?.some(({ state }) => state === 'Retrying') ?? false;
  const end = against
    ? endOf(upgrade, isFallingBack(status), spec.fallback.action)
    : 'Inconclusive, because no pod has returned a result';
  return `If nothing changes: ${end} at ${clockTime(Math.min(...open))}.`;
}

/** When an attempt ends at the latest; one without a verdict waits beyond that. */
function endingText({ status }: Upgrade, now: number): string | undefined {
  const { deadlineAt } = status?.attempt ?? {};
  if (status?.phase === 'Inconclusive') {
    return undefined;
  }
  const late = overduePods(status?.pods ?? [], now) ?? (deadlineAt && overdue(fromIso(deadlineAt), now));
  if (late) {
    return `Its deadline is over; ${late}.`;
  }
  return deadlineAt ? `Without further progress it ends at ${clockTime(fromIso(deadlineAt))}.` : undefined;
}

/** Describes an attempt in which no deadline runs. An obstacle suspends it too, and then its message says how to go on. */
function restText({ status, spec }: Upgrade): string | undefined {
  const message = plain(status?.message ?? '');
  if (status?.paused?.since) {
    const since = `since ${clockTime(fromIso(status.paused.since))}: no deadline runs.`;
    return spec.paused ? `Paused ${since}` : `${message}   Suspended ${since}`;
  }
  return status?.waiting ? message : undefined;
}

function endOf({ status, spec }: Upgrade, fallingBack: boolean, action: string): string {
  if (fallingBack) {
    return 'FallbackFailed';
  }
  const before = imagesText(status?.from?.images ?? {}, spec);
  return action === 'Rollback'
    ? `falls back to ${before}`
    : `Failed, without a rollback (fallback.action ${action})`;
}
