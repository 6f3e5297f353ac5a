/** Finds the pods that `probe` runs checks in, and the checks to run. */
import type { UpgradeSpec } from '../../../src/api/types.ts';
import { ownsPods } from '../../../src/core/workload/drivers.ts';
import { isLive } from '../../../src/core/workload/pods.ts';
import { at, list, type Raw, record, text } from '../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../src/kube/client/paths.ts';
import { decodePod } from '../../../src/kube/objects/decode-pod.ts';
import type { Cluster } from './cluster.ts';
import { Fault } from './fault.ts';
import { gather, selectorText } from './scene.ts';
import { actingOf, findUpgrade, readName } from './upgrades.ts';

interface Targets {
  readonly pods: readonly Raw[];
  readonly spec: UpgradeSpec;
  readonly upgrade?: string;
}

/** The checks of a pod without an Upgrade. */
const bareSpec = (containers: readonly string[]): UpgradeSpec =>
  ({
    containers: containers.map((name) => ({ name, image: '' })),
    postCheck: { readiness: { required: true, minReadySeconds: 0, maxRestarts: 2 } },
  }) as unknown as UpgradeSpec;

/** Returns the pods that the word refers to: one, or all of a workload or an Upgrade. */
export async function targets(cluster: Cluster, word: string): Promise<Targets> {
  const pod = /^(?:pods?|po)\/(.+)$/.exec(word)?.[1];
  if (pod !== undefined) {
    return await onePod(cluster, pod);
  }
  const named = readName(word);
  try {
    const found = await findUpgrade(cluster, word);
    const scene = await gather(cluster, found);
    if (scene.rawPods.length === 0 && scene.missing.length > 0) {
      throw new Fault(scene.missing.join('; '));
    }
    const live = scene.rawPods.filter((raw) => isLive(decodePod(raw)));
    const { spec, metadata } = found.upgrade;
    return { pods: live, spec, upgrade: metadata.name };
  } catch (error) {
    const other =
      named.kind === 'Upgrade'
        ? await onePod(cluster, word).catch(() => undefined)
        : await ofWorkload(cluster, named);
    if (other) {
      return other;
    }
    throw error;
  }
}

async function ofWorkload(
  cluster: Cluster,
  { kind, name }: { kind: 'Upgrade' | 'Deployment' | 'StatefulSet' | 'DaemonSet'; name: string },
): Promise<Targets | undefined> {
  if (kind === 'Upgrade') {
    return undefined;
  }
  const { namespace } = cluster;
  const raw = await cluster.read({ resource: RESOURCES[kind], namespace, name });
  const labelSelector = selectorText(at(raw, 'spec', 'selector'));
  const pods = await cluster.list(RESOURCES.Pod, namespace, { labelSelector });
  return {
    pods: pods.filter((one) => isLive(decodePod(one))),
    spec: bareSpec(containerNames(raw, 'template')),
  };
}

export const containerNames = (raw: Raw, ...under: string[]): string[] =>
  list(at(raw, 'spec', ...under, ...(under.length > 0 ? ['spec'] : []), 'containers')).map((one) =>
    text(record(one).name),
  );

/** Returns a pod, with the Upgrade of its workload if there is one. */
async function onePod(cluster: Cluster, name: string): Promise<Targets> {
  const { namespace } = cluster;
  const raw = await cluster.read({ resource: RESOURCES.Pod, namespace, name });
  const { owner, revision } = decodePod(raw);
  const upgrades = await cluster.list(RESOURCES.Upgrade, namespace).catch((): readonly Raw[] => []);
  const acting = actingOf(
    upgrades.filter((one) => ownsPods((one.spec as UpgradeSpec).targetRef, owner, revision)),
  );
  if (!acting) {
    return { pods: [raw], spec: bareSpec(containerNames(raw)) };
  }
  const { spec, metadata } = acting.upgrade;
  return { pods: [raw], spec, upgrade: metadata.name };
}
