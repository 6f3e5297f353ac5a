/** What is kept of the volumes of a container. */
import { expect, test } from '@jest/globals';
import type { PodView, WorkloadView } from '../../api/views.ts';
import { decodePod } from './decode-pod.ts';
import { decodeWorkload } from './decode-workload.ts';
import { mountsOf } from './mounts.ts';

const at = (...paths: readonly string[]) => ({
  volumeMounts: paths.map((mountPath, index) => ({ name: `v${index}`, mountPath })),
});
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

test('a container without volumes of its own has none', () => {
  expect([mountsOf({}), mountsOf(at()), mountsOf(at(SERVICE_ACCOUNT))]).toEqual([{}, {}, {}]);
});

test('paths are kept without detours', () => {
  const { mounts } = mountsOf(
    at(SERVICE_ACCOUNT, '/data', '/usr/bin/', '/usr/../usr//./bin/x', 'usr/lib', '/'),
  );
  expect(mounts).toEqual(['/data', '/usr/bin', '/usr/bin/x', '/usr/lib', '/']);
});

test('very many of them count as one over everything, so that none is missed and little is kept', () => {
  const many = Array.from({ length: 50_000 }, (_, index) => `/data/${index}`);
  expect(mountsOf(at(...many))).toEqual({ mounts: ['/'] });
  expect(mountsOf(at('/x'.repeat(100_000)))).toEqual({ mounts: ['/'] });
});

test.each([undefined, null, 'x', [null, 3, {}, { mountPath: 7 }]])(
  'whatever comes instead (%j) stops nothing',
  (volumeMounts) => {
    expect(() => mountsOf({ volumeMounts })).not.toThrow();
  },
);

test('they are kept of every container of a pod and of a template', () => {
  const spec = {
    initContainers: [{ name: 'init', ...at('/init') }],
    containers: [{ name: 'web', ...at('/web') }],
  };
  const mountsIn = ({ containers }: Pick<PodView | WorkloadView, 'containers'>) =>
    containers.map(({ name, mounts }) => [name, mounts]);
  const expected = [
    ['init', ['/init']],
    ['web', ['/web']],
  ];
  expect(mountsIn(decodeWorkload('Deployment', { spec: { template: { spec } } }))).toEqual(expected);
  expect(mountsIn(decodePod({ spec }))).toEqual([...expected].reverse());
});
