/** Finds what the nodes of failed pods have in common, and no node of a verified pod has. */
import { cut } from '../../api/cut.ts';
import { own } from '../../api/own.ts';
import type { Explanation } from '../../api/types.ts';
import { type ActiveStatus, unlessEmpty } from '../complete-status.ts';
import type { Evaluation } from './evaluation.ts';
import { failedEntries, placeOf } from './left.ts';

/** Attributes of a node by name. */
export type Attributes = Readonly<Record<string, string>>;

/** Considered although the user does not name them. The node name is not one of them: it distinguishes every node. */
const DEFAULT_LABELS = [
  'topology.kubernetes.io/zone',
  'kubernetes.io/arch',
  'node.kubernetes.io/instance-type',
  'kernel',
];
/** A single pod differs from the others in some default label by chance, so these need more pods than the labels that the user names. */
const MIN_PODS = 2;
const MAX_LABELS = 4;

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
  const isSignificant = Math.min(failed.length, verified.length) >= MIN_PODS;
  const labels = [
    ...named,
    ...(isSignificant ? DEFAULT_LABELS.filter((label) => !named.includes(label)) : []),
  ];
  return labels
    .flatMap((label) => {
      const value = own(first, label);
      const has = (node: Attributes) => own(node, label) === value;
      return value !== undefined && failed.every(has) && !verified.some(has)
        ? [{ label, value: cut(value, 256), failed: failed.length, verified: verified.length }]
        : [];
    })
    .slice(0, MAX_LABELS);
}

/** The status with what explains its failures. */
export function followExplained(evaluation: Evaluation, status: ActiveStatus): ActiveStatus {
  const { snapshot, summary } = evaluation;
  const left = failedEntries(status);
  const places = new Set(left.map(({ name }) => name));
  const unlisted = summary.results.filter(
    ({ state, pod }) => state === 'Failed' && !places.has(placeOf(evaluation, pod)),
  );
  const failed = [...left.map(({ name, node }) => node ?? name), ...unlisted.map(({ pod }) => pod.node)];
  if (failed.length === 0) {
    return { ...status, explained: unlessEmpty([]) };
  }
  // Only recorded results, which a restarted operator has too: otherwise the explanation would change with a restart.
  const verified = summary.results
    .filter(({ state, recorded }) => state === 'Passed' && recorded)
    .map(({ pod }) => pod.node);
  const of = (nodes: readonly string[]) => nodes.map((node) => attributesOf(evaluation, node));
  const explained = explain(
    { failed: of(failed), verified: of(verified) },
    snapshot.upgrade.spec.strategy.explainBy,
  );
  return { ...status, explained: unlessEmpty(explained) };
}

function attributesOf({ snapshot }: Evaluation, node: string): Attributes {
  const kernel = snapshot.nodeKernel?.(node);
  return { ...(kernel ? { kernel } : {}), ...snapshot.nodeLabels?.(node) };
}
