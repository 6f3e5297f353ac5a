/**
 * Images that are not stored as they were written: admission pinned a digest, named a mirror, or set the old image again, or another client
 * pinned a digest soon afterwards.
 * Pods run the stored image, so that one counts from then on; the requested image is recorded as well.
 * The field manager distinguishes our writes from those of others. Our entry is removed from managedFields before an attempt is recorded, so an
 * entry that exists belongs to this attempt.
 */
import { FIELD_MANAGER } from '../../api/names.ts';
import { own } from '../../api/own.ts';
import type { Images } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Status } from '../complete-status.ts';
import { exceededBy, IMAGE_MAX } from '../images.ts';

/** Whether we wrote the image of this container. */
export const wroteImage = (workload: WorkloadView, name: string): boolean =>
  own(workload.imageManagers, name) === FIELD_MANAGER;

/** The stored images, by container name, where our write of `wanted` requested other ones. */
export const rewrittenImages = (workload: WorkloadView, wanted: Images): Images =>
  Object.fromEntries(
    workload.containers
      .filter(
        ({ name, image }) => wroteImage(workload, name) && ![undefined, image].includes(own(wanted, name)),
      )
      .map(({ name, image }) => [name, image]),
  );

/** The same for a fallback. One that is too long to be recorded as the failed one is still there too, and no version to keep. */
export const rewrittenInFallback = (workload: WorkloadView, { fallback, to }: Status): Images =>
  Object.fromEntries(
    Object.entries(exceptFailed(rewrittenImages(workload, { ...fallback?.images }), to.images)).filter(
      ([, image]) => image.length <= IMAGE_MAX,
    ),
  );

/**
 * A failed image that is still there is no stored form of the previous one, however alike they are: the write of that one had no effect, or is
 * still to come.
 */
export const exceptFailed = (stored: Images, failed: Images): Images =>
  Object.fromEntries(Object.entries(stored).filter(([name, image]) => own(failed, name) !== image));

/** Whether we wrote any image of the template. */
export const wroteImages = (workload: WorkloadView): boolean =>
  workload.containers.some(({ name }) => wroteImage(workload, name));

/** What is added to an image to pin it. */
const DIGEST = /^@[a-z][a-z0-9]*:[0-9a-f]{32,128}$/;

/** Whether the image is the wanted one with its digest, as clients that pin images set it. */
export const isPinned = (image: string, wanted: string | undefined): boolean =>
  wanted !== undefined && image.startsWith(wanted) && DIGEST.test(image.slice(wanted.length));

/** The images that somebody else made of `wanted` by adding a digest. They are the same version. */
export function pinnedImages(workload: WorkloadView, wanted: Images): Images {
  const pinned = workload.containers.filter(({ name, image }) => isPinned(image, own(wanted, name)));
  const images = Object.fromEntries(pinned.map(({ name, image }) => [name, image]));
  return pinned.length > 0 && exceededBy({ ...wanted, ...images }) ? {} : images;
}

/** Returns `set` with the stored images, and with the requested ones in `requested`. */
export function withRewritten<T extends { readonly images: Images; readonly requested?: Images }>(
  set: T,
  stored: Images,
): T {
  const requested = Object.entries(set.images).filter(([name]) => Object.hasOwn(stored, name));
  return requested.length === 0
    ? set
    : {
        ...set,
        images: { ...set.images, ...stored },
        requested: { ...Object.fromEntries(requested), ...set.requested },
      };
}

/** `app:1.2` of `registry.example/team/app:1.2@sha256:…`; a bare digest stands for itself. */
function nameAndTag(image: string): string {
  const last = image.slice(image.lastIndexOf('/') + 1);
  const [tagged = ''] = last.split('@');
  return tagged.includes(':') ? tagged : last;
}

/** Whether both have the same name and tag, possibly in another registry or with a digest: admission may have made one out of the other. */
export const isSameVersion = (a: string, b: string): boolean => nameAndTag(a) === nameAndTag(b);

/** The image that the API server stored for this request in an earlier attempt, if the template still has it. */
export function knownRewrite(
  { to }: Status,
  name: string,
  requested: string,
  runs: string,
): string | undefined {
  return own(to.requested, name) === requested && own(to.images, name) === runs ? runs : undefined;
}
