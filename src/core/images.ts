/** Sets of images by container name, and what a pod template has of them. */
import { own } from '../api/own.ts';
import type { Images, UpgradeSpec } from '../api/types.ts';
import type { TemplateContainer, WorkloadView } from '../api/views.ts';
import type { Status } from './status.ts';

/** No registry has longer references, and the kubelet takes none: nothing runs by it, so it is nothing to go back to. */
const IMAGE_MAX = 1024;

/** An attempt stores up to three sets (`from`, `to` and what is restored), and has to go on by them: a status has room for three of these. */
export const SET_MAX_BYTES = 16 * 1024;

/** How much of a status the set is. */
export const bytesOf = (images: Images): number => Buffer.byteLength(JSON.stringify(images), 'utf8');

/** Images by container name, init containers and sidecars too: names are unique within a pod. */
export const imagesOf = (workload: WorkloadView): Images =>
  Object.fromEntries(
    workload.containers
      .filter(({ image }) => image.length <= IMAGE_MAX)
      .map(({ name, image }) => [name, image]),
  );

/** The first container whose image is not the wanted one. A container that the template no longer has does not count. */
export const differingContainer = (workload: WorkloadView, wanted: Images): TemplateContainer | undefined =>
  workload.containers.find(({ name, image }) => ![undefined, image].includes(own(wanted, name)));

/** True when every image in `wanted` is the template's. */
export const runsImages = (workload: WorkloadView, wanted: Images): boolean =>
  differingContainer(workload, wanted) === undefined;

/** The images that have to be written so that the template has `wanted`. */
export const imagesToWrite = (workload: WorkloadView, wanted: Images): Images =>
  Object.fromEntries(
    workload.containers
      .map(({ name, image }) => [name, own(wanted, name) ?? image, image] as const)
      .filter(([, next, now]) => next !== now)
      .map(([name, next]) => [name, next]),
  );

/** Those of `to` that this attempt is about: what the user named, and what it changed. Other containers' images may change under it. */
export const upgradedImages = ({ from, to }: Pick<Status, 'from' | 'to'>, spec: UpgradeSpec): Images =>
  Object.fromEntries(
    Object.entries(to.images).filter(
      ([name, image]) =>
        own(from.images, name) !== image || spec.containers.some((wanted) => wanted.name === name),
    ),
  );

/** Who wrote the image of the container, to be named in a conflict; `undefined` when managedFields do not say. */
export const imageManager = (workload: WorkloadView, name: string): string | undefined =>
  own(workload.imageManagers, name);
