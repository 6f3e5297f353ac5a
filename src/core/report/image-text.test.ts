import { describe, expect, test } from '@jest/globals';
import { specOf } from '../../../test/support/snapshots.ts';
import { imagesText, shortImage, versionsText } from './image-text.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

test.each([
  ['registry.example/team/web:2.0', 'web:2.0'],
  ['web:2.0', 'web:2.0'],
  ['registry.example:5000/web', 'web'],
  [`registry.example/web:2.0@${DIGEST}`, 'web:2.0@sha256:0123456789ab'],
  ['a\nb/web:2.0', 'web:2.0'],
  ['a/web\u001b[31m\u202e:2\r\nFAKE LINE', 'web:2 FAKE LINE'],
  ['', 'of the container'],
  [undefined, 'of the container'],
])('the short name of %j is %s', (image, text) => {
  expect(shortImage(image)).toBe(text);
});

describe('the versions of an attempt', () => {
  const spec = specOf({
    containers: [
      { name: 'web', image: 'a/web:2' },
      { name: 'log', image: 'a/log:2' },
    ],
  });
  test('are the short names of the containers in the spec', () => {
    const from = { web: 'a/web:1', log: 'a/log:1', proxy: 'a/proxy:1' };
    const to = { web: 'a/web:2', log: 'a/log:2', proxy: 'a/proxy:1' };
    expect(versionsText(from, to, spec)).toEqual({ from: 'web:1, log:1', to: 'web:2, log:2' });
  });

  test('are those that are known', () => {
    expect(versionsText(undefined, { log: 'a/log:2' }, spec)).toEqual({ from: '', to: 'log:2' });
    expect(versionsText({ web: 'a/web:1' }, undefined, spec)).toEqual({ from: 'web:1', to: '' });
  });

  test('are the whole images if two of one container differ by their registry alone', () => {
    expect(
      versionsText({ web: 'a/web:1', log: 'a/log:1' }, { web: 'b/web:1', log: 'a/log:2' }, spec),
    ).toEqual({ from: 'a/web:1, a/log:1', to: 'b/web:1, a/log:2' });
    expect(
      versionsText({ web: 'a/web:1', log: 'a/log:1' }, { web: 'a/web:1', log: 'a/log:1' }, spec),
    ).toEqual({ from: 'web:1, log:1', to: 'web:1, log:1' });
  });

  test('are one printable line, whatever a workload has for an image', () => {
    const images = (registry: string) => ({ web: `${registry}/web\u001b[31m\u202e:2\nFAKE` });
    expect(imagesText(images('a'), spec)).toBe('web=a/web:2 FAKE');
    expect(versionsText(images('a'), images('b'), spec)).toEqual({
      from: 'a/web:2 FAKE',
      to: 'b/web:2 FAKE',
    });
  });

  test('are written with their containers', () => {
    expect(imagesText({ web: 'a/web:2', log: 'a/log:2', proxy: 'a/proxy:1' }, spec)).toBe(
      'web=a/web:2, log=a/log:2',
    );
    expect(imagesText({ log: 'a/log:2' }, spec)).toBe('log=a/log:2');
  });
});
