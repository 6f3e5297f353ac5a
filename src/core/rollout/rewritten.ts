/**
 * An image write that does not read back as written: admission pinned a digest, named a mirror, or set the old image again.
 * What the API server stored is what pods run, so that is what counts from then on; what was asked for is kept beside it.
 * Our field manager tells our writes from others'. The entry is dropped before an attempt is recorded, so one that is there is of this attempt.
 */
import { FIELD_MANAGER } from '../../api/names.ts';
import { own } from '../../api/own.ts';
import type { Images, UpgradeStatus } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';

const isOurs = (workload: WorkloadView, name: string): boolean =>
  own(workload.imageManagers, name) === FIELD_MANAGER;

/** The images that stand where a write of ours asked for others of `wanted`, by container name. */
export const answered = (workload: WorkloadView, wanted: Images): Images =>
  Object.fromEntries(
    workload.containers
      .filter(({ name, image }) => isOurs(workload, name) && ![undefined, image].includes(own(wanted, name)))
      .map(({ name, image }) => [name, image]),
  );

/** Of the fallback's images; one that failed and still stands is no answer, but a write that had no effect or is yet to come. */
export const answeredInFallback = (workload: WorkloadView, { fallback, to }: UpgradeStatus): Images =>
  Object.fromEntries(
    Object.entries(answered(workload, fallback?.images ?? {})).filter(
      ([name, image]) => own(to?.images, name) !== image,
    ),
  );

/** True when some image of the template is there by a write of ours that has not been recorded yet. */
export const wroteImages = (workload: WorkloadView): boolean =>
  workload.containers.some(({ name }) => isOurs(workload, name));

/** `set` with what stands in place of what was asked for, and that beside it. */
export function withAnswer<T extends { readonly images: Images; readonly asked?: Images }>(
  set: T,
  stands: Images,
): T {
  const names = Object.keys(stands);
  if (names.length === 0) {
    return set;
  }
  const asked = Object.fromEntries(names.map((name) => [name, own(set.images, name) ?? '']));
  return { ...set, images: { ...set.images, ...stands }, asked: { ...set.asked, ...asked } };
}

/** `app:1.2` of `registry.example/team/app:1.2@sha256:…`; a bare digest stands for itself. */
function nameAndTag(image: string): string {
  const last = image.slice(image.lastIndexOf('/') + 1);
  const [tagged = ''] = last.split('@');
  return tagged.includes(':') ? tagged : last;
}

/** The same name and tag elsewhere, or pinned: what admission made of the one may well be the other. */
export const isSameVersion = (a: string, b: string): boolean => nameAndTag(a) === nameAndTag(b);

/** Where an earlier attempt asked for this image and what it was answered with still runs: that. */
export function knownAnswer(
  status: UpgradeStatus | undefined,
  name: string,
  asked: string,
  runs: string,
): string | undefined {
  return own(status?.to?.asked, name) === asked && own(status?.to?.images, name) === runs ? runs : undefined;
}
