/** Creates everything that a page shows of one Upgrade. Pure. */
import type { Upgrade } from '../../../../src/api/types.ts';
import { imagesText } from '../../../../src/core/report/image-text.ts';
import { isAttempting, isRetryable, isUnderWay } from '../../../../src/core/status.ts';
import { fromIso } from '../../../../src/core/time.ts';
import { explain } from '../explain.ts';
import { phaseLook, stageLook } from '../looks.ts';
import { cardOf, short } from './card.ts';
import { evidenceOf } from './evidence.ts';
import { lanesOf } from './lanes.ts';
import type { Act, Detail } from './model.ts';
import type { LaneSources } from './sources.ts';

const LONGEST_LINE = 600;
const MAX_HISTORY = 20;

export function detailOf(sources: LaneSources): Detail {
  const { scene, recording, now } = sources;
  const { upgrade } = scene;
  const { status, spec } = upgrade;
  const { headline, parts } = explain(upgrade, now, scene.workload);
  return {
    uid: upgrade.metadata.uid,
    card: cardOf(upgrade),
    headline: short(headline, LONGEST_LINE),
    parts: parts.map(({ topic, lines }) => ({
      topic,
      lines: lines.map((line) => short(line, LONGEST_LINE)),
    })),
    attempt: status?.attempt?.number ?? 0,
    stages: (status?.stages ?? []).map(({ name, state, verified, desired }) => ({
      name: short(name, 63),
      state,
      look: stageLook(state),
      verified,
      desired,
    })),
    isPaused: spec.paused === true,
    lanes: lanesOf(sources),
    evidence: evidenceOf(sources),
    ...(recording.traffic.length > 0 ? { traffic: recording.traffic } : {}),
    history: (status?.history ?? []).slice(0, MAX_HISTORY).map((entry) => ({
      number: entry.attempt,
      images: short(imagesText(entry.images, spec)),
      outcome: short(entry.outcome, 32),
      look: phaseLook(entry.outcome),
      cause: short(entry.cause),
      startedAt: fromIso(entry.startedAt),
      finishedAt: fromIso(entry.finishedAt),
    })),
    acts: actsOf(upgrade),
    missing: scene.missing.map((line) => short(line)),
  };
}

/** The actions that may have an effect now; the effect is shown before it is confirmed. */
function actsOf({ spec, status }: Upgrade): readonly Act[] {
  const waiting = status?.stages?.find(({ state }) => state === 'AwaitingApproval');
  const isStaged = isAttempting(status) && (status?.stages?.some(({ state }) => state !== 'Done') ?? false);
  const acts: (Act | false)[] = [
    waiting !== undefined && { verb: 'approve', stage: waiting.name },
    isStaged && { verb: 'promote' },
    spec.paused ? { verb: 'resume' } : isUnderWay(status) && { verb: 'pause' },
    isAttempting(status) && { verb: 'abort' },
    status !== undefined && isRetryable(status) && { verb: 'retry' },
  ];
  return acts.filter((act) => act !== false);
}
