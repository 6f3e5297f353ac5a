/**
 * Whether a pod is a witness. Only pods with the images that are rolled out are evidence, and anyone who may patch pods can set another image in
 * one of them, also temporarily, or label another pod so that the controller adopts it. Such a pod neither passes nor fails, and earlier results of
 * it are void.
 */
import { VERIFIED } from '../../api/names.ts';
import { own } from '../../api/own.ts';
import { isReason } from '../../api/reasons.ts';
import type { Images } from '../../api/types.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { PodCondition } from '../plan.ts';
import { whatText } from '../report/cause-text.ts';
import type { VerificationContext } from './context.ts';
import { mountOverCommand } from './mounts.ts';
import { hasPassed, type PodResult } from './pod-result.ts';

/** The images of the two versions of an attempt. */
export interface WitnessedImages {
  /** The version that is verified. */
  readonly wanted: Images;
  /** The other version. */
  readonly other: Images;
}

/** The containers whose image was changed in the pod, according to its present and its earlier state. */
function imagesChanged(now: PodView, before: PodView | undefined): readonly string[] {
  const earlier = before?.uid === now.uid ? before : undefined;
  const imageBefore = (name: string): string | undefined =>
    earlier?.containers.find((container) => container.name === name)?.image;
  const isChanged = ({ name, image }: ContainerView): boolean =>
    [now, earlier].some((pod) => pod?.imagesChanged.includes(name)) ||
    ![undefined, image].includes(imageBefore(name));
  return now.containers.filter(isChanged).map(({ name }) => name);
}

/** The pod with the image changes that were observed earlier: one that was reverted since then still counts. */
export function withImageChanges(now: PodView, before: PodView | undefined): PodView {
  const changed = imagesChanged(now, before);
  return changed.length === now.imagesChanged.length
    ? now
    : Object.freeze({ ...now, imagesChanged: Object.freeze(changed) });
}

/** Whether no image of the pod was changed between the two states. */
export const hasKeptImages = (now: PodView, before: PodView): boolean =>
  imagesChanged(now, before).length === before.imagesChanged.length;

/** Why the pod is no witness; `undefined` if it is one. */
export const whyNoWitness = (pod: PodView, context: VerificationContext): Cause | undefined =>
  imageChange(pod, context) ??
  (predatesRevision(pod, context) ? { reason: 'ForeignPod' } : mountOverCommand(pod, context));

/** The API servers of a cluster stamp creation times in whole seconds, and their clocks may differ by this much. */
const CLOCKS_DIFFER_MS = 5000;

/** The controller cannot have created the pod from the revision: it adopted it, because somebody gave it the labels. */
const predatesRevision = (
  { createdAt }: PodView,
  { revisionCreatedAt }: Pick<VerificationContext, 'revisionCreatedAt'>,
): boolean => revisionCreatedAt !== undefined && createdAt + CLOCKS_DIFFER_MS < revisionCreatedAt;

/** Whether an image of the pod is not the one that its workload set. Injected containers do not matter. */
export function imageChange(
  pod: PodView,
  { template, images }: Pick<VerificationContext, 'template' | 'images'>,
): Cause | undefined {
  const fromTemplate = pod.containers.filter(({ name }) => template.includes(name));
  const changed = fromTemplate.find(
    (container) => isSetInPod(pod, container) || isOfOther(container, images),
  );
  if (changed) {
    const wanted = own(images.wanted, changed.name);
    const { name: container, image } = changed;
    return { reason: 'ImageChanged', container, image, wanted: wanted === image ? undefined : wanted };
  }
  return recordedChange(pod);
}

const isSetInPod = ({ imagesChanged: changed }: PodView, { name }: ContainerView): boolean =>
  changed.includes(name);

/** Admission may replace the wanted image, but not by that of the other version: such a pod belongs to the other one. */
const isOfOther = ({ name, image }: ContainerView, { wanted, other }: WitnessedImages): boolean =>
  image === own(other, name) && image !== own(wanted, name);

/** The condition keeps what an earlier process observed, even if the image change was reverted since then. */
function recordedChange({ conditions, specChanges }: PodView): Cause | undefined {
  const condition = conditions[VERIFIED];
  return specChanges > 0 && condition && isReason(condition.reason, 'ImageChanged')
    ? { reason: 'ImageChanged', text: condition.message }
    : undefined;
}

/** Conditions for pods that are no witnesses: they close a gate that was already open, and record why for later processes. */
export const closingConditions = (results: readonly PodResult[]): PodCondition[] =>
  results
    .filter((result) => !hasPassed(result) && isNoWitness(result.cause.reason))
    .filter(({ pod, cause }) => !isClosedFor(pod, cause))
    .map(({ pod, cause }) => ({
      pod,
      condition: { status: 'False', reason: cause.reason, message: whatText(cause) },
    }));

const isNoWitness = (reason: string): boolean => isReason(reason, 'ImageChanged', 'ForeignPod');

const isClosedFor = ({ conditions }: PodView, { reason }: Cause): boolean =>
  conditions[VERIFIED]?.status === 'False' && conditions[VERIFIED].reason === reason;
