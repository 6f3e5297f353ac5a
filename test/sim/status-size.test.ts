/** The status stays small and valid whatever is asked and answered; the oracle checks every status against the schema and 100 KiB. */
import { describe, expect, test } from '@jest/globals';
import { exits } from './behaviour.ts';
import { play } from './run.ts';
import type { Story } from './story.ts';

const containers = Array.from({ length: 6 }, (_, i) => `container-${i}`);
const images = (version: string) =>
  Object.fromEntries(containers.map((name) => [name, `registry.example/${name}:${version}`]));
const checks = Array.from({ length: 16 }, (_, i) => ({
  name: `check-${i}`,
  exec: { command: [`/usr/bin/check-${i}`] },
  containers: ['*'],
  maxOutputBytes: 8192,
}));

const story = (code: number): Story => ({
  name: `sixteen checks in six containers on twenty nodes, exit ${code}`,
  workload: { kind: 'DaemonSet', name: 'web', images: images('1'), maxUnavailable: 20 },
  nodes: Array.from({ length: 20 }, (_, i) => `node-${i}`),
  images: Object.fromEntries(
    Object.values(images('2')).map((image) => [image, exits(code, 'x'.repeat(8192))]),
  ),
  spec: {
    containers: containers.map((name) => ({ name, image: `registry.example/${name}:2` })),
    postCheck: { checks, deadlineSeconds: 60 },
  },
  minutes: 10,
});

describe('ninety-six tries a pod on twenty nodes', () => {
  test('that pass end in Succeeded', async () => {
    const { ending, violations } = await play(story(0));
    expect(violations).toEqual([]);
    expect(ending.phase).toBe('Succeeded');
  }, 300_000);

  test('that fail, with long outputs, end in FellBack', async () => {
    const { ending, violations } = await play(story(17));
    expect(violations).toEqual([]);
    expect(ending.phase).toBe('FellBack');
  }, 300_000);
});
