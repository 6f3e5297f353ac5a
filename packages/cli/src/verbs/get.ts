/** `get`: lists the Upgrades as a table, those that need attention first. */
import stringWidth from 'string-width';

import type { Phase } from '../../../../src/api/enums.ts';
import { own } from '../../../../src/api/own.ts';
import type { Upgrade } from '../../../../src/api/types.ts';
import { fromIso } from '../../../../src/core/time.ts';
import type { Raw } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import { Reflector } from '../../../../src/kube/watch/reflector.ts';
import type { Cluster } from '../cluster.ts';
import { forbidden } from '../cluster-fault.ts';
import { Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { asList, checkFormat, forMachine, tidy, upgradeName } from '../output.ts';
import { painted } from '../paint.ts';
import { Screen } from '../screen.ts';
import { age, columns, plain, tableLines } from '../text.ts';
import { troubleNotes } from '../trouble.ts';
import { conditionOf, lookOf, mostUrgentFirst, needsAttention, phaseOf } from '../upgrade-state.ts';
import { type Found, findUpgrade, found, inNamespace } from '../upgrades.ts';
import { UPGRADE_WORDS, WORKLOAD_WORDS } from '../words.ts';

export interface GetOptions {
  readonly allNamespaces?: boolean;
  readonly watch?: boolean;
  readonly output?: string;
  readonly phase?: readonly Phase[];
  readonly needsAttention?: boolean;
  readonly selector?: string;
}

export const GET_FORMATS = ['wide', 'json', 'yaml', 'name'];

export async function get(
  io: Io,
  cluster: Cluster,
  words: readonly string[],
  options: GetOptions,
): Promise<number> {
  const names = namesIn(words);
  checkFormat(options.output, GET_FORMATS);
  if (options.allNamespaces && names.length > 0) {
    throw new Fault('a name cannot be combined with -A: it belongs to one namespace');
  }
  if (options.watch) {
    if (options.output && options.output !== 'wide') {
      throw new Fault('-w shows only the table: omit -o, or use -o wide');
    }
    return await watch(io, cluster, names, options);
  }
  const all = await read(cluster, names, options);
  const shown = selected(all, options);
  if (print(io, shown, names, options)) {
    return 0;
  }
  if (shown.length === 0) {
    io.note(await nothing(cluster, all.length, options));
    return 0;
  }
  for (const line of table(
    io,
    shown.map(({ upgrade }) => upgrade),
    options,
  )) {
    io.out(line);
  }
  return 0;
}

/** Accepts the words of `kubectl get`: `get upgrades`, `get upgrade web`, `get deploy web`. */
function namesIn(words: readonly string[]): readonly string[] {
  const [word = '', ...others] = words;
  const first = word.toLowerCase();
  if (UPGRADE_WORDS.includes(first)) {
    return others;
  }
  return own<string>(WORKLOAD_WORDS, first) && others.length > 0
    ? others.map((name) => `${first}/${name}`)
    : words;
}

async function read(cluster: Cluster, names: readonly string[], options: GetOptions): Promise<Found[]> {
  if (names.length > 0) {
    return await Promise.all(names.map((name) => findUpgrade(cluster, name)));
  }
  const namespace = options.allNamespaces ? undefined : cluster.namespace;
  const items = await cluster.list(RESOURCES.Upgrade, namespace, { labelSelector: options.selector });
  return items.map(found);
}

function selected(all: readonly Found[], options: GetOptions): Found[] {
  return all
    .filter(({ upgrade }) => isSelected(upgrade, options))
    .sort((a, b) => mostUrgentFirst(a.upgrade, b.upgrade));
}

const isSelected = (upgrade: Upgrade, { phase, needsAttention: person }: GetOptions): boolean =>
  (phase?.includes(phaseOf(upgrade)) ?? true) && (!person || needsAttention(upgrade));

function print(io: Io, shown: readonly Found[], names: readonly string[], { output }: GetOptions): boolean {
  if (output === 'name') {
    for (const { raw } of shown) {
      io.out(upgradeName(raw));
    }
    return true;
  }
  const items: Raw[] = shown.map(({ raw }) => raw);
  const [only] = items;
  return forMachine(io, output, names.length === 1 && only ? tidy(only) : asList(items));
}

/** Returns why the table is empty: another namespace, or a filter. */
async function nothing(cluster: Cluster, unfiltered: number, options: GetOptions): Promise<string> {
  const where = options.allNamespaces ? 'in any namespace' : `in namespace ${cluster.namespace}`;
  if (unfiltered > 0) {
    return `${unfiltered === 1 ? 'The only Upgrade' : `None of the ${unfiltered} Upgrades`} ${where} ${unfiltered === 1 ? 'does not match' : 'matches'}.`;
  }
  const elsewhere = options.allNamespaces
    ? []
    : await cluster.list(RESOURCES.Upgrade).catch((): readonly Raw[] => []);
  const here = options.allNamespaces ? where : await inNamespace(cluster);
  return elsewhere.length > 0
    ? `No Upgrades ${here}; ${elsewhere.length === 1 ? 'there is one' : `there are ${elsewhere.length}`} in other namespaces: use -A.`
    : `No Upgrades ${here}.`;
}

const images = ({ spec }: Upgrade): string =>
  spec.containers.map(({ name, image }) => `${name}=${image}`).join(',');

function row(io: Io, upgrade: Upgrade, options: GetOptions): string[] {
  const { metadata, spec, status } = upgrade;
  const wide = options.output === 'wide';
  return [
    ...(options.allNamespaces ? [metadata.namespace] : []),
    metadata.name,
    `${spec.targetRef.kind.toLowerCase()}/${spec.targetRef.name}`,
    painted(io, lookOf(upgrade), phaseOf(upgrade)),
    status?.summary || '-',
    ...(wide
      ? [
          String(status?.attempt?.number ?? '-'),
          conditionOf(upgrade, 'Ready')?.reason || '-',
          conditionOf(upgrade, 'Gated')?.status ?? '-',
          images(upgrade),
        ]
      : []),
    age(io.now() - fromIso(metadata.creationTimestamp)),
    // A terminal is narrow, and the headline contains the cause.
    plain((io.terminal && !wide ? status?.headline : undefined) ?? status?.message ?? ''),
  ];
}

/** Formats the table; on a terminal the message is wrapped, and one that is too narrow for the columns has no TARGET, which is long and says the least. */
export function table(io: Io, upgrades: readonly Upgrade[], options: GetOptions): string[] {
  const cells = cellsOf(io, upgrades, options);
  if (options.output === 'wide') {
    return columns(cells);
  }
  const widest = Math.max(...columns(cells.map((row) => row.slice(0, -1))).map((line) => stringWidth(line)));
  const target = options.allNamespaces ? 2 : 1;
  return tableLines(
    io,
    io.terminal && widest > io.columns() ? cells.map((row) => row.toSpliced(target, 1)) : cells,
  );
}

function cellsOf(io: Io, upgrades: readonly Upgrade[], options: GetOptions): string[][] {
  const head = [
    ...(options.allNamespaces ? ['NAMESPACE'] : []),
    'NAME',
    'TARGET',
    'PHASE',
    'PASSED',
    ...(options.output === 'wide' ? ['ATTEMPT', 'REASON', 'GATED', 'IMAGES'] : []),
    'AGE',
    'MESSAGE',
  ];
  return [head, ...upgrades.map((upgrade) => row(io, upgrade, options))];
}

/** Redraws the table on a terminal; in a pipe, prints a line for each change. */
async function watch(
  io: Io,
  cluster: Cluster,
  names: readonly string[],
  options: GetOptions,
): Promise<number> {
  const first = selected(await read(cluster, names, options), options);
  const known = new Map(first.map(({ upgrade }) => [keyOf(upgrade), upgrade]));
  const uids = names.length > 0 ? new Set(first.map(({ upgrade }) => upgrade.metadata.uid)) : undefined;
  const screen = io.terminal ? new Screen(io) : undefined;
  const draw = (): void => screen?.draw(table(io, [...known.values()].sort(mostUrgentFirst), options));
  const update = (upgrade: Upgrade, isDeleted: boolean): void => {
    if (uids && !uids.has(upgrade.metadata.uid)) {
      return;
    }
    const before = known.get(keyOf(upgrade));
    if (isDeleted || !isSelected(upgrade, options)) {
      known.delete(keyOf(upgrade));
    } else {
      known.set(keyOf(upgrade), upgrade);
      if (!screen && before?.metadata.resourceVersion !== upgrade.metadata.resourceVersion) {
        io.out(row(io, upgrade, options).join('   '));
      }
    }
    draw();
  };
  if (!screen) {
    for (const line of table(io, [...known.values()], options)) {
      io.out(line);
    }
  }
  const reflector = new Reflector<Upgrade>(cluster.streams, cluster.requests, {
    target: {
      resource: RESOURCES.Upgrade,
      ...(options.allNamespaces ? {} : { namespace: cluster.namespace }),
    },
    projection: { project: (raw) => found(raw as Raw).upgrade, keeps: () => true },
    sink: (event) => {
      for (const upgrade of event.type === 'synced' ? event.items : [event.object]) {
        update(upgrade, event.type === 'delete');
      }
    },
  });
  screen?.open();
  draw();
  reflector.start();
  try {
    await untilStopped(io, screen, draw, () => reflector.status());
  } finally {
    screen?.close();
    await reflector.stop();
  }
  return 0;
}

const keyOf = ({ metadata: { namespace, name } }: Upgrade): string => `${namespace}/${name}`;

/** Waits for Ctrl-C; a watch that is forbidden ends it with a Fault. */
async function untilStopped(
  io: Io,
  screen: Screen | undefined,
  draw: () => void,
  status: () => { readonly state: string; readonly message: string },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const note = troubleNotes(io, screen);
  const tick = setInterval(() => {
    const { state, message } = status();
    if (state === 'forbidden') {
      reject(new Fault(forbidden(message)));
    }
    note(state === 'retrying' ? message : undefined);
    draw();
  }, 1000);
  io.signal.addEventListener('abort', () => resolve(), { once: true });
  try {
    await promise;
  } finally {
    clearInterval(tick);
  }
}
