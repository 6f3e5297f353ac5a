/** What `check` says of operators that act in some namespaces only. */
import { expect, test } from '@jest/globals';
import { checkOperator } from '../src/check/operator.ts';
import type { Cluster } from '../src/cluster.ts';
import { Fault } from '../src/fault.ts';
import { fakeIo } from './io.ts';

/**
 * One Ready pod of an operator in each of these namespaces; its account has its permissions in the namespaces that it watches. Those in `bound` are
 * named by a ClusterRoleBinding; without any, these cannot be listed.
 */
async function found(
  namespace: string,
  watched: Readonly<Record<string, readonly string[]>>,
  bound: readonly string[] = Object.keys(watched),
): Promise<string[]> {
  const io = fakeIo();
  const pods = Object.entries(watched).map(([home, names]) => ({
    metadata: { name: 'postcheck-1', namespace: home },
    spec: {
      serviceAccountName: 'postcheck',
      containers: [{ args: names.length > 0 ? [`--watch-namespaces=${names.join(',')}`] : [] }],
    },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  }));
  const cluster = {
    namespace,
    list: async ({ plural }: { readonly plural: string }) => {
      if (plural === 'pods') {
        return pods;
      }
      if (bound.length === 0) {
        throw new Fault('forbidden');
      }
      return bound.map((home) => ({
        subjects: [{ kind: 'ServiceAccount', namespace: home, name: 'postcheck' }],
      }));
    },
    try: async (request: { readonly body?: { readonly spec?: { readonly user?: string } } }) => {
      const home = request.body?.spec?.user?.split(':')[2];
      const names = home === undefined ? [] : watched[home];
      const lease = { spec: { holderIdentity: 'postcheck-1', renewTime: new Date(io.now()).toISOString() } };
      const access = { status: { allowed: names?.length === 0 || names?.includes(namespace) } };
      return { ok: true, status: 200, body: home === undefined ? lease : access };
    },
  } as unknown as Cluster;
  return (await checkOperator(io, cluster, '0.1.0'))
    .filter(({ mark }) => mark !== 'ok')
    .map(({ mark, message }) => `${mark}: ${message}`);
}

test('two operators that act in different namespaces are well, seen from either', async () => {
  const releases = { one: ['shop', 'bank'], two: ['lab'] };
  expect(await found('shop', releases)).toEqual([]);
  expect(await found('lab', releases)).toEqual([]);
  expect(await found('shop', { one: [] })).toEqual([]);
});

test('says that no operator acts in this namespace, and where one does', async () => {
  expect(await found('default', { one: ['shop', 'bank'] })).toEqual([
    'warning: no operator acts on Upgrades in namespace default, only in shop, bank: add it to watchNamespaces of the chart, or choose a namespace with -n',
  ]);
});

test('says that two operators act in one namespace', async () => {
  expect(await found('shop', { one: [], two: ['shop'] })).toEqual([
    'failure: the operators in namespaces one and two act on the same Upgrades, those in namespace shop: set separate watchNamespaces',
  ]);
});

test('a pod of somebody else with the label of the operator is none of it', async () => {
  expect(await found('shop', { ops: [], evil: [] }, ['ops'])).toEqual([]);
  expect(await found('shop', { evil: [] }, ['ops'])).toEqual([
    'failure: no pod of the operator is running: nothing is upgraded, and no gate is opened',
  ]);
});

test('says that it cannot tell whose pods they are', async () => {
  expect(await found('shop', { ops: [], evil: [] }, [])).toEqual([
    'unknown: operator: pods in namespaces ops, evil have the label of the operator, and you cannot list its ClusterRoleBindings, which tell whose they are',
  ]);
  expect(await found('shop', { ops: [] }, [])).toEqual([]);
});
