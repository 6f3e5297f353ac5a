/** `why`: explains the state of an Upgrade. */

import type { Upgrade } from '../../../../src/api/types.ts';
import { at, record } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import { decodeWorkload } from '../../../../src/kube/objects/decode-workload.ts';
import type { Cluster } from '../cluster.ts';
import { type Explanation, explain, explainEntry, type Present } from '../explain.ts';
import { Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { checkFormat, forMachine } from '../output.ts';
import { findUpgrade } from '../upgrades.ts';

export interface WhyOptions {
  readonly attempt?: number;
  readonly output?: string;
}

export async function why(io: Io, cluster: Cluster, name: string, options: WhyOptions): Promise<number> {
  checkFormat(options.output, ['json', 'yaml']);
  const { upgrade } = await findUpgrade(cluster, name);
  const present = await presentOf(cluster, upgrade);
  const explanation = explanationOf(upgrade, options.attempt, io.now(), present);
  if (forMachine(io, options.output, explanation)) {
    return 0;
  }
  for (const line of lines(io, explanation)) {
    io.out(line);
  }
  return 0;
}

/** Reads how many pods are Ready now; a caller who may not read the workload gets the rest of the explanation. */
async function presentOf(cluster: Cluster, { metadata, spec }: Upgrade): Promise<Present | undefined> {
  const { kind, name } = spec.targetRef;
  const target = { resource: RESOURCES[kind], namespace: metadata.namespace, name };
  const answer = await cluster.try({ method: 'GET', target, retries: 1 });
  if (!answer.ok) {
    return undefined;
  }
  const annotations = record(at(answer.body, 'metadata', 'annotations')) as Record<string, string>;
  const workload = decodeWorkload(kind, answer.body);
  return { ...workload, annotations };
}

function explanationOf(
  upgrade: Parameters<typeof explain>[0],
  attempt: number | undefined,
  now: number,
  present: Present | undefined,
): Explanation {
  const { status, spec } = upgrade;
  if (attempt === undefined || attempt === status?.attempt?.number) {
    return explain(upgrade, now, present);
  }
  const entry = status?.history?.find(({ attempt: number }) => number === attempt);
  if (!entry) {
    const known = (status?.history ?? []).map(({ attempt: number }) => number).join(', ') || 'none';
    throw new Fault(`the history has no attempt ${attempt}; it has: ${known}`);
  }
  return explainEntry(entry, spec, now);
}

/** Formats the headline, and each part with its topic in the margin. */
export function lines(io: Io, { headline, parts }: Explanation): string[] {
  const width = Math.max(...parts.map(({ topic }) => topic.length), 0) + 2;
  return [
    io.paint('bold', headline),
    ...(parts.length > 0 ? [''] : []),
    ...parts.flatMap(({ topic, lines: all }) =>
      all.map(
        (line, index) =>
          `${index === 0 ? io.paint('bold', topic) + ' '.repeat(width - topic.length) : ' '.repeat(width)}${line}`,
      ),
    ),
  ];
}
