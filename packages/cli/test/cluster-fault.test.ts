/** What the API server says of a request, in a sentence that fits a terminal. */
import { expect, test } from '@jest/globals';
import { RESOURCES } from '../../../src/kube/client/paths.ts';
import { requestFault } from '../src/cluster-fault.ts';

const said = (message: string): string =>
  requestFault('https://api.example', { kind: 'invalid', message: `PATCH /apis/x: ${message}` }, 422, {
    resource: RESOURCES.Upgrade,
    namespace: 'shop',
    name: 'web',
  }).message;

test('a rejected object is not repeated, only what is wrong with it', () => {
  const object = JSON.stringify(JSON.stringify({ spec: { note: 'a "word"\n'.repeat(100) } }));
  expect(said(`patch: Invalid value: ${object}: strict decoding error: unknown field "spec.postChek"`)).toBe(
    'patch: Invalid value: "…": strict decoding error: unknown field "spec.postChek"',
  );
  expect(said('spec.gate: Unsupported value: "Sometimes"')).toBe('spec.gate: Unsupported value: "Sometimes"');
});
