/** Describes the life of one pod, from its creation to its end: the content of a lane. Pure. */
import { isClosed } from '../../../../src/api/gate.ts';
import { VERIFIED } from '../../../../src/api/names.ts';
import type { PodReport, Upgrade } from '../../../../src/api/types.ts';
import type { PodView } from '../../../../src/api/views.ts';
import { isUpgraded } from '../../../../src/core/images.ts';
import { fromIso, latest } from '../../../../src/core/time.ts';
import { stateLook } from '../looks.ts';
import { plainLines } from '../text.ts';
import { short } from './card.ts';
import type { Lane, Life, Span } from './model.ts';
import { type RecordedPod, triesOf } from './recording.ts';
import { type LaneSources, zoneOf } from './sources.ts';

/** Adds the evidence of the fallback: a pod may have been deleted before its last result was recorded. */
function withEvidence(recorded: RecordedPod, { status }: Upgrade): RecordedPod {
  const report = status?.fallback?.evidence?.find(({ name }) => name === recorded.pod.name);
  return report && recorded.version === 'wanted'
    ? { ...recorded, state: report.state, report, tries: triesOf(recorded.tries, report) }
    : recorded;
}

export function lifeOf(seen: RecordedPod, sources: LaneSources): Life {
  const { upgrade } = sources.scene;
  const recorded = withEvidence(seen, upgrade);
  const { pod, version, state, tries, endpointAt, endpointSeen, goneAt } = recorded;
  const verdict = verdictOf(recorded, upgrade);
  return {
    uid: pod.uid,
    version,
    image: short(imageOf(pod, upgrade)),
    state: state || (version === 'before' ? 'Serving' : 'Waiting'),
    look: version === 'before' ? 'still' : stateLook(state),
    bars: barsOf(recorded, sources, verdict?.at),
    tries,
    ...(verdict ? { verdict } : {}),
    ...gateOf(recorded),
    ...(endpointAt === undefined ? {} : { endpoint: { at: endpointAt, seen: endpointSeen } }),
    ...(verdict === undefined ? deadlineOf(recorded) : {}),
    ...(goneAt === undefined ? {} : { goneAt }),
    words: wordsOf(recorded),
  };
}

/** Times in conditions are whole seconds: a result in the same second as its probe came after it. */
function verifiedAt({ pod, tries }: RecordedPod): number {
  const since = pod.conditions[VERIFIED]?.since ?? 0;
  return latest(since, ...tries.map(({ at }) => at).filter((at) => at < since + 1000));
}

function gateOf(recorded: RecordedPod): Pick<Life, 'gate' | 'gateOpenedAt'> {
  const { pod } = recorded;
  if (!pod.gates.includes(VERIFIED)) {
    return { gate: 'none' };
  }
  const verified = pod.conditions[VERIFIED];
  return {
    gate: isClosed(pod) ? 'closed' : 'open',
    ...(verified?.status === 'True' ? { gateOpenedAt: verifiedAt(recorded) } : {}),
  };
}

/** A pod that is being deleted has no deadline. */
const deadlineOf = ({ pod, goneAt, deadlineAt }: RecordedPod): Pick<Life, 'deadlineAt'> =>
  pod.deleting || goneAt !== undefined || deadlineAt === undefined ? {} : { deadlineAt };

const imageOf = (pod: PodView, { spec }: Upgrade): string =>
  pod.containers
    .filter(({ name }) => isUpgraded(spec, name))
    .map(({ image }) => image)
    .join(', ');

function wordsOf({ pod, report, state }: RecordedPod): string {
  if (state === 'Passed' || state === 'Skipped') {
    return '';
  }
  const output = report?.checks.find((check) => check.output)?.output ?? '';
  const waiting = pod.containers.find(({ state: now, role }) => now === 'waiting' && role !== 'init');
  return short(plainLines(output).at(-1) || report?.message || (pod.deleting ? '' : waiting?.reason));
}

