import { expect, test } from '@jest/globals';
import { specOf } from '../../../test/support/snapshots.ts';
import { checkTargets } from './check-targets.ts';

test('a check never targets an init container, which has ended', () => {
  const containers = [
    { name: 'web', role: 'regular' },
    { name: 'proxy', role: 'sidecar' },
    { name: 'migrate', role: 'init' },
  ];
  expect(checkTargets(specOf(), ['*'], containers)).toEqual(['web', 'proxy']);
  expect(checkTargets(specOf(), undefined, containers)).toEqual(['web']);
});
