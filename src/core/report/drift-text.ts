/** The text for changes that others made to the images after the end of an attempt: postcheck reports them, but does not revert them. */
import { own } from '../../api/own.ts';
import type { Images, UpgradeSpec } from '../../api/types.ts';
import type { Status } from '../complete-status.ts';
import { differingContainer, imageManager, upgradedImages, wantedImages } from '../images.ts';
import type { Snapshot } from '../snapshot.ts';
import { isLive } from '../workload/pods.ts';
import { managerText } from './cause-text.ts';
import { clientWord } from './client-word.ts';

/** The images of the upgraded containers after the end of an attempt; `undefined` if the result does not say what runs. */
function settledImages(status: Status, spec: UpgradeSpec): Images | undefined {
  switch (status.phase) {
    case 'Succeeded':
      return upgradedImages(status, spec);
    case 'Partial':
      return status.turnedBack ? undefined : upgradedImages(status, spec);
    case 'FellBack':
      return restoredImages(status, spec);
    default:
      return undefined;
  }
}

/** The previous images. A container that the attempt left as it was, and which was named since then, may have the image in the spec from others. */
function restoredImages(status: Status, spec: UpgradeSpec): Images {
  const { from, to, fallback } = status;
  const named = wantedImages(spec);
  return Object.fromEntries(
    Object.keys(upgradedImages(status, spec)).flatMap((name) => {
      const before = own(from.images, name);
      const isLeft = before !== undefined && before === own(to.images, name);
      const image = own(fallback?.images, name) ?? (isLeft ? own(named, name) : undefined) ?? before;
      return image === undefined ? [] : [[name, image]];
    }),
  );
}

/** What somebody else changed after the end, in the workload or in one of its pods; `undefined` if nothing. */
export function driftOf(snapshot: Snapshot, status: Status): string | undefined {
  const { workload, upgrade } = snapshot;
  const wanted = settledImages(status, upgrade.spec);
  if (!workload || !wanted) {
    return undefined;
  }
  const was = `${workload.kind} ${workload.name} ${status.phase === 'FellBack' ? 'fell back' : 'was upgraded'}`;
  const changed = differingContainer(workload, wanted);
  if (!changed) {
    const pod = podDrift(snapshot, wanted);
    return pod && `${was}, but ${pod}`;
  }
  const manager = managerText(imageManager(workload, changed.name));
  return `${was}, but ${manager} has since set container ${changed.name} to ${clientWord(changed.image)}: change spec.containers, or revert that change`;
}

/** The first pod in which another image was set. The workload's controller does not revert that. */
function podDrift({ pods }: Snapshot, wanted: Images): string | undefined {
  const touched = pods.filter((pod) => pod.imagesChanged.length > 0 && isLive(pod));
  for (const { name: pod, imagesChanged, containers } of touched) {
    const changed = containers.find(
      ({ name, image }) => imagesChanged.includes(name) && ![undefined, image].includes(own(wanted, name)),
    );
    if (changed) {
      return `container ${changed.name} of pod ${pod} was since set to ${changed.image}: delete the pod, and its controller creates a new one`;
    }
  }
  return undefined;
}
