/**
 * Records what the API keeps only briefly: each probe, deleted pods, endpoints over time. Pure: each step returns the next recording. Its size is
 * limited, whatever the cluster contains.
 */
import { VERIFIED } from '../../../../src/api/names.ts';
import { own } from '../../../../src/api/own.ts';
import type { PodReport, Upgrade } from '../../../../src/api/types.ts';
import type { PodView } from '../../../../src/api/views.ts';
import { isUpgraded } from '../../../../src/core/images.ts';
import { isUnderWay } from '../../../../src/core/status.ts';
import { fromIso, latest } from '../../../../src/core/time.ts';
import { at, type Raw, time } from '../../../../src/kube/client/json.ts';
import { resultOf } from '../pod-result.ts';
import { type Scene, takesTraffic } from '../scene.ts';
import { short } from './card.ts';
import type { Sample, Try, Version } from './model.ts';

/** What is recorded of a pod. */
export interface RecordedPod {
  readonly pod: PodView;
  readonly version: Version;
  readonly state: string;
  readonly report?: PodReport;
  readonly deadlineAt?: number;
  readonly tries: readonly Try[];
  /** When its containers ran and were ready; a pod that ends no longer has these times. */
  readonly startedAt?: number;
  readonly readyAt?: number;
  /** When it was first seen in the endpoints of a Service. */
  readonly endpointAt?: number;
  readonly endpointSeen: boolean;
  readonly deletedAt?: number;
  readonly goneAt?: number;
}

export interface Recording {
  /** The attempt that is recorded. */
  readonly attempt: string;
  /** By the pod's UID, in the order in which they were first seen. */
  readonly lives: ReadonlyMap<string, RecordedPod>;
  readonly traffic: readonly Sample[];
}

const MAX_LIVES = 300;
const MAX_TRIES = 200;
const MAX_SAMPLES = 400;
const NOTHING: Recording = { attempt: '', lives: new Map(), traffic: [] };

/** Returns the next recording. */
export function record(before: Recording | undefined, scene: Scene, now: number): Recording {
  const { metadata, status } = scene.upgrade;
  // An Upgrade that was deleted and created again starts with the same attempt number.
  const attempt = `${metadata.uid}/${status?.attempt?.id ?? ''}`;
  const known = before?.attempt === attempt ? before : { ...NOTHING, attempt };
  const lives = new Map(known.lives);
  const here = new Set(scene.pods.map(({ uid }) => uid));
  for (const [uid, recorded] of lives) {
    if (!here.has(uid) && recorded.goneAt === undefined) {
      lives.set(uid, { ...recorded, goneAt: now });
    }
  }
  scene.pods.forEach((pod, index) => {
    lives.set(pod.uid, recordPod(lives.get(pod.uid), pod, scene.rawPods[index] ?? {}, scene, now));
  });
  return { attempt, lives: newest(lives), traffic: sampled(known.traffic, scene, now) };
}

/** Removes the oldest deleted pods above the limit. */
function newest(lives: Map<string, RecordedPod>): ReadonlyMap<string, RecordedPod> {
  for (const [uid, { goneAt }] of lives) {
    if (lives.size <= MAX_LIVES) {
      break;
    }
    if (goneAt !== undefined) {
      lives.delete(uid);
    }
  }
  return lives;
}

function recordPod(
  known: RecordedPod | undefined,
  pod: PodView,
  raw: Raw,
  scene: Scene,
  now: number,
): RecordedPod {
  const { upgrade } = scene;
  const version = versionOf(pod, upgrade);
  const report = reportOf(pod, scene);
  const result = isUnderWay(upgrade.status) ? resultOf(scene, pod, now) : undefined;
  const settled = result?.recorded ? result.state : undefined;
  const deadlineAt = report?.deadlineAt ? fromIso(report.deadlineAt) : result?.deadlineAt;
  const endpoint = endpointOf(known, pod, scene, now);
  return {
    pod,
    version,
    state:
      settled ??
      report?.state ??
      (version === 'before' ? undefined : result?.state) ??
      known?.state ??
      storedState(pod),
    ...(report ? { report } : known?.report ? { report: known.report } : {}),
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
    tries: triesOf(known?.tries ?? [], report),
    ...endpoint,
    ...startTimesOf(known, pod),
    ...(pod.deleting ? { deletedAt: known?.deletedAt ?? deletedAt(raw, now) } : {}),
  };
}

function startTimesOf(
  known: RecordedPod | undefined,
  { containers, conditions }: PodView,
): Pick<RecordedPod, 'startedAt' | 'readyAt'> {
  const times = containers.filter(({ role }) => role !== 'init').map(({ startedAt: at }) => at);
  const startedAt =
    known?.startedAt ?? (times.every((at) => at !== undefined) ? latest(...times) : undefined);
  const ready = conditions['ContainersReady'];
  const readyAt = known?.readyAt ?? (ready?.status === 'True' ? ready.since : undefined);
  return { ...(startedAt === undefined ? {} : { startedAt }), ...(readyAt === undefined ? {} : { readyAt }) };
}

