/**
 * An image write that does not read back as written: admission pinned a digest, named a mirror, or set the old image again.
 * What the API server stored is what pods run, so that is what counts from then on; the requested image is kept as well.
 * Our field manager tells our writes from others'. The entry is dropped before an attempt is recorded, so one that is there is of this attempt.
 */
import { FIELD_MANAGER } from '../../api/names.ts';
import { own } from '../../api/own.ts';
import type { Images } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Status } from '../status.ts';

const isOurs = (workload: WorkloadView, name: string): boolean =>
  own(workload.imageManagers, name) === FIELD_MANAGER;

/** The stored images where a write of ours requested others of `wanted`, by container name. */
export const answered = (workload: WorkloadView, wanted: Images): Images =>
  Object.fromEntries(
    workload.containers
      .filter(({ name, image }) => isOurs(workload, name) && ![undefined, image].includes(own(wanted, name)))
      .map(({ name, image }) => [name, image]),
  );

/** Of the fallback's images; one that failed and still stands is no answer, but a write that had no effect or is yet to come. */
export const answeredInFallback = (workload: WorkloadView, { fallback, to }: Status): Images =>
  Object.fromEntries(
    Object.entries(answered(workload, { ...fallback?.images })).filter(
      ([name, image]) => own(to.images, name) !== image,
    ),
  );

/** True when some image of the template is there by a write of ours that has not been recorded yet. */
export const wroteImages = (workload: WorkloadView): boolean =>
  workload.containers.some(({ name }) => isOurs(workload, name));

/** Returns `set` with the stored images, and with the requested ones in `requested`. */
export function withAnswer<T extends { readonly images: Images; readonly requested?: Images }>(
  set: T,
  stands: Images,
): T {
  const requested = Object.entries(set.images).filter(([name]) => Object.hasOwn(stands, name));
  return requested.length === 0
    ? set
    : {
        ...set,
        images: { ...set.images, ...stands },
        requested: { ...set.requested, ...Object.fromEntries(requested) },
      };
}

/** `app:1.2` of `registry.example/team/app:1.2@sha256:…`; a bare digest stands for itself. */
function nameAndTag(image: string): string {
  const last = image.slice(image.lastIndexOf('/') + 1);
  const [tagged = ''] = last.split('@');
  return tagged.includes(':') ? tagged : last;
}

/** The same name and tag elsewhere, or pinned: what admission made of the one may well be the other. */
export const isSameVersion = (a: string, b: string): boolean => nameAndTag(a) === nameAndTag(b);

/** The image that an earlier attempt got stored for this request, if it still runs. */
export function knownAnswer(
  { to }: Status,
  name: string,
  requested: string,
  runs: string,
): string | undefined {
  return own(to.requested, name) === requested && own(to.images, name) === runs ? runs : undefined;
}
