/** (d) One DaemonSet with OnDelete in four stages by node label, and a watch that sees each pod: never more undecided than allowed, never beyond the stage. */
import { VERIFIED } from '../../../src/api/names.ts';
import type { Json } from '../../fault/admin-client.ts';
import type { Part } from '../harness.ts';
import { type Fleet, IMAGE, inParallel, until } from './fleet.ts';

const NAMESPACE = 'staged';
const PATH = `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets/agent`;
const UPGRADES = `/apis/postcheck.dev/v1alpha1/namespaces/${NAMESPACE}/upgrades`;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const LIMIT_MS = 10 * 60_000;
const RING = 'example.com/ring';
const NODES = 100;
const MOST = 4;
/** Nodes of each ring, in the order of the stages. */
const RINGS = { lab: 2, canary: 8, early: 30, rest: 60 } as const;
type Ring = keyof typeof RINGS;
const ORDER = Object.keys(RINGS) as Ring[];

const FIGURES = {
  seconds: { name: `(d) ${NODES} pods in four stages by node label: verified`, unit: 's' },
  undecided: { name: '(d) the most pods undecided at once', unit: '', aim: `≤ ${MOST}` },
  beyond: { name: '(d) pods that were replaced before their stage had begun', unit: '', aim: '0' },
  boundary: { name: '(d) the longest time between two stages', unit: 's', aim: '≤ 1' },
} as const;

/** By the number of the node. */
const RINGED = ORDER.flatMap((ring): Ring[] => Array(RINGS[ring]).fill(ring));

/** What the watch has seen. */
class Watched {
  readonly #pods = new Map<string, Json>();
  /** When each new pod was made, and on which node. */
  readonly #made = new Map<string, { readonly node: string; readonly at: number }>();
  mostUndecided = 0;

  readonly see = (type: string, pod: Json): void => {
    if (!pod) {
      return;
    }
    const { uid, creationTimestamp, deletionTimestamp } = pod.metadata;
    if (isNew(pod)) {
      this.#made.set(uid, { node: pod.spec.nodeName ?? '', at: Date.parse(creationTimestamp) });
    }
    if (type === 'DELETED' || deletionTimestamp) {
      this.#pods.delete(uid);
    } else {
      this.#pods.set(uid, pod);
    }
    const undecided = [...this.#pods.values()].filter((one) => isNew(one) && !isVerified(one)).length;
    this.mostUndecided = Math.max(this.mostUndecided, undecided);
  };

  /** New pods that were made before their node's stage began; times of creation are whole seconds. */
  beyond(rings: ReadonlyMap<string, Ring>, stages: readonly Json[]): number {
    return [...this.#made.values()].filter(({ node, at }) => {
      const { startedAt } = stages[ORDER.indexOf(rings.get(node) ?? 'rest')];
      return at + 1000 <= Date.parse(startedAt);
    }).length;
  }
}

const isNew = (pod: Json): boolean => pod.spec.containers[0].image === IMAGE('v2');
const isVerified = ({ status }: Json): boolean =>
  status.conditions?.some((one: Json) => one.type === VERIFIED && one.status === 'True') === true;

/** From the end of each stage to the beginning of the next, as the status has them. */
const longestBoundary = (stages: readonly Json[]): number =>
  Math.max(
    ...stages
      .slice(1)
      .map(({ startedAt }, index) => (Date.parse(startedAt) - Date.parse(stages[index].finishedAt)) / 1000),
  );

export const stagedPart = (fleet: () => Fleet): Part<keyof typeof FIGURES> => ({
  name: `${NODES} pods in four stages`,
  figures: FIGURES,
  needs: [],
  limitMs: 2 * LIMIT_MS,
  measure: async (sheet, signal) => {
    const { rest } = fleet();
    await fleet().nodes(NODES, 'first');
    const rings = new Map(RINGED.map((ring, index) => [`n-${index}`, ring] as const));
    await inParallel([...rings], ([name, ring]) =>
      rest.patch(`/api/v1/nodes/${name}`, { metadata: { labels: { [RING]: ring } } }),
    );
    await fleet().namespace(NAMESPACE);
    await rest.create(PATH.slice(0, PATH.lastIndexOf('/')), DAEMON_SET);
    const isOut = async (): Promise<boolean> => {
      const { status } = await rest.get(PATH);
      return status.numberAvailable === NODES && status.desiredNumberScheduled === NODES;
    };
    await until(isOut, LIMIT_MS, 'the first pods');
    const watched = new Watched();
    void rest.follow(PODS, signal, watched.see);
    const began = performance.now();
    await rest.create(UPGRADES, UPGRADE);
    const status = async (): Promise<Json> => (await rest.get(`${UPGRADES}/agent`)).status;
    await until(async () => (await status())?.phase === 'Succeeded', LIMIT_MS, 'the Upgrade to succeed');
    sheet.note('seconds', (performance.now() - began) / 1000);
    sheet.note('undecided', watched.mostUndecided);
    const { stages } = await status();
    const beyond = watched.beyond(rings, stages);
    sheet.note('beyond', beyond);
    sheet.note('boundary', longestBoundary(stages));
    if (watched.mostUndecided > MOST || beyond > 0) {
      throw new Error(`${watched.mostUndecided} pods were undecided at once, ${beyond} beyond their stage`);
    }
  },
  clear: async () => {
    const { rest } = fleet();
    const path = `/api/v1/namespaces/${NAMESPACE}`;
    await rest.remove(path);
    await until(async () => (await rest.find(path)) === undefined, LIMIT_MS, 'the namespace to go');
  },
});

const DAEMON_SET = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent' },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    updateStrategy: { type: 'OnDelete' },
    template: {
      metadata: { labels: { app: 'agent' } },
      spec: {
        nodeSelector: { group: 'first' },
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'agent', image: IMAGE('v1') }],
      },
    },
  },
};

const UPGRADE = {
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  metadata: { name: 'agent' },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent' },
    containers: [{ name: 'agent', image: IMAGE('v2') }],
    strategy: {
      maxParallel: MOST,
      stages: [
        ...ORDER.slice(0, -1).map((ring) => ({ name: ring, nodes: { matchLabels: { [RING]: ring } } })),
        { name: 'rest' },
      ],
    },
    postCheck: { checks: [{ name: 'true', exec: { command: ['/bin/true'] } }] },
  },
};
