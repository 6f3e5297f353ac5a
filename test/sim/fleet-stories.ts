/** Stories of fleets in which some pods may fail: within the budget, beyond it, and put back one by one while others meddle. */
import type { UpgradeSpec } from '../../src/api/types.ts';
import type { Behaviour } from './behaviour.ts';
import { KINDS, type KindName, NEW, OLD, workloadOf } from './stories.ts';
import {
  afterSeconds,
  annotate,
  changeSpec,
  deleteUpgrade,
  phaseIs,
  type Step,
  type Story,
  scaleTo,
  target,
  wantImage,
} from './story.ts';
import type { World } from './world.ts';

export const ON_DELETE: readonly KindName[] = KINDS.filter((kind) => kind.endsWith(' OnDelete'));
const NODES = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'];
/** The last two are of another make. */
const ASIC: Readonly<Record<string, string>> = { 'node-4': 'td3', 'node-5': 'td3' };

/** Exits 17 at once where `isBad`; a rule says that 17 is final. */
const failsWhere = (isBad: (node: string) => boolean): Behaviour => ({
  answer: ({ node }) => (isBad(node) ? { code: 17, output: 'asic not supported' } : 0),
});
const on = (...nodes: string[]): Behaviour => failsWhere((node) => nodes.includes(node));

const FINAL = {
  checks: [
    {
      name: 'readiness-probe',
      exec: { command: ['/usr/bin/readiness_probe.sh'] },
      exitCodes: [{ codes: '17', class: 'Fail' as const, reason: 'AsicUnsupported' }],
    },
  ],
};

interface Fleet {
  readonly name: string;
  readonly kind: KindName;
  readonly behaviour: Behaviour;
  readonly maxFailed: number | string;
  readonly scope?: UpgradeSpec['fallback']['scope'];
  readonly strategy?: Partial<UpgradeSpec['strategy']>;
  readonly more?: Partial<Story>;
}

function fleet({ name, kind, behaviour, maxFailed, scope = 'All', strategy, more = {} }: Fleet): Story {
  return {
    name: `${name}, ${kind}`,
    workload: { ...workloadOf(kind), replicas: 5 },
    images: { [NEW]: behaviour },
    nodes: NODES,
    arrange: (world) => {
      for (const name of NODES) {
        const node = world.node(name);
        const labels = { ...node?.labels, asic: ASIC[name] ?? 'th4' };
        world.state.put('Node', { name, resourceVersion: '', ready: true, labels });
      }
    },
    ...more,
    spec: {
      containers: [{ name: 'web', image: NEW }],
      postCheck: FINAL,
      strategy: { failureBudget: { maxFailed }, explainBy: ['asic'], ...strategy },
      fallback: { scope },
      ...more.spec,
    },
  };
}

/** One pod fails, and one may. */
export const withinBudget = (kind: KindName, more: Partial<Story> = {}): Story =>
  fleet({ name: 'within the budget', kind, behaviour: on('node-4'), maxFailed: 1, more });
/** The controller may miss one pod, so the one that failed does not hold it up. */
export function withinBudgetWithRoom(kind: 'Deployment' | 'DaemonSet'): Story {
  const story = withinBudget(kind);
  return { ...story, workload: { ...story.workload, maxUnavailable: 2 } };
}
/** The pod that failed takes the only room that the controller has. */
export const heldUpByFailed = (kind: KindName): Story =>
  withinBudget(kind, { name: `held up by a pod that failed, ${kind}` });
/** Kinds whose controller goes on by itself, and may miss one pod at most. */
export const HELD_UP: readonly KindName[] = KINDS.filter((kind) => !kind.endsWith(' OnDelete'));
export const beyondBudget = (kind: KindName): Story =>
  fleet({ name: 'beyond the budget', kind, behaviour: on('node-4', 'node-5'), maxFailed: 1 });
export const nowhereVerified = (kind: KindName): Story =>
  fleet({ name: 'verified nowhere', kind, behaviour: on(...NODES), maxFailed: '100%' });

