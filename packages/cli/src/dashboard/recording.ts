/**
 * What the API keeps only for a moment, remembered while somebody looks: each try, pods that are gone, endpoints over time. Pure: one step from
 * what was remembered to what is remembered next. Bounded, whatever the cluster holds.
 */
import { VERIFIED } from '../../../../src/api/names.ts';
import { own } from '../../../../src/api/own.ts';
import type { PodReport, Upgrade } from '../../../../src/api/types.ts';
import type { PodView } from '../../../../src/api/views.ts';
import { isUnderWay } from '../../../../src/core/status.ts';
import { fromIso, latest } from '../../../../src/core/time.ts';
import { at, type Raw, time } from '../../../../src/kube/client/json.ts';
import { resultOf } from '../judged.ts';
import { type Scene, takesTraffic } from '../scene.ts';
import { short } from './card.ts';
import type { Sample, Try, Version } from './model.ts';

/** What is kept of a pod. */
export interface Kept {
  readonly pod: PodView;
  readonly version: Version;
  readonly state: string;
  readonly report?: PodReport;
  readonly deadlineAt?: number;
  readonly tries: readonly Try[];
  /** When its containers ran, and were ready: a pod that ends forgets it. */
  readonly startedAt?: number;
  readonly readyAt?: number;
  /** When it was first seen in the endpoints of a Service. */
  readonly endpointAt?: number;
  readonly endpointSeen: boolean;
  readonly deletedAt?: number;
  readonly goneAt?: number;
}

export interface Recording {
  /** The attempt that all of this is of. */
  readonly attempt: string;
  /** By the pod's UID, in the order of their coming. */
  readonly lives: ReadonlyMap<string, Kept>;
  readonly traffic: readonly Sample[];
}

const MOST_LIVES = 300;
const MOST_TRIES = 200;
const MOST_SAMPLES = 400;
const NOTHING: Recording = { attempt: '', lives: new Map(), traffic: [] };

/** What is remembered after this look. */
export function record(before: Recording | undefined, scene: Scene, now: number): Recording {
  const { metadata, status } = scene.upgrade;
  // One that was deleted and made again begins with the same attempt.
  const attempt = `${metadata.uid}/${status?.attempt?.id ?? ''}`;
  const known = before?.attempt === attempt ? before : { ...NOTHING, attempt };
  const lives = new Map(known.lives);
  const here = new Set(scene.pods.map(({ uid }) => uid));
  for (const [uid, kept] of lives) {
    if (!here.has(uid) && kept.goneAt === undefined) {
      lives.set(uid, { ...kept, goneAt: now });
    }
  }
  scene.pods.forEach((pod, index) => {
    lives.set(pod.uid, keep(lives.get(pod.uid), pod, scene.rawPods[index] ?? {}, scene, now));
  });
  return { attempt, lives: newest(lives), traffic: sampled(known.traffic, scene, now) };
}

/** The oldest of those that are gone make room. */
function newest(lives: Map<string, Kept>): ReadonlyMap<string, Kept> {
  for (const [uid, { goneAt }] of lives) {
    if (lives.size <= MOST_LIVES) {
      break;
    }
    if (goneAt !== undefined) {
      lives.delete(uid);
    }
  }
  return lives;
}

function keep(known: Kept | undefined, pod: PodView, raw: Raw, scene: Scene, now: number): Kept {
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
      atRest(pod),
    ...(report ? { report } : known?.report ? { report: known.report } : {}),
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
    tries: triesOf(known?.tries ?? [], report),
    ...endpoint,
    ...beginningsOf(known, pod),
    ...(pod.deleting ? { deletedAt: known?.deletedAt ?? deletedAt(raw, now) } : {}),
  };
}

