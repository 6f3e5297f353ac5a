import { describe, expect, test } from '@jest/globals';
import { activeStatusOf, NEW, OLD, specOf, workloadOf } from '../../test/support/snapshots.ts';
import {
  bytesOf,
  differingContainer,
  imageManager,
  imagesOf,
  imagesToWrite,
  runsImages,
  sameImages,
  upgradedImages,
} from './images.ts';

describe('images', () => {
  const two = workloadOf({
    containers: [
      { name: 'web', image: OLD, role: 'regular', startupProbe: false },
      { name: 'log', image: 'log:1', role: 'regular', startupProbe: false },
    ],
  });

  test('are written only where they differ, and only to containers that are there', () => {
    expect(imagesToWrite(two, { web: NEW, log: 'log:1', gone: 'x' })).toEqual({ web: NEW });
    expect(runsImages(two, { log: 'log:1', gone: 'x' })).toBe(true);
    expect(runsImages(two, { web: NEW })).toBe(false);
  });

  test('are ours when the user named them, or the attempt changed them; others may change under it', () => {
    const status = activeStatusOf({
      from: { images: { web: NEW, log: 'log:1', proxy: 'p:1' } },
      to: { images: { web: NEW, log: 'log:1', proxy: 'p:2' } },
    });
    expect(upgradedImages(status, specOf())).toEqual({ web: NEW, proxy: 'p:2' });
    const containers = ['web', 'log'].map((name) => ({ name, image: 'any' }));
    expect(upgradedImages(status, specOf({ containers }))).toEqual({ web: NEW, log: 'log:1', proxy: 'p:2' });
  });

  test('of a template are those that are short enough to run', () => {
    const image = (length: number) => 'x'.repeat(length);
    const [web, log] = two.containers;
    const containers = [
      { ...web, image: image(1024) },
      { ...log, image: image(1025) },
    ] as typeof two.containers;
    expect(imagesOf(workloadOf({ containers }))).toEqual({ web: image(1024) });
    expect(bytesOf({ web: 'é' })).toBe('{"web":"é"}'.length + 1);
  });

  test('are the same with the same containers', () => {
    expect(sameImages({ web: OLD, log: 'log:1' }, { log: 'log:1', web: OLD })).toBe(true);
    expect(sameImages({ web: OLD }, { web: OLD, log: 'log:1' })).toBe(false);
    expect(sameImages({ web: OLD, log: 'log:1' }, { web: OLD })).toBe(false);
    expect(sameImages({ web: OLD }, { web: NEW })).toBe(false);
    expect(sameImages({ web: OLD }, { log: OLD })).toBe(false);
  });

  test('differ in the first container that has another one, by whoever set it', () => {
    expect(differingContainer(two, { web: OLD, log: 'log:2' })?.name).toBe('log');
    expect(differingContainer(two, { web: NEW, log: 'log:2' })?.name).toBe('web');
    expect(differingContainer(two, { constructor: 'x' } as never)).toBeUndefined();
    expect([imageManager(two, 'web'), imageManager(two, 'log')]).toEqual(['kubectl', undefined]);
  });
});