const storedState = (pod: PodView): string => (pod.conditions[VERIFIED]?.status === 'True' ? 'Passed' : '');

/** The deletion timestamp includes the grace period. */
function deletedAt(raw: Raw, now: number): number {
  const grace = Number(at(raw, 'metadata', 'deletionGracePeriodSeconds') ?? 0);
  const ends = time(at(raw, 'metadata', 'deletionTimestamp'));
  return ends > 0 ? Math.min(now, ends - grace * 1000) : now;
}

/** A report is about the pod of this name in the revision to verify. */
function reportOf(pod: PodView, { upgrade, updateRevision }: Scene): PodReport | undefined {
  return pod.revision === updateRevision
    ? upgrade.status?.pods?.find(({ name }) => name === pod.name)
    : undefined;
}

/** Returns the version that a pod runs: by its images and its creation. */
export function versionOf(pod: PodView, { spec, status }: Upgrade): Version {
  const { attempt, fallback, from, to } = status ?? {};
  const named = pod.containers.filter(({ name }) => isUpgraded(spec, name));
  const runs = (images: Readonly<Record<string, string>> = {}): boolean =>
    named.every(({ name, image }) => own(images, name) === image);
  if (attempt?.adopted && runs(to?.images)) {
    return 'wanted';
  }
  if (!isCreatedSince(pod, attempt?.startedAt)) {
    return 'before';
  }
  if (isCreatedSince(pod, fallback?.startedAt) && !runs(to?.images)) {
    return 'restored';
  }
  return runs(from?.images) ? 'before' : 'wanted';
}

/** Creation times are whole seconds. */
const isCreatedSince = ({ createdAt }: PodView, moment: string | undefined): boolean =>
  moment !== undefined && createdAt >= Math.floor(fromIso(moment) / 1000) * 1000;

/** Adds the new probes of a report. */
export function triesOf(known: readonly Try[], report: PodReport | undefined): readonly Try[] {
  const added = (report?.checks ?? []).flatMap((check): Try[] => {
    const seen = (at: number): boolean =>
      known.some((one) => one.check === check.check && one.container === check.container && one.at >= at);
    const lastAt = fromIso(check.lastAt);
    return seen(lastAt)
      ? []
      : [
          {
            at: lastAt,
            check: short(check.check, 63),
            container: short(check.container, 63),
            text: check.exitCode === undefined ? short(check.reason, 64) : String(check.exitCode),
            class: check.class,
            reason: short(check.reason, 64),
            number: check.attempts,
          },
        ];
  });
  return added.length === 0 ? known : [...known, ...added].slice(-MAX_TRIES);
}

function endpointOf(
  known: RecordedPod | undefined,
  pod: PodView,
  { traffic }: Scene,
  now: number,
): Pick<RecordedPod, 'endpointAt' | 'endpointSeen'> {
  if (known?.endpointAt !== undefined) {
    return { endpointAt: known.endpointAt, endpointSeen: known.endpointSeen };
  }
  if (!takesTraffic(traffic?.get(pod.uid))) {
    return { endpointSeen: known !== undefined };
  }
  // When it was added is only known if it was seen without an endpoint before.
  const readyAt = pod.conditions['Ready']?.since || pod.createdAt;
  const wasSeenWithout = known !== undefined;
  return { endpointAt: wasSeenWithout ? now : readyAt, endpointSeen: wasSeenWithout };
}

function sampled(known: readonly Sample[], scene: Scene, now: number): readonly Sample[] {
  if (!scene.traffic) {
    return known;
  }
  const sample = sampleOf(scene, now);
  const last = known.at(-1);
  const isSame =
    last?.before === sample.before &&
    last.verified === sample.verified &&
    last.unverified === sample.unverified;
  return isSame ? known : [...known, sample].slice(-MAX_SAMPLES);
}

/** A restored pod runs the previous version, which served without a gate all along. */
function sampleOf({ upgrade, pods, traffic }: Scene, now: number): Sample {
  const serving = pods.filter(({ uid }) => takesTraffic(traffic?.get(uid)));
  // Pods and endpoints are watched separately: a pod with a gate that serves is verified, even if its own event has not arrived yet.
  const isVerified = (pod: PodView): boolean =>
    pod.conditions[VERIFIED]?.status === 'True' ||
    (pod.gates.includes(VERIFIED) && traffic?.get(pod.uid) === 'serving');
  const since = serving.filter((pod) => isCreatedSince(pod, upgrade.status?.attempt?.startedAt));
  const verified = since.filter(isVerified).length;
  const unverified = since.filter((pod) => versionOf(pod, upgrade) === 'wanted' && !isVerified(pod)).length;
  return { at: now, before: serving.length - verified - unverified, verified, unverified };
}