/** Exactly the pods that failed go back. */
export const failedPods = (kind: KindName, more: Partial<Story> = {}): Story =>
  fleet({
    name: 'failed pods go back',
    kind,
    behaviour: on('node-4', 'node-5'),
    maxFailed: 2,
    scope: 'FailedPods',
    more,
  });
export const failedPod = (kind: KindName): Story =>
  fleet({
    name: 'one failed pod goes back',
    kind,
    behaviour: on('node-4'),
    maxFailed: 2,
    scope: 'FailedPods',
  });
/** A controller that is busy takes a while to see the template. */
export function failedPodSlowly(kind: KindName): Story {
  const story = failedPod(kind);
  return {
    ...story,
    name: `one failed pod goes back under a slow controller, ${kind}`,
    arrange: (world) => {
      story.arrange?.(world);
      world.controllers.syncAfterMs = 400;
    },
  };
}
export const failedPodsAtOnce = (kind: KindName): Story =>
  fleet({
    name: 'failed pods go back, three at once',
    kind,
    behaviour: on('node-4', 'node-5'),
    maxFailed: '40%',
    scope: 'FailedPods',
    strategy: { maxParallel: 3 },
    more: { losesPods: true },
  });
export const failedPodsBeyond = (kind: KindName): Story =>
  fleet({
    name: 'more than may go back',
    kind,
    behaviour: on('node-1', 'node-4', 'node-5'),
    maxFailed: 2,
    scope: 'FailedPods',
  });
/** Stage by stage: the nodes of the other make come last, and both fail. */
export const failedPodsInStages = (): Story =>
  fleet({
    name: 'failed pods in the last stage',
    kind: 'DaemonSet OnDelete',
    behaviour: on('node-4', 'node-5'),
    maxFailed: 2,
    scope: 'FailedPods',
    strategy: { stages: [{ name: 'th4', nodes: { matchLabels: { asic: 'th4' } } }, { name: 'rest' }] },
    more: { losesPods: true },
  });

const isTurnedBack = (world: World): boolean => world.upgrade()?.status?.turnedBack?.rolledAt !== undefined;
const isTurning = (world: World): boolean => world.upgrade()?.status?.turnedBack !== undefined;

/** Somebody does something while pods are put back. */
export const meddled = (
  what: string,
  kind: KindName,
  act: Step['act'],
  more: Partial<Story> = {},
): Story => ({
  ...failedPods(kind, { losesPods: true, minutes: 60 }),
  name: `${what} while pods are put back, ${kind}`,
  steps: [{ when: isTurnedBack, act }],
  ...more,
});

function endPod(world: World, isWanted: (image: string, node: string) => boolean): void {
  const pod = world
    .podsOf(target(world))
    .find(({ deleting, containers, node }) => !deleting && isWanted(containers[0]?.image ?? '', node));
  if (pod) {
    world.kubelet.terminate(pod);
  }
}

export const aborted = (kind: KindName): Story =>
  meddled('abort', kind, (world) => annotate(world, 'abort', 'now'));
export const withdrawn = (kind: KindName): Story =>
  meddled('the Upgrade is deleted', kind, (world) => deleteUpgrade(world));
export const overtaken = (kind: KindName): Story =>
  meddled('another image', kind, (world) => wantImage(world, 'registry.example/web:3.0'));
export const takenBack = (kind: KindName): Story =>
  meddled('the old image', kind, (world) => wantImage(world, OLD));
export const paused = (kind: KindName): Story =>
  meddled('pause', kind, (world) => changeSpec(world, { paused: true }), {
    steps: [
      { when: isTurnedBack, act: (world) => changeSpec(world, { paused: true }) },
      { when: afterSeconds(120), act: (world) => changeSpec(world, { paused: false }) },
    ],
  });
/** A verified pod goes: with the template turned back the old version comes, and is replaced in its turn. */
export const podDeleted = (kind: KindName): Story =>
  meddled('a verified pod is deleted', kind, (world) => endPod(world, (image) => image === NEW));
export const oldPodDeleted = (kind: KindName): Story =>
  meddled('a pod of before is deleted', kind, (world) => endPod(world, (image) => image === OLD));
