import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { kubectl, shellWord } from './kubectl.ts';

test('a command names the namespace of its object', () => {
  expect(kubectl('shop', 'rollout', 'resume', 'deployment/web')).toBe(
    'kubectl rollout resume deployment/web -n shop',
  );
});

test.each([
  'web',
  'web=registry.example:5000/a/web@sha256:0f',
  'postcheck.dev/approve=3/canary',
  'two words',
  'a;touch /tmp/x',
  '$(id)',
  '`id`',
  "it's",
  '',
  '~root',
  '#1',
  '!!',
])('a shell reads %j as it is', (word) => {
  const { stdout } = spawnSync('sh', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' });
  expect(stdout).toBe(word);
});