function verdictOf(recorded: RecordedPod, { status }: Upgrade): Life['verdict'] {
  const { pod, version, state, report } = recorded;
  const verified = pod.conditions[VERIFIED];
  if (version === 'before') {
    return undefined;
  }
  if (verified?.status === 'True') {
    return { at: verifiedAt(recorded), good: true, text: 'verified' };
  }
  if (state !== 'Failed') {
    return undefined;
  }
  const at = report?.checks[0]?.lastAt ?? status?.fallback?.startedAt ?? status?.attempt?.end?.at;
  return at === undefined
    ? undefined
    : { at: fromIso(at), good: false, text: short(report?.reason ?? 'failed', 64) };
}

/** Returns the phases of the pod, one after the other. */
function barsOf(
  recorded: RecordedPod,
  { notes, now }: LaneSources,
  verdictAt: number | undefined,
): readonly Span[] {
  const { pod, version, deletedAt, goneAt } = recorded;
  const mine = notes.filter(({ uid }) => uid === pod.uid);
  const note = (reason: string): number | undefined => mine.find((one) => one.reason === reason)?.at;
  const ready = pod.conditions['Ready'];
  const end = deletedAt ?? goneAt;
  if (version === 'before') {
    const since = ready?.status === 'True' ? ready.since : pod.createdAt;
    return chain([['serve', since]], deletedAt, goneAt);
  }
  const isServing = recorded.endpointAt !== undefined || ready?.status === 'True';
  const good = pod.conditions[VERIFIED]?.status === 'True';
  const steps: [Span['what'], number | undefined][] = [
    ['waiting', pod.createdAt],
    ['pull', note('Pulling')],
    ['start', recorded.startedAt ?? note('Pulled')],
    ['check', recorded.readyAt],
    [good ? 'out' : 'failed', verdictAt],
    [
      'serve',
      good && isServing ? Math.max(recorded.endpointAt ?? ready?.since ?? 0, verdictAt ?? 0) : undefined,
    ],
  ];
  return chain(steps, end === undefined ? undefined : Math.min(end, now), goneAt);
}

/** Joins steps to bars; a step without a time is left out, and none starts before the previous one. */
function chain(
  steps: readonly (readonly [Span['what'], number | undefined])[],
  deletedAt: number | undefined,
  goneAt: number | undefined,
): Span[] {
  const known: (readonly [Span['what'], number])[] = [];
  for (const [what, at] of [...steps, ['ending', deletedAt] as const]) {
    if (at !== undefined && at > 0) {
      known.push([what, Math.max(at, known.at(-1)?.[1] ?? at)]);
    }
  }
  return known.map(([what, from], index) => {
    const to = known[index + 1]?.[1] ?? goneAt;
    return { what, from, ...(to === undefined ? {} : { to: Math.max(to, from) }) };
  });
}

/** Returns the lane of a pod that was not recorded: its result when the fallback was decided. */
export function reportedLane(report: PodReport, { status }: Upgrade, nodes: LaneSources['nodes']): Lane {
  const node = short(report.node, 253);
  const decidedAt = fromIso(status?.fallback?.startedAt ?? '');
  const [first] = report.checks;
  const from = first ? fromIso(first.firstAt) : decidedAt;
  const tries = triesOf([], report);
  return {
    pod: short(report.name, 253),
    node,
    zone: zoneOf(node, nodes),
    stage: '',
    lives: [
      {
        uid: `reported/${short(report.name, 253)}`,
        version: 'wanted',
        image: '',
        state: report.state,
        look: stateLook(report.state),
        bars: [{ what: 'check', from, to: decidedAt }],
        tries,
        verdict: { at: decidedAt, good: false, text: short(report.reason, 64) },
        gate: 'none',
        goneAt: decidedAt,
        words: short(plainLines(first?.output ?? '').at(-1) || report.message),
      },
    ],
  };
}
