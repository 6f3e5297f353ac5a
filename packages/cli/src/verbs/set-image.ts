/** `set image`: like `kubectl set image`, but sets `spec.containers` of the Upgrade. */
import { kubectl } from '../../../../src/api/kubectl.ts';
import { own } from '../../../../src/api/own.ts';
import type { Images, Upgrade } from '../../../../src/api/types.ts';
import { wantedImages } from '../../../../src/core/images.ts';
import type { Cluster } from '../cluster.ts';
import { Fault } from '../fault.ts';
import { imageError, imageWarning } from '../image-reference.ts';
import type { Io } from '../io.ts';
import { gitOwner } from '../managers.ts';
import { gather, type Scene } from '../scene.ts';
import { nearest } from '../text.ts';
import { isDeleting } from '../upgrade-state.ts';
import { findUpgrade } from '../upgrades.ts';
import { type ActOptions, patched } from './act.ts';

/** Parses `web=registry.example/web:2.1`. */
function assignment(word: string): [string, string] {
  const equals = word.indexOf('=');
  const [name, image] = [word.slice(0, equals), word.slice(equals + 1)];
  if (equals < 1 || image === '' || /\s/.test(image)) {
    throw new Fault(
      `an image must have the form CONTAINER=IMAGE, such as web=registry.example/web:2.1, not ${JSON.stringify(word)}`,
    );
  }
  return [name, image];
}

export async function setImage(
  io: Io,
  cluster: Cluster,
  [name = '', ...words]: readonly string[],
  options: ActOptions,
): Promise<number> {
  if (words.length === 0) {
    throw new Fault('specify at least one CONTAINER=IMAGE');
  }
  const images = Object.fromEntries(words.map(assignment));
  const found = await findUpgrade(cluster, name);
  const { upgrade } = found;
  if (isDeleting(upgrade)) {
    throw new Fault(
      `Upgrade ${upgrade.metadata.name} is being deleted, so no image of it is rolled out any more: create it again once it is gone`,
    );
  }
  const scene = await gather(cluster, found);
  checkContainers(images, scene);
  const before = wantedImages(upgrade.spec);
  const changed = Object.entries(images).filter(([container, image]) => own(before, container) !== image);
  if (changed.length === 0) {
    throw new Fault(`nothing to set: ${unchanged(upgrade, images)}`);
  }
  const effects = changed.map(
    ([container, image]) =>
      `container ${container}: ${own(before, container) ?? '(not upgraded yet)'} → ${image}`,
  );
  for (const [, image] of changed) {
    const error = imageError(image);
    if (error !== undefined) {
      throw new Fault(error);
    }
    const warning = imageWarning(image);
    if (warning !== undefined) {
      io.note(`warning: ${warning}`);
    }
  }
  const stray = strayText(scene);
  if (stray !== undefined) {
    io.note(`warning: ${stray}`);
  }
  const owner = gitOwner(found.raw, 'f:containers');
  if (owner) {
    io.note(`warning: ${owner} owns spec.containers and may revert it; change it in Git too`);
  }
  const acting = { ...options, effects };
  return await patched(io, cluster, found, acting, ({ metadata: { resourceVersion }, spec }) => ({
    metadata: { resourceVersion },
    spec: { containers: containersWith(images, spec) },
  }));
}

/** Returns the containers with these images. */
const containersWith = (images: Images, spec: Upgrade['spec']): object[] =>
  Object.entries({ ...wantedImages(spec), ...images }).map(([name, image]) => ({ name, image }));

function unchanged({ status, spec, metadata }: Upgrade, images: Images): string {
  const wanted = spec.containers
    .filter(({ name }) => own(images, name) !== undefined)
    .map(({ name, image }) => `${name}=${image}`);
  const failed = Object.entries(images).every(
    ([name, image]) => own(status?.quarantined?.images, name) === image,
  );
  return `${wanted.join(', ')} is already set${failed ? `, and fell back in attempt ${status?.quarantined?.attempt}; retry it with \`${kubectl(metadata.namespace, 'postcheck', 'retry', metadata.name)}\`` : ''}`;
}

function checkContainers(images: Images, { workload }: Scene): void {
  const existing = workload?.containers.map(({ name }) => name);
  const wrong = Object.keys(images).find((name) => existing && !existing.includes(name));
  if (wrong !== undefined && existing) {
    const meant = nearest(wrong, existing);
    throw new Fault(
      `${workload?.kind} ${workload?.name} has no container ${JSON.stringify(wrong)}; it has: ${existing.join(', ')}${meant ? `; did you mean ${meant}?` : ''}`,
    );
  }
}

/** Containers that the Upgrade names and the workload does not have stay in the spec, and keep every attempt from starting. */
export function strayText({ upgrade, workload }: Pick<Scene, 'upgrade' | 'workload'>): string | undefined {
  const existing = workload?.containers.map(({ name }) => name);
  const stray = upgrade.spec.containers.map(({ name }) => name).filter((name) => !existing?.includes(name));
  const { namespace, name } = upgrade.metadata;
  return existing === undefined || stray.length === 0
    ? undefined
    : `spec.containers still names ${stray.join(', ')}, which ${workload?.kind} ${workload?.name} does not have, so no attempt starts: remove it with \`${kubectl(namespace, 'edit', 'upgrade', name)}\``;
}