function beginningsOf(
  known: Kept | undefined,
  { containers, conditions }: PodView,
): Pick<Kept, 'startedAt' | 'readyAt'> {
  const times = containers.filter(({ role }) => role !== 'init').map(({ startedAt: at }) => at);
  const startedAt =
    known?.startedAt ?? (times.every((at) => at !== undefined) ? latest(...times) : undefined);
  const ready = conditions['ContainersReady'];
  const readyAt = known?.readyAt ?? (ready?.status === 'True' ? ready.since : undefined);
  return { ...(startedAt === undefined ? {} : { startedAt }), ...(readyAt === undefined ? {} : { readyAt }) };
}

const atRest = (pod: PodView): string => (pod.conditions[VERIFIED]?.status === 'True' ? 'Passed' : '');

/** The deletion's time lies ahead by the time that the pod is given to end. */
function deletedAt(raw: Raw, now: number): number {
  const grace = Number(at(raw, 'metadata', 'deletionGracePeriodSeconds') ?? 0);
  const ends = time(at(raw, 'metadata', 'deletionTimestamp'));
  return ends > 0 ? Math.min(now, ends - grace * 1000) : now;
}

/** A report is of the pod of this name that the present rollout waits for. */
function reportOf(pod: PodView, { upgrade, updateRevision }: Scene): PodReport | undefined {
  return pod.revision === updateRevision
    ? upgrade.status?.pods?.find(({ name }) => name === pod.name)
    : undefined;
}

/** Whose version a pod runs: by its images, and by when it came. */
export function versionOf(pod: PodView, { spec, status }: Upgrade): Version {
  const { attempt, fallback, from, to } = status ?? {};
  const named = pod.containers.filter(({ name }) => spec.containers.some((wanted) => wanted.name === name));
  const runs = (images: Readonly<Record<string, string>> = {}): boolean =>
    named.every(({ name, image }) => own(images, name) === image);
  if (attempt?.adopted && runs(to?.images)) {
    return 'wanted';
  }
  if (!cameSince(pod, attempt?.startedAt)) {
    return 'before';
  }
  if (cameSince(pod, fallback?.startedAt) && !runs(to?.images)) {
    return 'restored';
  }
  return runs(from?.images) ? 'before' : 'wanted';
}

/** Pods have whole seconds. */
const cameSince = ({ createdAt }: PodView, moment: string | undefined): boolean =>
  moment !== undefined && createdAt >= Math.floor(fromIso(moment) / 1000) * 1000;

/** What is new of a report's tries. */
export function triesOf(known: readonly Try[], report: PodReport | undefined): readonly Try[] {
  const fresh = (report?.checks ?? []).flatMap((check): Try[] => {
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
  return fresh.length === 0 ? known : [...known, ...fresh].slice(-MOST_TRIES);
}

function endpointOf(
  known: Kept | undefined,
  pod: PodView,
  { traffic }: Scene,
  now: number,
): Pick<Kept, 'endpointAt' | 'endpointSeen'> {
  if (known?.endpointAt !== undefined) {
    return { endpointAt: known.endpointAt, endpointSeen: known.endpointSeen };
  }
  if (!takesTraffic(traffic?.get(pod.uid))) {
    return { endpointSeen: known !== undefined };
  }
  // Whether it is there since a moment ago or since long is only known of one that was not there before.
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
  return isSame ? known : [...known, sample].slice(-MOST_SAMPLES);
}

/** A restored pod runs the previous version, which served without a gate all along. */
function sampleOf({ upgrade, pods, traffic }: Scene, now: number): Sample {
  const serving = pods.filter(({ uid }) => takesTraffic(traffic?.get(uid)));
  // Pods and endpoints are watched apart: one that serves behind a gate is verified, though its own news may be on its way.
  const isVerified = (pod: PodView): boolean =>
    pod.conditions[VERIFIED]?.status === 'True' ||
    (pod.gates.includes(VERIFIED) && traffic?.get(pod.uid) === 'serving');
  const since = serving.filter((pod) => cameSince(pod, upgrade.status?.attempt?.startedAt));
  const verified = since.filter(isVerified).length;
  const unverified = since.filter((pod) => versionOf(pod, upgrade) === 'wanted' && !isVerified(pod)).length;
  return { at: now, before: serving.length - verified - unverified, verified, unverified };
}
