/**
 * Whether a pod is a witness at all. Evidence counts only when it is of the images that are rolled out, and whoever may patch pods can set another
 * image in one of them, also for a while. Such a pod neither passes nor fails, whatever it says and whatever it said before.
 */
import { VERIFIED } from '../../api/names.ts';
import { own } from '../../api/own.ts';
import { isReason } from '../../api/reasons.ts';
import type { Images } from '../../api/types.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { PodCondition } from '../plan.ts';
import { whatText } from '../report/cause-text.ts';
import type { PodResult } from './pod-result.ts';

/** The images of the two versions that an attempt is about. */
export interface WitnessedImages {
  /** Of the version that is verified. */
  readonly wanted: Images;
  /** Of the other one. */
  readonly other: Images;
}

interface Question {
  readonly template: readonly string[];
  readonly images: WitnessedImages;
}

/** The containers whose image was changed in the pod, by what the API server shows now and by how it was seen before. */
function imagesChanged(now: PodView, before: PodView | undefined): readonly string[] {
  const known = before?.uid === now.uid ? before : undefined;
  const imageBefore = (name: string): string | undefined =>
    known?.containers.find((container) => container.name === name)?.image;
  const isChanged = ({ name, image }: ContainerView): boolean =>
    [now, known].some((pod) => pod?.imagesChanged.includes(name)) ||
    ![undefined, image].includes(imageBefore(name));
  return now.containers.filter(isChanged).map(({ name }) => name);
}

/** The pod with what is known of it, by an earlier look: a change that is covered up stays known. */
export function withImageChanges(now: PodView, before: PodView | undefined): PodView {
  const changed = imagesChanged(now, before);
  return changed.length === now.imagesChanged.length
    ? now
    : Object.freeze({ ...now, imagesChanged: Object.freeze(changed) });
}

/** Was no image of the pod changed between the two looks? */
export const hasKeptImages = (now: PodView, before: PodView): boolean =>
  imagesChanged(now, before).length === before.imagesChanged.length;

/** Why the pod says nothing of the version; `undefined` when it is a witness. What somebody injected is not the version's. */
export function imageChange(pod: PodView, { template, images }: Question): Cause | undefined {
  const ours = pod.containers.filter(({ name }) => template.includes(name));
  const changed = ours.find((container) => isSetInPod(pod, container) || isOfOther(container, images));
  if (changed) {
    const wanted = own(images.wanted, changed.name);
    const { name: container, image } = changed;
    return { reason: 'ImageChanged', container, image, wanted: wanted === image ? undefined : wanted };
  }
  return recordedChange(pod);
}

const isSetInPod = ({ imagesChanged: changed }: PodView, { name }: ContainerView): boolean =>
  changed.includes(name);

/** Admission may have made another image of the wanted one, but not that of the other version: such a pod was taken from there. */
const isOfOther = ({ name, image }: ContainerView, { wanted, other }: WitnessedImages): boolean =>
  image === own(other, name) && image !== own(wanted, name);

/** The condition is what an earlier process knew, when who changed an image has covered it up since. */
function recordedChange({ conditions, specChanges }: PodView): Cause | undefined {
  const known = conditions[VERIFIED];
  return specChanges > 0 && known && isReason(known.reason, 'ImageChanged')
    ? { reason: 'ImageChanged', said: known.message }
    : undefined;
}

/** The conditions to write on pods that are no witnesses: that closes a gate that was opened before, and keeps what is known of the pod. */
export const closingConditions = (results: readonly PodResult[]): PodCondition[] =>
  results
    .filter(({ pod, cause }) => isReason(cause.reason, 'ImageChanged') && !isClosedFor(pod))
    .map(({ pod, cause }) => ({
      pod,
      condition: { status: 'False', reason: cause.reason, message: whatText(cause) },
    }));

const isClosedFor = ({ conditions }: PodView): boolean =>
  conditions[VERIFIED]?.status === 'False' && isReason(conditions[VERIFIED].reason, 'ImageChanged');
