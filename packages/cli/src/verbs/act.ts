/** `retry`, `abort`, `approve`, `promote`, `pause` and `resume`. If nothing would happen, nothing is written. */
import type { Upgrade } from '../../../../src/api/types.ts';
import { ANNOTATIONS, type Verb } from '../../../../src/api/verbs.ts';
import { wantedImages } from '../../../../src/core/images.ts';
import { imagesText } from '../../../../src/core/report/image-text.ts';
import { isFallingBack, isUnderWay } from '../../../../src/core/status.ts';
import { decodeUpgrade } from '../../../../src/kube/objects/decode-upgrade.ts';
import type { Cluster } from '../cluster.ts';
import { Conflict, Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { gitOwner } from '../managers.ts';
import { predict, tokenFor } from '../predict.ts';
import { gather } from '../scene.ts';
import { type Found, findUpgrade, upgradeTarget } from '../upgrades.ts';
import { waitUntilDecided } from './status.ts';

export interface ActOptions {
  readonly wait?: boolean;
  /** In milliseconds; 0 waits forever. */
  readonly timeout?: number;
  readonly dryRun?: boolean;
}

export async function command(
  io: Io,
  cluster: Cluster,
  verb: Verb,
  [name = '', stage]: readonly string[],
  options: ActOptions,
): Promise<number> {
  const found = await findUpgrade(cluster, name);
  const token = tokenFor(verb, found.upgrade, stage, io.now());
  const scene = await gather(cluster, found);
  const prediction = predict(verb, scene, token, io.now());
  // If the workload could not be read, the effect is unknown; if it does not exist, it is known.
  if ('nothing' in prediction && (scene.workload || scene.isGone)) {
    throw new Fault(`nothing to ${verb}: ${prediction.nothing}`);
  }
  const effect =
    'will' in prediction
      ? prediction.will
      : `${verb} of Upgrade ${name}; its effect is unknown: ${scene.missing.join('; ')}`;
  return await patched(io, cluster, found, { ...options, effects: [effect] }, () => ({
    metadata: { annotations: { [ANNOTATIONS[verb]]: token } },
  }));
}

/** `pause` sets `spec.paused` to true, `resume` to false. */
export async function setPaused(
  io: Io,
  cluster: Cluster,
  paused: boolean,
  name: string,
  options: ActOptions,
): Promise<number> {
  const found = await findUpgrade(cluster, name);
  const { spec, status } = found.upgrade;
  if (spec.paused === paused) {
    throw new Fault(
      paused ? 'nothing to pause: spec.paused is true already' : 'nothing to resume: spec.paused is not set',
    );
  }
  const running = isUnderWay(status);
  const effect = paused ? pausing(found.upgrade, running) : resuming(found.upgrade, running);
  const owner = gitOwner(found.raw, 'f:paused');
  if (owner) {
    io.note(`warning: ${owner} owns spec.paused and may revert it; change it in Git too`);
  }
  const acting = { ...options, effects: [effect] };
  return await patched(io, cluster, found, acting, ({ metadata: { resourceVersion } }) => ({
    metadata: { resourceVersion },
    spec: { paused },
  }));
}

export function pausing({ status }: Upgrade, running: boolean): string {
  return running
    ? `Attempt ${status?.attempt?.number} is paused: no image is written, no gate is opened, no deadline runs; checks continue`
    : 'No attempt is running: the next one waits until `resume`';
}

export function resuming({ status, spec }: Upgrade, running: boolean): string {
  return running
    ? `Attempt ${status?.attempt?.number} continues${isFallingBack(status) ? ' to fall back' : ''}; each pod has its full deadline again`
    : `An attempt may start: ${imagesText(wantedImages(spec), spec)}`;
}

/** The operator writes the status meanwhile, which does not change what is wanted. */
const MAX_CONFLICTS = 5;

/** Patches the Upgrade; after a conflict, with a patch for its current state. */
async function patchWithRetries(
  cluster: Cluster,
  upgrade: Upgrade,
  bodyFor: (current: Upgrade) => unknown,
  query: Readonly<Record<string, string>>,
): Promise<Upgrade> {
  const target = upgradeTarget(upgrade);
  let current = upgrade;
  for (let conflicts = 0; ; conflicts++) {
    try {
      return decodeUpgrade(await cluster.patch(target, bodyFor(current), query));
    } catch (error) {
      if (!(error instanceof Conflict) || conflicts === MAX_CONFLICTS) {
        throw error;
      }
      current = decodeUpgrade(await cluster.read(target));
    }
  }
}

/** How an Upgrade is patched, and what is said of that. */
export interface PatchOptions extends ActOptions {
  /** Said once the API server has accepted the patch: of a rejected one nothing happens. */
  readonly effects: readonly string[];
}

/** Patches the Upgrade, unless it is a dry run, and waits for the outcome with `--wait`. */
export async function patched(
  io: Io,
  cluster: Cluster,
  { upgrade }: Found,
  options: PatchOptions,
  bodyFor: (current: Upgrade) => unknown,
): Promise<number> {
  const query: Record<string, string> = options.dryRun ? { dryRun: 'All' } : {};
  const after = await patchWithRetries(cluster, upgrade, bodyFor, query);
  const { name } = upgrade.metadata;
  for (const effect of options.effects) {
    io.out(effect);
  }
  io.out(`upgrade.postcheck.dev/${name} patched${options.dryRun ? ' (server dry run)' : ''}`);
  if (options.dryRun || !options.wait) {
    return 0;
  }
  return await waitUntilDecided(io, cluster, after, { timeoutMs: options.timeout ?? 0 });
}
