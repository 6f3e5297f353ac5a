import { expect, test } from '@jest/globals';
import type { Upgrade } from '../api/types.ts';
import type { NodeView, PodView, WorkloadView } from '../api/views.ts';
import type { WatchEvent, Watched, WatchedKind, Watcher } from './ports.ts';
import { Store } from './store.ts';

type Sinks = { [K in WatchedKind]?: (event: WatchEvent<Watched[K]>) => void };

/** A store whose watches say what the test says, and who it called concerned. */
function made(): {
  store: Store;
  say: <K extends WatchedKind>(kind: K, ...items: Watched[K][]) => void;
  node: (node: NodeView) => string[];
} {
  const sinks: Sinks = {};
  const watcher: Watcher = {
    watch: (kind, sink) => {
      Object.assign(sinks, { [kind]: sink });
    },
  };
  const store = new Store();
  let concerned: readonly string[] = [];
  store.watch(watcher, {
    upgradesChanged: (keys) => {
      concerned = keys;
    },
    podChanged: () => {},
    upgradeChanged: () => {},
  });
  return {
    store,
    say: (kind, ...items) => sinks[kind]?.({ type: 'synced', items, resourceVersion: '100' }),
    node: (object) => {
      sinks.Node?.({ type: 'upsert', object });
      return [...concerned];
    },
  };
}

const upgrade = (name: string, ended: boolean): Upgrade =>
  ({
    metadata: { namespace: 'shop', name, resourceVersion: '1' },
    spec: { targetRef: { kind: 'DaemonSet', name } },
    status: { attempt: ended ? { end: {} } : {}, pods: [] },
  }) as unknown as Upgrade;
const set = (name: string) =>
  ({ kind: 'DaemonSet', namespace: 'shop', name, uid: `set-${name}`, resourceVersion: '1' }) as WorkloadView;
const pod = (name: string, node: string) =>
  ({
    uid: `${name}-${node}`,
    node,
    resourceVersion: '1',
    owner: { kind: 'DaemonSet', name, uid: `set-${name}` },
  }) as PodView;

test('a node concerns the running attempts that have a pod on it, also one that their status does not show', () => {
  const { say, node } = made();
  say('DaemonSet', set('web'), set('log'), set('old'));
  say('Upgrade', upgrade('web', false), upgrade('log', false), upgrade('old', true));
  say('Pod', pod('web', 'node-1'), pod('web', 'node-2'), pod('log', 'node-2'), pod('old', 'node-1'));
  expect(node({ name: 'node-1', ready: false, resourceVersion: '101' })).toEqual(['shop/web']);
  expect(node({ name: 'node-2', ready: true, resourceVersion: '102' })).toEqual(['shop/web', 'shop/log']);
  expect(node({ name: 'node-3', ready: true, resourceVersion: '103' })).toEqual([]);
});

test('nothing is decided before the nodes are known: those that are lost when an attempt starts are left out of it', () => {
  const { store, say } = made();
  for (const kind of [
    'Upgrade',
    'Deployment',
    'StatefulSet',
    'DaemonSet',
    'ReplicaSet',
    'ControllerRevision',
    'Pod',
  ] as const) {
    say(kind);
  }
  expect(store.synced).toBe(false);
  say('Node');
  expect(store.synced).toBe(true);
});
