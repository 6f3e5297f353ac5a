/** `events`: shows the events of the Upgrade, its workload, the revisions and the pods in one timeline. */

import { at, type Raw, record, text } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import type { Cluster } from '../cluster.ts';
import { EVENT_TYPES } from '../flags.ts';
import { type Io, pause } from '../io.ts';
import { checkFormat, forMachine } from '../output.ts';
import { gather, type Scene } from '../scene.ts';
import { moment, plain, tableLines } from '../text.ts';
import { readAgain, troubleNotes } from '../trouble.ts';
import { findUpgrade } from '../upgrades.ts';

export interface EventsOptions {
  readonly watch?: boolean;
  readonly types?: readonly string[];
  readonly output?: string;
}

const POLL_INTERVAL_MS = 2000;

interface Line {
  readonly key: string;
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly object: string;
  readonly note: string;
  readonly count: number;
}

export async function events(
  io: Io,
  cluster: Cluster,
  name: string,
  options: EventsOptions,
): Promise<number> {
  checkFormat(options.output, ['json', 'yaml']);
  const types = options.types ?? EVENT_TYPES;
  const found = await findUpgrade(cluster, name);
  const scene = await gather(cluster, found);
  const lines = await read(cluster, scene, types);
  if (
    forMachine(
      io,
      options.output,
      lines.map(({ key: _, ...line }) => line),
    )
  ) {
    return 0;
  }
  if (lines.length === 0 && !options.watch) {
    io.note(`No events of Upgrade ${found.upgrade.metadata.name}: the API server keeps them for an hour.`);
    return 0;
  }
  print(io, lines, true);
  return options.watch ? await follow(io, cluster, { name, types, seen: lines }) : 0;
}

async function read(cluster: Cluster, scene: Scene, types: readonly string[]): Promise<Line[]> {
  const all = await cluster.list(RESOURCES.Event, scene.upgrade.metadata.namespace);
  const about = subjects(scene);
  return all
    .filter((raw) => {
      const { kind, name } = record(raw.regarding);
      return types.includes(text(raw.type)) && about.has(`${text(kind)}/${text(name)}`);
    })
    .map(lineOf)
    .sort(inTime);
}

/** Controllers of Kubernetes state whole seconds: of one second their events come first, because ours follow from them. */
function inTime(a: Line, b: Line): number {
  const [first, second] = [a, b].map(({ at: when }) => when.replace(/Z$/, '')) as [string, string];
  return first === second ? 0 : first < second ? -1 : 1;
}

function subjects({ upgrade, revisions, pods }: Scene): ReadonlySet<string> {
  const { kind, name } = upgrade.spec.targetRef;
  return new Set([
    `Upgrade/${upgrade.metadata.name}`,
    `${kind}/${name}`,
    ...revisions.map((revision) => `${revision.kind}/${revision.name}`),
    ...pods.map((pod) => `Pod/${pod.name}`),
  ]);
}

/** Reads events of both APIs: the old ones have their times and counts in deprecated fields. */
function lineOf(raw: Raw): Line {
  const metadata = record(raw.metadata);
  const when =
    text(at(raw, 'series', 'lastObservedTime')) ||
    text(raw.deprecatedLastTimestamp) ||
    text(raw.eventTime) ||
    text(metadata.creationTimestamp);
  const count = Number(at(raw, 'series', 'count') ?? raw.deprecatedCount ?? 1) || 1;
  const { kind, name } = record(raw.regarding);
  return {
    key: `${text(metadata.uid)}/${count}`,
    at: when,
    type: text(raw.type),
    reason: text(raw.reason),
    object: `${text(kind)}/${text(name)}`,
    note: plain(text(raw.note)),
    count,
  };
}

/** Returns the whole timeline as text. */
export const eventLines = async (io: Io, cluster: Cluster, scene: Scene): Promise<string[]> =>
  tableOf(io, await read(cluster, scene, EVENT_TYPES), true);

function print(io: Io, lines: readonly Line[], head: boolean): void {
  for (const line of tableOf(io, lines, head)) {
    io.out(line);
  }
}

function tableOf(io: Io, lines: readonly Line[], head: boolean): string[] {
  const rows = lines.map(({ at: when, type, reason, object, note, count }) => [
    moment(when, io.now()),
    type === 'Warning' ? io.paint('yellow', type) : type,
    reason,
    object,
    count > 1 ? `${note} (${count} times)` : note,
  ]);
  const all = head ? [['TIME', 'TYPE', 'REASON', 'OBJECT', 'NOTE'], ...rows] : rows;
  return tableLines(io, all);
}

/** Prints new events, of the pods that exist at the time. */
async function follow(
  io: Io,
  cluster: Cluster,
  { name, types, seen }: { name: string; types: readonly string[]; seen: readonly Line[] },
): Promise<number> {
  const known = new Set(seen.map(({ key }) => key));
  const note = troubleNotes(io);
  while (!io.signal.aborted) {
    await pause(io, POLL_INTERVAL_MS);
    if (io.signal.aborted) {
      break;
    }
    const lines = await readAgain(async () => {
      const scene = await gather(cluster, await findUpgrade(cluster, name));
      return await read(cluster, scene, types);
    }, note);
    const added = (lines ?? []).filter(({ key }) => !known.has(key));
    for (const { key } of added) {
      known.add(key);
    }
    print(io, added, false);
  }
  return 0;
}
