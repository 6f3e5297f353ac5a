/** Creates the card of an Upgrade in the overview. Pure. */
import type { Upgrade } from '../../../../src/api/types.ts';
import { wantedImages } from '../../../../src/core/images.ts';
import { imagesText } from '../../../../src/core/report/image-text.ts';
import { isUnderWay } from '../../../../src/core/status.ts';
import { fromIso } from '../../../../src/core/time.ts';
import { phaseLook } from '../looks.ts';
import { plain } from '../text.ts';
import {
  conditionOf,
  isUpToDate,
  lookOf,
  needsAttention,
  phaseOf,
  unseen,
  urgency,
} from '../upgrade-state.ts';
import type { Card, Past, Section } from './model.ts';

const BAR = 10;
const LONGEST = 300;

export const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

/** Returns untrusted text on one line, up to a limit. */
export function short(text: string | undefined, longest = LONGEST): string {
  const line = plain(text ?? '');
  return line.length > longest ? `${line.slice(0, longest - 1).toWellFormed()}…` : line;
}

export function cardOf(upgrade: Upgrade): Card {
  const { metadata, spec, status } = upgrade;
  const phase = phaseOf(upgrade);
  return {
    key: keyOf(metadata.namespace, metadata.name),
    namespace: metadata.namespace,
    name: metadata.name,
    kind: spec.targetRef.kind,
    target: spec.targetRef.name,
    phase,
    look: lookOf(upgrade),
    section: sectionOf(upgrade),
    urgency: urgency(upgrade),
    passed: status?.summary ?? '',
    headline: short(unseen(upgrade) ?? status?.headline ?? status?.message),
    images: short(imagesText(imagesOf(upgrade), spec)),
    attempts: attempts(upgrade),
    since: since(upgrade),
  };
}

/** Returns a card for any object, also of an older schema: one that cannot be decoded does not affect the others. */
export function cardOfAny(upgrade: Upgrade): Card {
  try {
    return cardOf(upgrade);
  } catch (error) {
    const { namespace, name, creationTimestamp } = upgrade.metadata;
    return {
      key: keyOf(namespace, name),
      namespace,
      name,
      kind: '',
      target: '',
      phase: 'Unknown',
      look: 'unsure',
      section: 'person',
      urgency: 0,
      passed: '',
      headline: unreadable(error),
      images: '',
      attempts: [],
      since: fromIso(creationTimestamp),
    };
  }
}

/** Returns why an Upgrade cannot be shown. */
export const unreadable = (error: unknown): string =>
  short(
    `cannot be shown, because it has another version or is invalid: ${error instanceof Error ? error.message : error}`,
  );

export const imagesOf = ({ spec, status }: Upgrade): Readonly<Record<string, string>> =>
  status?.to?.images ?? wantedImages(spec);

function sectionOf(upgrade: Upgrade): Section {
  if (needsAttention(upgrade)) {
    return 'person';
  }
  switch (phaseOf(upgrade)) {
    case 'FellBack':
      return 'back';
    case 'Succeeded':
    case 'Aborted':
      return isUpToDate(upgrade) ? 'good' : 'busy';
    default:
      return 'busy';
  }
}

function attempts(upgrade: Upgrade): readonly Past[] {
  const { status } = upgrade;
  const ended = (status?.history ?? []).map(({ attempt: number, outcome }) => ({
    number,
    outcome: short(outcome, 32),
    look: phaseLook(outcome),
  }));
  const running = status?.attempt;
  const isListed = ended.some(({ number }) => number === running?.number);
  const all = ended.toReversed();
  if (running && !isListed) {
    all.push({ number: running.number, outcome: phaseOf(upgrade), look: phaseLook(phaseOf(upgrade)) });
  }
  return all.slice(-BAR);
}

function since(upgrade: Upgrade): number {
  const { status, metadata } = upgrade;
  const at = isUnderWay(status)
    ? (status?.fallback?.startedAt ?? status?.attempt?.startedAt)
    : (status?.attempt?.end?.at ?? conditionOf(upgrade, 'Ready')?.lastTransitionTime);
  return fromIso(at ?? metadata.creationTimestamp);
}
