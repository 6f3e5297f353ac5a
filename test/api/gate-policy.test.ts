/** The chart's gate policy in a real API server. */
import { expect } from '@jest/globals';
import { renderChart } from '../chart/render.ts';
import { untilServed } from './api-server.ts';
import { describeGate } from './gate-cases.ts';

const KINDS = ['CustomResourceDefinition', 'MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding'];

describeGate(async (api) => {
  // Rendered against the server itself, so that its own word decides whether it can run the policy.
  const wanted = renderChart(['--dry-run=server', '--kubeconfig', api.kubeconfig]).filter(({ kind }) =>
    KINDS.includes(kind),
  );
  expect(wanted.map(({ kind }) => kind).sort()).toEqual(KINDS);
  for (const object of wanted) {
    api.kubectl(['create', '-f', '-'], JSON.stringify(object));
  }
  await untilServed(api);
  return () => {};
});
