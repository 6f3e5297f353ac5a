/** What the nodes of the pods that failed have in common, and those of verified pods do not. */
import { cut } from '../../api/cut.ts';
import { own } from '../../api/own.ts';
import type { Explanation } from '../../api/types.ts';
import { type ActiveStatus, unlessEmpty } from '../status.ts';
import { placeOf } from './left.ts';
import type { Turn } from './turn.ts';

/** Attributes of a node by name. */
export type Attributes = Readonly<Record<string, string>>;

/** Looked at without being named. Not the name of the node: it separates every pod from every other. */
const USUAL = [
  'topology.kubernetes.io/zone',
  'kubernetes.io/arch',
  'node.kubernetes.io/instance-type',
  'kernel',
];
/** What is named is meant; of the rest, one failed pod has something of its own by chance. */
const LEAST_BY_CHANCE = 2;
const MOST = 4;

export interface Verdicts {
  /** One for each pod: the attributes of its node. */
  readonly failed: readonly Attributes[];
  readonly verified: readonly Attributes[];
}

/** The labels that all failed pods have in common and no verified pod has, those that the user named first. */
export function explain({ failed, verified }: Verdicts, named: readonly string[]): Explanation[] {
  const [first] = failed;
  if (!first || verified.length === 0) {
    return [];
  }
  const isPlain = Math.min(failed.length, verified.length) >= LEAST_BY_CHANCE;
  const labels = [...named, ...(isPlain ? USUAL.filter((label) => !named.includes(label)) : [])];
  return labels
    .flatMap((label) => {
      const value = own(first, label);
      const has = (node: Attributes) => own(node, label) === value;
      return value !== undefined && failed.every(has) && !verified.some(has)
        ? [{ label, value: cut(value, 256), failed: failed.length, verified: verified.length }]
        : [];
    })
    .slice(0, MOST);
}

/** The status with what explains its failures. */
export function followExplained(turn: Turn, status: ActiveStatus): ActiveStatus {
  const { snapshot, summary } = turn;
  const { left } = status;
  const places = new Set(left.map(({ name }) => name));
  const unlisted = summary.results.filter(
    ({ state, pod }) => state === 'Failed' && !places.has(placeOf(turn, pod)),
  );
  const failed = [...left.map(({ name, node }) => node ?? name), ...unlisted.map(({ pod }) => pod.node)];
  // What a new process finds too: else the explanation would come and go with it.
  const verified = summary.results
    .filter(({ state, recorded }) => state === 'Passed' && recorded)
    .map(({ pod }) => pod.node);
  const of = (nodes: readonly string[]) => nodes.map((node) => attributesOf(turn, node));
  const explained = explain(
    { failed: of(failed), verified: of(verified) },
    snapshot.upgrade.spec.strategy.explainBy,
  );
  return { ...status, explained: unlessEmpty(explained) };
}

function attributesOf({ snapshot }: Turn, node: string): Attributes {
  const kernel = snapshot.nodeKernel?.(node);
  return { ...(kernel ? { kernel } : {}), ...snapshot.nodeLabels?.(node) };
}
