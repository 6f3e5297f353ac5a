import { describe, expect, test } from '@jest/globals';
import { activeStatusOf, NEW, OLD, specOf, workloadOf } from '../../test/support/snapshots.ts';
import { imagesToWrite, runsImages, upgradedImages } from './images.ts';

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
  });
});
