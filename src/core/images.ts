/** Images by container name, compared with those of a pod template. */
import { own } from '../api/own.ts';
import type { Images, UpgradeSpec } from '../api/types.ts';
import type { TemplateContainer, WorkloadView } from '../api/views.ts';
import type { Status } from './complete-status.ts';

/** Neither registries nor the kubelet accept longer references, so such an image cannot run and is no fallback target. */
export const IMAGE_MAX = 1024;

/** The maximum size of one set of images. An attempt stores up to three (`from`, `to` and the restored ones), which must fit into the status. */
export const SET_MAX_BYTES = 16 * 1024;

/** The size of the set in a status. */
export const bytesOf = (images: Images): number => Buffer.byteLength(JSON.stringify(images), 'utf8');

/** What of the status has no room for these images: one of them, or all together; `undefined` if they fit. */
export function exceededBy(
  images: Images,
): { readonly container?: string; readonly limit: number } | undefined {
  const long = Object.entries(images).find(([, image]) => image.length > IMAGE_MAX);
  if (long) {
    return { container: long[0], limit: IMAGE_MAX };
  }
  return bytesOf(images) > SET_MAX_BYTES ? { limit: SET_MAX_BYTES } : undefined;
}

/** The images of the spec by container name. */
export const wantedImages = ({ containers }: Pick<UpgradeSpec, 'containers'>): Images =>
  Object.fromEntries(containers.map(({ name, image }) => [name, image]));

/** The images of the template by container name, including init containers and sidecars: names are unique within a pod. */
export const templateImages = ({ containers }: Pick<WorkloadView, 'containers'>): Images =>
  Object.fromEntries(containers.map(({ name, image }) => [name, image]));

/** Those that can run, and so can be restored later. */
export const imagesOf = (workload: WorkloadView): Images =>
  Object.fromEntries(
    workload.containers
      .filter(({ image }) => image.length <= IMAGE_MAX)
      .map(({ name, image }) => [name, image]),
  );

/** True if both have the same containers with the same images. */
export const sameImages = (a: Images, b: Images): boolean =>
  Object.keys(a).length === Object.keys(b).length &&
  Object.entries(a).every(([name, image]) => own(b, name) === image);

/** The first container whose image differs from the wanted one. Containers that the template no longer has do not count. */
export const differingContainer = (workload: WorkloadView, wanted: Images): TemplateContainer | undefined =>
  workload.containers.find(({ name, image }) => ![undefined, image].includes(own(wanted, name)));

/** Whether the template has every image in `wanted`. */
export const runsImages = (workload: WorkloadView, wanted: Images): boolean =>
  differingContainer(workload, wanted) === undefined;

/** The images to write so that the template has `wanted`. */
export const imagesToWrite = (workload: WorkloadView, wanted: Images): Images =>
  Object.fromEntries(
    workload.containers
      .map(({ name, image }) => [name, own(wanted, name) ?? image, image] as const)
      .filter(([, next, now]) => next !== now)
      .map(([name, next]) => [name, next]),
  );

/** The images in `from` of the containers whose image the attempt changes. */
export const changedImages = ({ from, to }: Pick<Status, 'from' | 'to'>): Images =>
  Object.fromEntries(Object.entries(from.images).filter(([name, image]) => own(to.images, name) !== image));

/** Whether the Upgrade names this container. The image of any other one stays as it is. */
export const isUpgraded = ({ containers }: Pick<UpgradeSpec, 'containers'>, name: string): boolean =>
  containers.some((wanted) => wanted.name === name);

/** The images in `to` of the upgraded containers: those in the spec, and those that the attempt changed. Others may change the images of further containers. */
export const upgradedImages = ({ from, to }: Pick<Status, 'from' | 'to'>, spec: UpgradeSpec): Images =>
  Object.fromEntries(
    Object.entries(to.images).filter(
      ([name, image]) => own(from.images, name) !== image || isUpgraded(spec, name),
    ),
  );

/** The field manager that set the image of the container; `undefined` if managedFields do not say. */
export const imageManager = (workload: WorkloadView, name: string): string | undefined =>
  own(workload.imageManagers, name);
