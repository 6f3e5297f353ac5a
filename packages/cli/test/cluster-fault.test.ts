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

test.each([
  'unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
  'self-signed certificate in certificate chain (SELF_SIGNED_CERT_IN_CHAIN)',
])('an unknown authority is a matter of the kubeconfig, not of Node: %s', (message) => {
  const fault = requestFault(
    'https://api.example',
    { kind: 'unavailable', message: `GET /apis/x: ${message}` },
    0,
    { resource: RESOURCES.Upgrade, namespace: 'shop' },
  );
  expect(fault.message).toBe(
    'cannot reach the API server https://api.example: no authority is known that has signed its certificate: set certificate-authority-data of the cluster in the kubeconfig, or --certificate-authority',
  );
});

test('a rejected object is not repeated, only what is wrong with it', () => {
  const object = JSON.stringify(JSON.stringify({ spec: { note: 'a "word"\n'.repeat(100) } }));
  expect(said(`patch: Invalid value: ${object}: strict decoding error: unknown field "spec.postChek"`)).toBe(
    'patch: Invalid value: "…": strict decoding error: unknown field "spec.postChek"',
  );
  expect(said('spec.gate: Unsupported value: "Sometimes"')).toBe('spec.gate: Unsupported value: "Sometimes"');
});
