import { expect, test } from '@jest/globals';
import { isByAdmission } from './admission.ts';

test.each([
  ['admission webhook "a.example" denied the request: no', true],
  ['admission webhook "a.example" denied the request without explanation', true],
  ["ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no", true],
  ['pods "web-x" is forbidden: exceeded quota: q, requested: pods=1', true],
  ['pods "web-x" is forbidden: violates PodSecurity "restricted:latest"', true],
  ['pods is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods"', false],
  ['Pod "web-x" is invalid: spec.containers[0].image: Required value', false],
  ['failed calling webhook "a.example": context deadline exceeded', false],
  ['etcdserver: request timed out', false],
  [`${'x'.repeat(9000)} denied the request`, false],
])('%s: by admission: %s', (message, expected) => {
  expect(isByAdmission(message)).toBe(expected);
});
