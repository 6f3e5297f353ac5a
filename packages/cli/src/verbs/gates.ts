/** `gates`: lists every pod behind a closed gate and the attempt that needs it; `gates open` opens gates if the operator is gone. */

import { isClosed } from '../../../../src/api/gate.ts';
import { VERIFIED } from '../../../../src/api/names.ts';
import { userReason } from '../../../../src/api/reasons.ts';
import type { UpgradeSpec } from '../../../../src/api/types.ts';
import type { PodView } from '../../../../src/api/views.ts';
import { ownsPods } from '../../../../src/core/workload/drivers.ts';
import { at, type Raw, record, text } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import { decodePod } from '../../../../src/kube/objects/decode-pod.ts';
import { ClusterWriter } from '../../../../src/kube/writer.ts';
import type { Cluster } from '../cluster.ts';
import { Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { plural } from '../looks.ts';
import { checkFormat, forMachine } from '../output.ts';
import { age, columns } from '../text.ts';
import { inNamespace } from '../upgrades.ts';

export interface GatesOptions {
  readonly allNamespaces?: boolean;
  readonly output?: string;
}

export interface OpenOptions {
  readonly yes?: boolean;
}

interface Gate {
  readonly namespace: string;
  readonly pod: string;
  readonly node: string;
  readonly since: string;
  /** The Upgrade whose attempt gates, if there is one. */
  readonly upgrade?: string;
  /** What added the gate. */
  readonly carrier?: string;
  readonly phase?: string;
}

export async function gates(io: Io, cluster: Cluster, options: GatesOptions): Promise<number> {
  checkFormat(options.output, ['json', 'yaml']);
  const all = await closedGates(cluster, options.allNamespaces ? undefined : cluster.namespace);
  if (forMachine(io, options.output, all)) {
    return 0;
  }
  if (all.length === 0) {
    io.note(`No closed gates ${options.allNamespaces ? 'in any namespace' : await inNamespace(cluster)}.`);
    return 0;
  }
  const rows = all.map(({ namespace, pod, node, since, upgrade, phase, carrier }) => [
    namespace,
    pod,
    node || '-',
    age(io.now() - Date.parse(since)),
    upgrade === undefined
      ? io.paint('yellow', 'no attempt: the operator opens it, if it is running')
      : `Upgrade ${upgrade} (${phase})`,
    carrier ?? '-',
  ]);
  for (const line of columns([['NAMESPACE', 'POD', 'NODE', 'CLOSED', 'NEEDED BY', 'GATED BY'], ...rows])) {
    io.out(line);
  }
  return 0;
}

export async function closedGates(cluster: Cluster, namespace: string | undefined): Promise<Gate[]> {
  const [pods, upgrades] = await Promise.all([
    cluster.list(RESOURCES.Pod, namespace),
    cluster.list(RESOURCES.Upgrade, namespace),
  ]);
  return pods
    .map(decodePod)
    .filter(isClosed)
    .map((pod) => {
      const gating = upgrades.find((raw) => gatesPod(raw, pod));
      return {
        namespace: pod.namespace,
        pod: pod.name,
        node: pod.node,
        since: new Date(pod.createdAt).toISOString(),
        ...(gating
          ? {
              upgrade: text(at(gating, 'metadata', 'name')),
              phase: text(at(gating, 'status', 'phase')),
              carrier: text(at(gating, 'status', 'attempt', 'gateCarrier')) || 'Policy',
            }
          : {}),
      };
    });
}

/** Whether an attempt of this Upgrade gates this pod, by the rule of the gate policy. */
function gatesPod(raw: Raw, pod: PodView): boolean {
  const target = record(at(raw, 'spec', 'targetRef')) as unknown as UpgradeSpec['targetRef'];
  return (
    at(raw, 'metadata', 'namespace') === pod.namespace &&
    at(raw, 'status', 'attempt', 'gating') === true &&
    ownsPods(target, pod.owner, pod.revision)
  );
}

/** Opens gates manually: these pods were not verified and then get traffic. */
export async function openGates(
  io: Io,
  cluster: Cluster,
  names: readonly string[],
  options: OpenOptions,
): Promise<number> {
  const pods = await Promise.all(names.map((name) => closedPod(cluster, name)));
  const what = `${plural(pods.length, 'pod')} (${pods.map(({ name }) => name).join(', ')})`;
  io.out(`This opens the gate of ${what} without verifying anything; a Ready pod then gets traffic.`);
  if (!options.yes) {
    const answer = await io.ask('Continue? [y/N] ');
    if (answer === undefined) {
      throw new Fault('cannot prompt without a terminal: use --yes');
    }
    if (!/^y(es)?$/i.test(answer.trim())) {
      io.note('No gate was opened.');
      return 0;
    }
  }
  const writer = new ClusterWriter(cluster.requests, {
    identity: 'kubectl-postcheck',
    now: Date.now,
    mayWrite: () => true,
    events: cluster.requests,
  });
  for (const pod of pods) {
    const written = await writer.patchVerified(
      pod,
      {
        status: 'True',
        reason: userReason('OpenedByHand'),
        message: 'opened manually with kubectl postcheck; nothing was verified',
      },
      io.now(),
    );
    if (!written.ok) {
      throw cluster.fault(written.failure, 1, { resource: RESOURCES.Pod, namespace: pod.namespace });
    }
    io.out(`pod/${pod.name} gate opened`);
  }
  return 0;
}

async function closedPod(cluster: Cluster, word: string): Promise<PodView> {
  const name = word.replace(/^(pods?|po)\//, '');
  const { namespace } = cluster;
  const pod = decodePod(await cluster.read({ resource: RESOURCES.Pod, namespace, name }));
  if (!isClosed(pod)) {
    throw new Fault(
      pod.gates.includes(VERIFIED)
        ? `nothing to open: the gate of pod ${name} is open`
        : `nothing to open: pod ${name} has no gate`,
    );
  }
  return pod;
}
