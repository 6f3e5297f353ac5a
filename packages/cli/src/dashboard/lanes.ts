/** The picture of an attempt: a lane a pod, from its creation to its end. Pure: what the API says, and what was remembered of it. */
import { isClosed } from '../../../../src/api/gate.ts';
import { VERIFIED } from '../../../../src/api/names.ts';
import { own } from '../../../../src/api/own.ts';
import type { PodReport, Upgrade } from '../../../../src/api/types.ts';
import type { PodView } from '../../../../src/api/views.ts';
import { effectiveSpec } from '../../../../src/core/effective-spec.ts';
import { isUnderWay } from '../../../../src/core/status.ts';
import { fromIso, latest } from '../../../../src/core/time.ts';
import { type Look, stateLook } from '../looks.ts';
import type { Scene } from '../scene.ts';
import { plainLines } from '../text.ts';
import { short } from './card.ts';
import type { Lane, Lanes, Life, Mark, Span } from './model.ts';
import { type Kept, type Recording, triesOf } from './recording.ts';

/** What the kubelet has reported about a pod. */
export interface PodNote {
  readonly uid: string;
  readonly reason: string;
  readonly at: number;
}

export interface NodeLabels {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface LaneSources {
  readonly scene: Scene;
  readonly recording: Recording;
  readonly notes: readonly PodNote[];
  readonly nodes: ReadonlyMap<string, NodeLabels>;
  readonly now: number;
}

/** More than these are no picture. */
const MOST_LANES = 60;
const ZONE = 'topology.kubernetes.io/zone';
const WORST_FIRST: readonly Look[] = ['bad', 'unsure', 'busy', 'still', 'good', 'back'];

export const zoneOf = (node: string, nodes: LaneSources['nodes']): string =>
  own(nodes.get(node)?.labels, ZONE) ?? '';

export function lanesOf(sources: LaneSources): Lanes {
  const { upgrade } = sources.scene;
  const { status } = upgrade;
  const isLive = isUnderWay(status);
  const from = fromIso(status?.attempt?.startedAt ?? upgrade.metadata.creationTimestamp);
  const marks = marksOf(upgrade);
  const all = lanes(sources, from);
  const drawn = mostTelling(all);
  return {
    from,
    to: isLive ? Math.max(sources.now, from) : lastThing(drawn, marks, from),
    isLive,
    periodSeconds: upgrade.spec.postCheck.periodSeconds,
    marks,
    lanes: drawn,
    left: all.length - drawn.length,
  };
}

const lastThing = (drawn: readonly Lane[], marks: readonly Mark[], from: number): number =>
  latest(
    from,
    ...marks.map(({ at }) => at),
    ...drawn.flatMap(({ lives }) => lives.flatMap(({ goneAt, endpoint }) => [goneAt, endpoint?.at])),
  );

function marksOf({ status }: Upgrade): Mark[] {
  const { attempt, fallback } = status ?? {};
  const end = attempt?.end;
  const { outcome = '' } = end ?? {};
  const marks: (Omit<Mark, 'at'> & { readonly at: string | undefined })[] = [
    { of: 'start', at: attempt?.startedAt, text: `attempt ${attempt?.number}`, look: 'still' },
    { of: 'fallback', at: fallback?.startedAt, text: 'falls back', look: 'back' },
    { of: 'end', at: end?.at, text: inWords(outcome), look: own(ENDS, outcome) ?? 'bad' },
  ];
  return marks.flatMap(({ at, ...mark }) => (at === undefined ? [] : [{ ...mark, at: fromIso(at) }]));
}

const ENDS: Readonly<Record<string, Look>> = { Succeeded: 'good', FellBack: 'back' };

/** `FallbackFailed` as `fallback failed`. */
const inWords = (outcome: string): string =>
  short(outcome, 32)
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();

function lanes(sources: LaneSources, from: number): Lane[] {
  const { scene, recording, nodes } = sources;
  const kept = [...recording.lives.values()].filter(
    ({ goneAt, version }) => version !== 'before' || goneAt === undefined || goneAt > from,
  );
  const stages = stageNames(sources, kept);
  const seen = [...Map.groupBy(kept, ({ pod }) => pod.name)].map(([name, lives]): Lane => {
    const node = lives.findLast(({ pod }) => pod.node !== '')?.pod.node ?? '';
    return {
      pod: name,
      node,
      zone: zoneOf(node, nodes),
      stage: lives.map(({ pod }) => stages.get(pod.uid)).findLast((stage) => stage !== undefined) ?? '',
      lives: lives.map((one) => lifeOf(one, sources)),
    };
  });
  const names = new Set(kept.filter(({ version }) => version === 'wanted').map(({ pod }) => pod.name));
  const gone = (scene.upgrade.status?.fallback?.evidence ?? [])
    .filter(({ name }) => !names.has(name))
    .map((report) => reportedLane(report, scene.upgrade, nodes));
  return merged([...seen, ...gone]).sort(
    (a, b) => a.node.localeCompare(b.node) || bornAt(a) - bornAt(b) || a.pod.localeCompare(b.pod),
  );
}

/** A pod that is gone and one that came under its name are one lane. */
const merged = (all: readonly Lane[]): Lane[] =>
  [...Map.groupBy(all, ({ pod }) => pod).values()].map((same) => ({
    ...(same[0] as Lane),
    lives: same.flatMap(({ lives }) => lives).sort((a, b) => startOf(a) - startOf(b)),
  }));

const startOf = ({ bars }: Life): number => bars[0]?.from ?? 0;
const bornAt = ({ lives }: Lane): number => Math.min(...lives.map(startOf));

/** Those with something to tell, in the order that they are drawn in. */
function mostTelling(all: readonly Lane[]): Lane[] {
  const rank = ({ lives }: Lane): number => Math.min(...lives.map(({ look }) => WORST_FIRST.indexOf(look)));
  const drawn = new Set([...all].sort((a, b) => rank(a) - rank(b)).slice(0, MOST_LANES));
  return all.filter((lane) => drawn.has(lane));
}

/** With what the fallback was decided on: a pod may have been gone before its last words were seen. */
function withEvidence(kept: Kept, { status }: Upgrade): Kept {
  const report = status?.fallback?.evidence?.find(({ name }) => name === kept.pod.name);
  return report && kept.version === 'wanted'
    ? { ...kept, state: report.state, report, tries: triesOf(kept.tries, report) }
    : kept;
}

function lifeOf(seen: Kept, sources: LaneSources): Life {
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
function reportedLane(report: PodReport, { status }: Upgrade, nodes: LaneSources['nodes']): Lane {
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

/** The stage of each pod of the wanted version: by its node's labels, else by when it came. */
function stageNames({ scene, nodes }: LaneSources, kept: readonly Kept[]): ReadonlyMap<string, string> {
  const { spec, status } = scene.upgrade;
  const stages = effectiveSpec(spec).stages.map((stage, index) => ({
    ...stage,
    desired: status?.stages?.[index]?.desired ?? 0,
  }));
  const wanted = kept
    .filter(({ version }) => version === 'wanted')
    .sort((a, b) => a.pod.createdAt - b.pod.createdAt);
  return new Map(
    wanted.flatMap(({ pod }, index) => {
      const mine = stages.find((stage) =>
        stage.nodes
          ? Object.entries(stage.nodes.matchLabels).every(
              ([label, value]) => own(nodes.get(pod.node)?.labels, label) === value,
            )
          : stage.pods === undefined || index < stage.desired,
      );
      return mine ? [[pod.uid, mine.name] as const] : [];
    }),
  );
}
