/** What one pod did, from its creation to its end: the content of a lane. Pure. */
import { isClosed } from '../../../../src/api/gate.ts';
import { VERIFIED } from '../../../../src/api/names.ts';
import type { PodReport, Upgrade } from '../../../../src/api/types.ts';
import type { PodView } from '../../../../src/api/views.ts';
import { fromIso, latest } from '../../../../src/core/time.ts';
import { stateLook } from '../looks.ts';
import { plainLines } from '../text.ts';
import { short } from './card.ts';
import type { Lane, Life, Span } from './model.ts';
import { type Kept, triesOf } from './recording.ts';
import { type LaneSources, zoneOf } from './sources.ts';

/** With what the fallback was decided on: a pod may have been gone before its last words were seen. */
function withEvidence(kept: Kept, { status }: Upgrade): Kept {
  const report = status?.fallback?.evidence?.find(({ name }) => name === kept.pod.name);
  return report && kept.version === 'wanted'
    ? { ...kept, state: report.state, report, tries: triesOf(kept.tries, report) }
    : kept;
}

export function lifeOf(seen: Kept, sources: LaneSources): Life {
  const { upgrade } = sources.scene;
  const kept = withEvidence(seen, upgrade);
  const { pod, version, state, tries, endpointAt, endpointSeen, goneAt } = kept;
  const verdict = verdictOf(kept, upgrade);
  return {
    uid: pod.uid,
    version,
    image: short(imageOf(pod, upgrade)),
    state: state || (version === 'before' ? 'Serving' : 'Waiting'),
    look: version === 'before' ? 'still' : stateLook(state),
    bars: barsOf(kept, sources, verdict?.at),
    tries,
    ...(verdict ? { verdict } : {}),
    ...gateOf(kept),
    ...(endpointAt === undefined ? {} : { endpoint: { at: endpointAt, seen: endpointSeen } }),
    ...(verdict === undefined ? deadlineOf(kept) : {}),
    ...(goneAt === undefined ? {} : { goneAt }),
    words: wordsOf(kept),
  };
}

/** Kubernetes keeps whole seconds: what came of a try in that second came after it. */
function verifiedAt({ pod, tries }: Kept): number {
  const since = pod.conditions[VERIFIED]?.since ?? 0;
  return latest(since, ...tries.map(({ at }) => at).filter((at) => at < since + 1000));
}

function gateOf(kept: Kept): Pick<Life, 'gate' | 'gateOpenedAt'> {
  const { pod } = kept;
  if (!pod.gates.includes(VERIFIED)) {
    return { gate: 'none' };
  }
  const verified = pod.conditions[VERIFIED];
  return {
    gate: isClosed(pod) ? 'closed' : 'open',
    ...(verified?.status === 'True' ? { gateOpenedAt: verifiedAt(kept) } : {}),
  };
}

/** A pod that ends is late for nothing. */
const deadlineOf = ({ pod, goneAt, deadlineAt }: Kept): Pick<Life, 'deadlineAt'> =>
  pod.deleting || goneAt !== undefined || deadlineAt === undefined ? {} : { deadlineAt };

const imageOf = (pod: PodView, { spec }: Upgrade): string =>
  pod.containers
    .filter(({ name }) => spec.containers.some((wanted) => wanted.name === name))
    .map(({ image }) => image)
    .join(', ');

function wordsOf({ pod, report, state }: Kept): string {
  if (state === 'Passed' || state === 'Skipped') {
    return '';
  }
  const output = report?.checks.find(({ output: said }) => said)?.output ?? '';
  const waiting = pod.containers.find(({ state: now, role }) => now === 'waiting' && role !== 'init');
  return short(plainLines(output).at(-1) || report?.message || (pod.deleting ? '' : waiting?.reason));
}

function verdictOf(kept: Kept, { status }: Upgrade): Life['verdict'] {
  const { pod, version, state, report } = kept;
  const verified = pod.conditions[VERIFIED];
  if (version === 'before') {
    return undefined;
  }
  if (verified?.status === 'True') {
    return { at: verifiedAt(kept), good: true, text: 'verified' };
  }
  if (state !== 'Failed') {
    return undefined;
  }
  const at = report?.checks[0]?.lastAt ?? status?.fallback?.startedAt ?? status?.attempt?.end?.at;
  return at === undefined
    ? undefined
    : { at: fromIso(at), good: false, text: short(report?.reason ?? 'failed', 64) };
}

/** What the pod does, one after the other. */
function barsOf(kept: Kept, { notes, now }: LaneSources, verdictAt: number | undefined): readonly Span[] {
  const { pod, version, deletedAt, goneAt } = kept;
  const mine = notes.filter(({ uid }) => uid === pod.uid);
  const note = (reason: string): number | undefined => mine.find((one) => one.reason === reason)?.at;
  const ready = pod.conditions['Ready'];
  const end = deletedAt ?? goneAt;
  if (version === 'before') {
    const since = ready?.status === 'True' ? ready.since : pod.createdAt;
    return chain([['serve', since]], deletedAt, goneAt);
  }
  const isServing = kept.endpointAt !== undefined || ready?.status === 'True';
  const good = pod.conditions[VERIFIED]?.status === 'True';
  const steps: [Span['what'], number | undefined][] = [
    ['waiting', pod.createdAt],
    ['pull', note('Pulling')],
    ['start', kept.startedAt ?? note('Pulled')],
    ['check', kept.readyAt],
    [good ? 'out' : 'failed', verdictAt],
    ['serve', good && isServing ? Math.max(kept.endpointAt ?? ready?.since ?? 0, verdictAt ?? 0) : undefined],
  ];
  return chain(steps, end === undefined ? undefined : Math.min(end, now), goneAt);
}

/** Steps that follow each other; one that has no time, or an earlier one than the step before it, is left out. */
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

/** What is known of a pod that was not watched: its result when the fallback was decided. */
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