export const failedPodDeleted = (kind: KindName): Story => ({
  ...meddled('the pod that failed is deleted', kind, () => {}),
  steps: [
    { when: isTurning, act: (world) => endPod(world, (image, node) => image === NEW && node === 'node-4') },
  ],
});
export const scaled = (): Story =>
  meddled('scaled up', 'StatefulSet OnDelete', (world) => void scaleTo(world, 7));
export const nodeAdded = (): Story =>
  meddled('a node is added', 'DaemonSet OnDelete', (world) => world.addNodes('node-6'));
export const imageSet = (kind: KindName): Story =>
  meddled(
    'somebody sets an image',
    kind,
    (world) => void world.setImages(target(world), { web: 'registry.example/web:hotfix' }, 'kubectl-edit'),
  );
export const restarted = (kind: KindName): Story =>
  meddled('the template is changed', kind, (world) => {
    world.model(target(world)).stamp = 'restarted';
    world.changeSpec(target(world), {});
  });
export const nodeLost = (): Story =>
  meddled('a node is lost', 'DaemonSet OnDelete', (world) => world.setNodeReady('node-4', false), {
    steps: [
      { when: isTurning, act: (world) => world.setNodeReady('node-4', false) },
      { when: afterSeconds(1500), act: (world) => world.setNodeReady('node-4', true) },
    ],
    minutes: 90,
  });

// After the end.

export const retried = (kind: KindName, isMended: boolean): Story => ({
  ...failedPods(kind),
  name: `retried ${isMended ? 'when it is mended' : 'in vain'}, ${kind}`,
  losesPods: true,
  minutes: 60,
  steps: [
    {
      when: phaseIs('Partial'),
      act: (world) => {
        if (isMended) {
          world.images[NEW] = {};
        }
        annotate(world, 'retry', 'again');
      },
    },
  ],
});
/** The node of a pod that went back starts anew. */
export const madeAnew = (kind: KindName, isMended: boolean): Story => ({
  ...failedPods(kind),
  name: `made anew ${isMended ? 'when it is mended' : 'in vain'}, ${kind}`,
  losesPods: true,
  minutes: 60,
  steps: [
    {
      when: phaseIs('Partial'),
      act: (world) => {
        if (isMended) {
          world.images[NEW] = {};
        }
        endPod(world, (image) => image === OLD);
      },
    },
    ...(isMended
      ? [{ when: afterSeconds(60), act: (world: World) => endPod(world, (image) => image === OLD) }]
      : []),
  ],
});
/** A pod that was verified is made anew after the end, and the version does not work there any more. */
export const failsAfterTheEnd = (kind: KindName): Story => ({
  ...failedPods(kind),
  name: `fails after the end, ${kind}`,
  losesPods: true,
  minutes: 60,
  steps: [
    {
      when: phaseIs('Partial'),
      act: (world) => {
        world.images[NEW] = on(...NODES);
        endPod(world, (image) => image === NEW);
      },
    },
  ],
});
export const abortedAfter = (kind: KindName): Story => ({
  ...failedPods(kind),
  name: `aborted after Partial, ${kind}`,
  losesPods: true,
  minutes: 60,
  steps: [{ when: phaseIs('Partial'), act: (world) => annotate(world, 'abort', 'after all') }],
});

export const FLEET_STORIES: readonly Story[] = [
  ...ON_DELETE.flatMap((kind) => [
    ...[withinBudget, beyondBudget, nowhereVerified, failedPod, failedPodSlowly, failedPods, failedPodsAtOnce, failedPodsBeyond].map((tell) => tell(kind)),
    ...[aborted, withdrawn, overtaken, takenBack, paused, podDeleted, oldPodDeleted, failedPodDeleted, imageSet, restarted].map((tell) => tell(kind)),
    ...[true, false].flatMap((isMended) => [retried(kind, isMended), madeAnew(kind, isMended)]),
    failsAfterTheEnd(kind), abortedAfter(kind),
  ]),
  withinBudgetWithRoom('Deployment'), withinBudgetWithRoom('DaemonSet'), ...HELD_UP.map(heldUpByFailed), failedPodsInStages(), scaled(), nodeAdded(), nodeLost(),
]; // biome-ignore format: a list
