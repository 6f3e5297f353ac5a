/** Names of images as text, of which a workload accepts any: one printable line. */
import { cut } from '../../api/cut.ts';
import { own } from '../../api/own.ts';
import { printableLine } from '../../api/printable.ts';
import type { Images, UpgradeSpec } from '../../api/types.ts';
import { IMAGE_MAX } from '../images.ts';
import { clientWord } from './client-word.ts';

/** `registry.example/team/web:2.0` is `web:2.0`; a digest is shortened. */
export const shortImage = (image = ''): string =>
  printableLine(image.slice(image.lastIndexOf('/') + 1)).replace(/(@sha256:[0-9a-f]{12})[0-9a-f]+/, '$1') ||
  'of the container';

/** The beginning of an image that is too long to be shown. */
export const imageStart = (image: string): string => `${cut(image, 100)}…`;

/** An image that another client set, of which only the beginning is shown if no registry accepts it. */
export const shownImage = (image = ''): string =>
  image.length > IMAGE_MAX ? `${imageStart(image)} (${image.length} characters)` : clientWord(image);

export interface Versions {
  readonly from: string;
  readonly to: string;
}

/**
 * The previous and the wanted images of the containers in the spec: `web:1.9` and `web:2.0`. If two different images have the same short name,
 * such as in two registries, both are written in full.
 */
export function versionsText(from: Images | undefined, to: Images | undefined, spec: UpgradeSpec): Versions {
  const names = spec.containers.map(({ name }) => name);
  const text = (images: Images | undefined, show: (image: string) => string): string =>
    names
      .map((name) => own(images, name))
      .filter((image) => image !== undefined)
      .map(show)
      .join(', ');
  const isSame = names.some((name) => {
    const [before, after] = [own(from, name), own(to, name)];
    return before !== after && shortImage(before) === shortImage(after);
  });
  const show = isSame ? printableLine : shortImage;
  return { from: text(from, show), to: text(to, show) };
}

/** The images of the containers in the spec: `web=registry/web:2.0`. */
export const imagesText = (images: Images, spec: UpgradeSpec): string =>
  spec.containers
    .filter(({ name }) => own(images, name) !== undefined)
    .map(({ name }) => `${name}=${printableLine(own(images, name) ?? '')}`)
    .join(', ');
