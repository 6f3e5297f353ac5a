/** `history` and `diff`: lists the attempts of an Upgrade, and compares the images of two of them. */
import { own } from '../../../../src/api/own.ts';
import type { Images, Upgrade } from '../../../../src/api/types.ts';
import { wantedImages } from '../../../../src/core/images.ts';
import { imagesText } from '../../../../src/core/report/image-text.ts';
import { fromIso, spanText } from '../../../../src/core/time.ts';
import type { Cluster } from '../cluster.ts';
import { Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { phaseLook } from '../looks.ts';
import { checkFormat, forMachine } from '../output.ts';
import { painted } from '../paint.ts';
import { columns, moment, plain, tableLines } from '../text.ts';
import { phaseOf } from '../upgrade-state.ts';
import { findUpgrade } from '../upgrades.ts';

export interface HistoryOptions {
  readonly output?: string;
}

interface Entry {
  readonly attempt: number;
  readonly images: Images;
  readonly outcome: string;
  readonly cause: string;
  readonly startedAt: string;
  readonly finishedAt?: string;
}

/** Returns the running attempt and those that have ended, the newest first. */
function entries({ status, metadata: _ }: Upgrade, phase: string): Entry[] {
  const { attempt, history = [] } = status ?? {};
  const running: Entry[] =
    attempt && !attempt.end
      ? [
          {
            attempt: attempt.number,
            images: status?.to?.images ?? {},
            outcome: phase,
            cause: status?.message ?? '',
            startedAt: attempt.startedAt,
          },
        ]
      : [];
  return [...running, ...history];
}

export async function history(
  io: Io,
  cluster: Cluster,
  name: string,
  options: HistoryOptions,
): Promise<number> {
  checkFormat(options.output, ['json', 'yaml', 'wide']);
  const { upgrade } = await findUpgrade(cluster, name);
  const all = entries(upgrade, phaseOf(upgrade));
  if (forMachine(io, options.output, all)) {
    return 0;
  }
  if (all.length === 0) {
    io.note(`Upgrade ${upgrade.metadata.name} has had no attempt yet.`);
    return 0;
  }
  const now = io.now();
  const rows = all.map(({ attempt, outcome, images, startedAt, finishedAt, cause }) => [
    String(attempt),
    painted(io, phaseLook(outcome), outcome),
    imagesText(images, upgrade.spec),
    moment(startedAt, now),
    spanText((finishedAt ? fromIso(finishedAt) : now) - fromIso(startedAt)),
    plain(cause),
  ]);
  const cells = [['ATTEMPT', 'OUTCOME', 'IMAGES', 'STARTED', 'DURATION', 'CAUSE'], ...rows];
  for (const line of options.output === 'wide' ? columns(cells) : tableLines(io, cells)) {
    io.out(line);
  }
  return 0;
}

/** A container, with its image on each side. */
interface Change {
  readonly container: string;
  readonly from: string | null;
  readonly to: string | null;
}

export async function diff(
  io: Io,
  cluster: Cluster,
  [name = '', range]: readonly string[],
  options: HistoryOptions,
): Promise<number> {
  checkFormat(options.output, ['json', 'yaml']);
  const attempts = attemptsIn(range);
  const { upgrade } = await findUpgrade(cluster, name);
  const [a, b] = sides(upgrade, attempts);
  const changes = changesOf(a.images, b.images);
  if (forMachine(io, options.output, { from: a.name, to: b.name, changes })) {
    return 0;
  }
  io.out(`${a.name}${a.runs ?? ''} → ${b.name}${b.runs ?? ''}`);
  if (changes.length === 0) {
    io.out('  the same images');
  }
  for (const { container, from, to } of changes) {
    io.out(`  ${container}`);
    io.out(io.paint('red', `  - ${plain(from ?? '(not recorded)')}`));
    io.out(io.paint('green', `  + ${plain(to ?? '(not recorded)')}`));
  }
  return 0;
}

interface Side {
  readonly name: string;
  readonly images: Images;
  /** Text that says that this side runs now. */
  readonly runs?: string;
}

/** Parses `3..4`, `3` to compare with the newest, or nothing to compare the previous images with the wanted ones. */
function attemptsIn(range: string | undefined): readonly [number, number | undefined] | undefined {
  if (range === undefined) {
    return undefined;
  }
  const [, from, to] = /^(\d+)(?:\.\.(\d+))?$/.exec(range) ?? [];
  if (from === undefined) {
    throw new Fault(`attempts must have the form 3..4, not ${JSON.stringify(range)}`);
  }
  return [Number(from), to === undefined ? undefined : Number(to)];
}

function sides(upgrade: Upgrade, attempts: ReturnType<typeof attemptsIn>): [Side, Side] {
  const { status } = upgrade;
  if (attempts === undefined) {
    return [
      { name: 'before', images: status?.from?.images ?? {}, ...runsIf(upgrade, 'FellBack') },
      {
        name: `attempt ${status?.attempt?.number ?? '(not started)'}`,
        images: status?.to?.images ?? wantedImages(upgrade.spec),
        ...runsIf(upgrade, 'Succeeded'),
      },
    ];
  }
  const [from, to = status?.attempt?.number ?? 0] = attempts;
  return [side(upgrade, from), side(upgrade, to)];
}

/** The outcome decides which of the two sides runs. */
const runsIf = (upgrade: Upgrade, outcome: string): Partial<Side> =>
  phaseOf(upgrade) === outcome ? { runs: ', which runs now' } : {};

function side(upgrade: Upgrade, attempt: number): Side {
  const all = entries(upgrade, phaseOf(upgrade));
  const found = all.find((entry) => entry.attempt === attempt);
  if (!found) {
    const known = all.map((entry) => entry.attempt).join(', ') || 'none';
    throw new Fault(`the history has no attempt ${attempt}; it has: ${known}`);
  }
  return { name: `attempt ${attempt} (${found.outcome})`, images: found.images };
}

function changesOf(from: Images, to: Images): Change[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return names
    .map((container) => ({ container, from: own(from, container) ?? null, to: own(to, container) ?? null }))
    .filter((change) => change.from !== change.to);
}
