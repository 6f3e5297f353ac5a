/** Creates the picture of an attempt, with a lane for each pod, from what is in the API and what was recorded. Pure. */
import { own } from '../../../../src/api/own.ts';
import type { Upgrade } from '../../../../src/api/types.ts';
import { effectiveSpec } from '../../../../src/core/effective-spec.ts';
import { isUnderWay } from '../../../../src/core/status.ts';
import { fromIso, latest } from '../../../../src/core/time.ts';
import type { Look } from '../looks.ts';
import { short } from './card.ts';
import { lifeOf, reportedLane } from './life.ts';
import type { Lane, Lanes, Life, Mark } from './model.ts';
import type { RecordedPod } from './recording.ts';
import { type LaneSources, zoneOf } from './sources.ts';

/** How many lanes are drawn at most. */
const MAX_LANES = 60;
const WORST_FIRST: readonly Look[] = ['bad', 'unsure', 'busy', 'still', 'good', 'back'];

export function lanesOf(sources: LaneSources): Lanes {
  const { upgrade } = sources.scene;
  const { status } = upgrade;
  const isLive = isUnderWay(status);
  const from = fromIso(status?.attempt?.startedAt ?? upgrade.metadata.creationTimestamp);
  const marks = marksOf(upgrade);
  const all = lanes(sources, from);
  const drawn = mostRelevant(all);
  return {
    from,
    to: isLive ? Math.max(sources.now, from) : lastEvent(drawn, marks, from),
    isLive,
    periodSeconds: upgrade.spec.postCheck.periodSeconds,
    marks,
    lanes: drawn,
    left: all.length - drawn.length,
  };
}

const lastEvent = (drawn: readonly Lane[], marks: readonly Mark[], from: number): number =>
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

/** Formats `FallbackFailed` as `fallback failed`. */
const inWords = (outcome: string): string =>
  short(outcome, 32)
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();

function lanes(sources: LaneSources, from: number): Lane[] {
  const { scene, recording, nodes } = sources;
  const pods = [...recording.lives.values()].filter(
    ({ goneAt, version }) => version !== 'before' || goneAt === undefined || goneAt > from,
  );
  const stages = stageNames(sources, pods);
  const recorded = [...Map.groupBy(pods, ({ pod }) => pod.name)].map(([name, lives]): Lane => {
    const node = lives.findLast(({ pod }) => pod.node !== '')?.pod.node ?? '';
    return {
      pod: name,
      node,
      zone: zoneOf(node, nodes),
      stage: lives.map(({ pod }) => stages.get(pod.uid)).findLast((stage) => stage !== undefined) ?? '',
      lives: lives.map((one) => lifeOf(one, sources)),
    };
  });
  const names = new Set(pods.filter(({ version }) => version === 'wanted').map(({ pod }) => pod.name));
  const reported = (scene.upgrade.status?.fallback?.evidence ?? [])
    .filter(({ name }) => !names.has(name))
    .map((report) => reportedLane(report, scene.upgrade, nodes));
  return merged([...recorded, ...reported]).sort(
    (a, b) => a.node.localeCompare(b.node) || bornAt(a) - bornAt(b) || a.pod.localeCompare(b.pod),
  );
}

/** A deleted pod and a later one with the same name share a lane. */
const merged = (all: readonly Lane[]): Lane[] =>
  [...Map.groupBy(all, ({ pod }) => pod).values()].map((same) => ({
    ...(same[0] as Lane),
    lives: same.flatMap(({ lives }) => lives).sort((a, b) => startOf(a) - startOf(b)),
  }));

const startOf = ({ bars }: Life): number => bars[0]?.from ?? 0;
const bornAt = ({ lives }: Lane): number => Math.min(...lives.map(startOf));

/** Returns the most relevant lanes, in the order in which they are drawn. */
function mostRelevant(all: readonly Lane[]): Lane[] {
  const rank = ({ lives }: Lane): number => Math.min(...lives.map(({ look }) => WORST_FIRST.indexOf(look)));
  const drawn = new Set([...all].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_LANES));
  return all.filter((lane) => drawn.has(lane));
}

/** Returns the stage of each pod of the wanted version: by the labels of its node, otherwise by its creation. */
function stageNames(
  { scene, nodes }: LaneSources,
  pods: readonly RecordedPod[],
): ReadonlyMap<string, string> {
  const { spec, status } = scene.upgrade;
  const stages = effectiveSpec(spec).stages.map((stage, index) => ({
    ...stage,
    desired: status?.stages?.[index]?.desired ?? 0,
  }));
  const wanted = pods
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
