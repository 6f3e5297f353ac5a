/** The reference stories. Each is told for one kind of workload; most exist for all. */

import { VERIFIED } from '../../src/api/names.ts';
import type { Attempt, Phase, Upgrade, UpgradeStatus } from '../../src/api/types.ts';
import type { PodView, WorkloadKind } from '../../src/api/views.ts';
import { type Behaviour, exits, exitsFirst } from './behaviour.ts';
import { isReady } from './controllers.ts';
import {
  addUpgrade,
  afterSeconds,
  annotate,
  asked,
  changeSpec,
  deleteUpgrade,
  phaseIs,
  type Story,
  scaleTo,
  specOf,
  target,
  wantImage,
} from './story.ts';
import type { WorkloadSpec, World } from './world.ts';

export type KindName =
  | 'Deployment'
  | 'StatefulSet'
  | 'StatefulSet Parallel'
  | 'StatefulSet OnDelete'
  | 'DaemonSet'
  | 'DaemonSet OnDelete';
export const isOnDelete = (kind: KindName): boolean => kind.endsWith(' OnDelete');

export const KINDS: readonly KindName[] = [
  'Deployment',
  'StatefulSet',
  'StatefulSet Parallel',
  'StatefulSet OnDelete',
  'DaemonSet',
  'DaemonSet OnDelete',
];

export const OLD = 'registry.example/web:1.0';
export const NEW = 'registry.example/web:2.0';

export function workloadOf(name: KindName): WorkloadSpec {
  const [kind, variant] = name.split(' ') as [WorkloadKind, string | undefined];
  const common = { kind, name: 'web', images: { web: OLD }, replicas: 3 };
  return { ...common, ordered: variant !== 'Parallel', onDelete: variant === 'OnDelete' };
}

export const told = (
  name: string,
  kind: KindName,
  behaviour: Behaviour,
  more: Partial<Story> = {},
): Story => ({
  name: `${name}, ${kind}`,
  workload: workloadOf(kind),
  images: { [NEW]: behaviour },
  ...more,
  spec: { containers: [{ name: 'web', image: NEW }], ...more.spec },
});

export const good = (kind: KindName): Story => told('good', kind, {});
export const retryThenGood = (kind: KindName): Story => told('retry-then-good', kind, exitsFirst(3, 2));
/** A rule says that 17 is final. */
export const bad = (kind: KindName): Story =>
  told('bad', kind, exits(17, 'schema too old'), {
    spec: {
      postCheck: {
        checks: [
          {
            name: 'readiness-probe',
            exec: { command: ['/usr/bin/readiness_probe.sh'] },
            exitCodes: [
              {
                codes: '17',
                class: 'Fail',
                reason: 'SchemaTooOld',
                message: 'the database schema is too old',
              },
            ],
          },
        ],
      },
    },
  });
export const deadline = (kind: KindName): Story =>
  told('deadline', kind, exits(17), { spec: { postCheck: { deadlineSeconds: 60 } } });

/** The four stories that every crash point is swept over. */
export const swept = (kind: KindName): readonly Story[] => [
  good(kind),
  retryThenGood(kind),
  bad(kind),
  deadline(kind),
];

const READINESS_CHECK = { name: 'readiness-probe', exec: { command: ['/usr/bin/readiness_probe.sh'] } };
const SHORT = { postCheck: { deadlineSeconds: 60 } };
export const NEWER = 'registry.example/web:3.0';
const BROKEN = 'registry.example/web:1.5';

// Ways in which a version is bad.

export const neverReady = (kind: KindName): Story =>
  told('never ready', kind, { readyAfterMs: false }, { spec: SHORT });
export const crashLoop = (kind: KindName): Story =>
  told('crash loop', kind, { start: 'crashes', crashCode: 3 });
export const cannotBePulled = (kind: KindName): Story =>
  told('image that cannot be pulled', kind, { start: 'pullFails' });
export const commandMissing = (kind: KindName): Story =>
  told('command missing', kind, { answer: () => 'missing' });
export const hang = (kind: KindName): Story => told('hang', kind, { answer: () => 'hang' }, { spec: SHORT });
export const diesUnderTheCheck = (kind: KindName): Story =>
  told('container dies under the check', kind, { answer: () => 'dies' });
export const threeInARow = (kind: KindName): Story =>
  told('failure threshold', kind, exits(5), { spec: { postCheck: { failureThreshold: 3 } } });
/** The second pod is the bad one. */
export const secondIsBad = (kind: KindName): Story => ({
  ...bad(kind),
  name: `second pod is bad, ${kind}`,
  images: { [NEW]: { answer: ({ index }) => (index === 2 ? 17 : 0) } },
});
/** What ran before is no better any more. */
export const fallbackFailsToo = (kind: KindName): Story => ({
  ...bad(kind),
  name: `fallback fails too, ${kind}`,
  images: { [NEW]: exits(17), [OLD]: exits(17) },
});
export function unverified(kind: KindName): Story {
  const story = bad(kind);
  return {
    ...story,
    name: `fallback without verification, ${kind}`,
    spec: { ...story.spec, fallback: { verify: false } },
  };
}
export function withFallback(action: 'Pause' | 'None', kind: KindName): Story {
  const story = bad(kind);
  return {
    ...story,
    name: `fallback action ${action}, ${kind}`,
    spec: { ...story.spec, fallback: { action } },
  };
}

// Ways in which nothing can be said.

export const cannotBeAsked = (onInconclusive: 'Wait' | 'Fallback', kind: KindName): Story =>
  told(
    `cannot be asked, ${onInconclusive}`,
    kind,
    { answer: () => 'broken' },
    { spec: { postCheck: { deadlineSeconds: 60, onInconclusive } } },
  );
/** A volume of it cannot be mounted: it stays ContainerCreating. */
export const cannotBeMounted = (onInconclusive: 'Wait' | 'Fallback', kind: KindName): Story =>
  told(
    `cannot be mounted, ${onInconclusive}`,
    kind,
    { start: 'mountFails' },
    { spec: { postCheck: { deadlineSeconds: 60, onInconclusive } } },
  );
/** An admission policy refuses its pods, which the controller says in an event alone. */
export const podsRefused = (kind: KindName): Story => ({
  ...told('pods refused', kind, {}, { spec: { ...SHORT, progressDeadlineSeconds: 120 } }),
  arrange: (world) => {
    world.refusesPod = (image) => (image === NEW ? 'image is not signed' : undefined);
  },
});
export const answersAtLast = (kind: KindName): Story =>
  told('answers at last', kind, { answer: ({ ageMs }) => (ageMs < 90_000 ? 'broken' : 0) }, { spec: SHORT });
export const everythingSkipped = (kind: KindName): Story =>
  told('everything skipped', kind, exits(3), {
    spec: {
      postCheck: {
        checks: [
          {
            ...READINESS_CHECK,
            exitCodes: [{ codes: '3', class: 'Skip', reason: 'NothingToCheck', message: '' }],
          },
        ],
      },
    },
  });
export const readinessOnly = (kind: KindName): Story =>
  told('readiness only', kind, {}, { spec: { postCheck: { checks: [] } } });
export const noReplicasAtFirst = (behaviour: Behaviour): Story => ({
  ...told('no replicas at first', 'Deployment', behaviour, { spec: SHORT }),
  workload: { ...workloadOf('Deployment'), replicas: 0 },
  losesPods: true,
  minutes: 60,
  steps: [
    { when: (world) => world.upgrade()?.status?.counts?.desired === 0, act: () => {} },
    { when: afterSeconds(1200), act: (world) => void scaleTo(world, 2) },
  ],
});
export const noReplicas: Story = {
  ...good('Deployment'),
  name: 'no replicas',
  workload: { ...workloadOf('Deployment'), replicas: 0 },
};

/** A valid name of a container, and one that every JavaScript object answers to. */
export function oddlyNamed(kind: KindName): Story {
  const story = bad(kind);
  return {
    ...story,
    name: `container named constructor, ${kind}`,
    workload: { ...workloadOf(kind), images: { web: OLD, constructor: 'registry.example/proxy:1' } },
  };
}

// The answer belongs to the question.

const asking = (path: string, codes = '99'): Story['spec'] => ({
  containers: [{ name: 'web', image: NEW }],
  postCheck: {
    deadlineSeconds: 60,
    checks: [
      {
        name: 'readiness-probe',
        exec: { command: [path] },
        exitCodes: [{ codes, class: 'Fail', reason: 'SchemaTooOld', message: '' }],
      },
    ],
  },
});
/** Deletes the Upgrade and makes it again, as `kubectl replace --force` and a GitOps tool's prune and apply do. */
const replaceUpgrade =
  (spec: Story['spec']) =>
  (world: World): void => {
    const { kind, name } = target(world);
    deleteUpgrade(world);
    addUpgrade(world, 'web', specOf({ workload: { kind, name, images: {} }, spec }));
  };
/** After its success; the check that the new one has is failed by what runs. */
export const replacedByAnother = (kind: KindName): Story => ({
  ...told('made again with another check', kind, { answer: ({ path }) => (path === '/other' ? 17 : 0) }),
  steps: [{ when: phaseIs('Succeeded'), act: replaceUpgrade(asking('/other', '17')) }],
});
export const checkChangedAfterSuccess = (kind: KindName): Story => ({
  ...good(kind),
  name: `check changed after the success, ${kind}`,
  steps: [
    {
      when: phaseIs('Succeeded'),
      act: (world) => {
        const { postCheck } = world.upgrade()?.spec ?? specOf(good(kind));
        changeSpec(world, { postCheck: { ...postCheck, checks: [] } });
      },
    },
  ],
});
/** The first pod has passed; then the check becomes one that the version fails. */
export const checkChangedMeanwhile = (kind: KindName): Story => ({
  ...told(
    'check changed in the middle',
    kind,
    { answer: ({ path }) => (path === '/other' ? 17 : 0) },
    {
      spec: asking('/usr/bin/readiness_probe.sh'),
    },
  ),
  steps: [
    {
      when: (world) => (world.upgrade()?.status?.counts?.passed ?? 0) >= 1,
      act: (world) =>
        changeSpec(world, {
          postCheck: specOf({ workload: workloadOf(kind), spec: asking('/other', '17') }).postCheck,
        }),
    },
  ],
});

// Text that is cut in the middle of a character.

const EMOJI = `a${'😀'.repeat(255)}`;
/** Of a message and of a token. */
export const oddText = (kind: KindName): Story => ({
  ...told('emoji all over', kind, exits(17), {
    spec: {
      postCheck: {
        deadlineSeconds: 60,
        checks: [
          {
            ...READINESS_CHECK,
            exitCodes: [{ codes: '17', class: 'Retry', reason: 'NotYet', message: EMOJI }],
          },
        ],
      },
    },
  }),
  steps: [{ when: phaseIs('FellBack'), act: (world) => annotate(world, 'abort', EMOJI) }],
});

// Writes that come to nothing.

/** The CRD is an older one, and knows nothing of a field. */
export const prunedStatus = (kind: KindName): Story => ({
  ...good(kind),
  name: `a field of the status is pruned, ${kind}`,
  arrange: (world) => {
    world.storesStatus = ({ summary: _, ...status }) => status;
  },
});
/** The API server takes no status that shows pods. */
export const refusedStatus = (kind: KindName): Story => ({
  ...bad(kind),
  name: `a status is refused, ${kind}`,
  arrange: (world) => {
    world.refusesStatus = ({ pods = [] }) => pods.length > 0;
  },
});
/** A policy keeps the failed version where it is, until somebody changes that. */
export const fallbackSetBack = (kind: KindName): Story => ({
  ...bad(kind),
  name: `the fallback's image is set back, ${kind}`,
  arrange: (world) => {
    world.admission = (image, before) => (before === NEW ? NEW : image);
  },
  steps: [
    { when: phaseIs('FallingBack'), act: () => {} },
    {
      when: afterSeconds(600),
      act: (world) => {
        world.admission = (image) => image;
      },
    },
  ],
});
/** Aborted; while it falls back, somebody renames the container. */
export const renamedInFallback = (kind: KindName, to: string = NEW): Story => ({
  ...retryThenGood(kind),
  name: `renamed in the fallback, ${to}, ${kind}`,
  losesPods: true,
  steps: [
    { when: (world) => asked(world, NEW) >= 1, act: (world) => annotate(world, 'abort', 'now') },
    {
      when: phaseIs('FallingBack'),
      act: (world) => {
        const containers = target(world).containers.map((own) => ({ ...own, name: 'app', image: to }));
        world.changeSpec(target(world), { containers });
      },
    },
  ],
});
export const fieldsComeBack = (kind: KindName): Story => ({
  ...good(kind),
  name: `managed fields come back, ${kind}`,
  arrange: (world) => {
    world.keepsFields = true;
  },
});
/** Another controller takes every result off the pods again. */
export const resultsUndone = (kind: KindName): Story => ({
  ...good(kind),
  name: `results are taken off again, ${kind}`,
  losesPods: true,
  arrange: (world) =>
    void world.state.onChange(({ kind: changed, object }) => {
      const pod = object as PodView;
      if (changed !== 'Pod' || !pod.conditions[VERIFIED]) {
        return;
      }
      const { [VERIFIED]: _, ...conditions } = pod.conditions;
      world.clock.after(10, () => {
        const now = world.state.get('Pod', `${pod.namespace}/${pod.name}`);
        if (now?.uid === pod.uid && now.conditions[VERIFIED]) {
          world.state.put('Pod', { ...now, conditions });
        }
      });
    }),
});
/** One token after the other, as fast as they can be written. */
export const tokenStorm = (kind: KindName): Story => ({
  ...good(kind),
  name: `a storm of tokens, ${kind}`,
  steps: [
    { when: phaseIs('Succeeded'), act: () => {} },
    {
      when: afterSeconds(5),
      act: (world) => {
        for (let index = 0; index < 200; index++) {
          world.clock.after(20 * index, () => annotate(world, 'abort', `token-${index}`));
        }
      },
    },
  ],
});

// Admission that rewrites the images of workloads.

const HUB_OLD = 'hub.example/web:1.0';
const HUB_NEW = 'hub.example/web:2.0';
const toMirror = (image: string): string => image.replace('hub.example/', 'registry.example/');
const toDigest = (image: string): string =>
  image.includes('@') ? image : `${image}@sha256:${'0'.repeat(64)}`;
/** Images are asked for by one registry and run from another. */
export const mirrored = (kind: KindName, behaviour: Behaviour = exits(17)): Story => ({
  ...told('images are mirrored', kind, behaviour, {
    arrange: (world) => {
      world.admission = toMirror;
    },
  }),
  spec: { ...bad(kind).spec, containers: [{ name: 'web', image: HUB_NEW }] },
});
export const mirroredAndRetried = (kind: KindName): Story => ({
  ...mirrored(kind, {}),
  name: `images are mirrored and the success is retried, ${kind}`,
  steps: [{ when: phaseIs('Succeeded'), act: (world) => annotate(world, 'retry', 'again-1') }],
});
/** What is asked for is what the mirror's image was made of: nothing to write. */
export const mirroredAlready = (kind: KindName): Story => ({
  ...mirrored(kind, {}),
  name: `images are mirrored and run already, ${kind}`,
  spec: { containers: [{ name: 'web', image: HUB_OLD }] },
});
/** The fallback's write is answered with another image too. */
export const pinned = (kind: KindName): Story => ({
  ...bad(kind),
  name: `images are pinned, ${kind}`,
  images: { [toDigest(NEW)]: exits(17) },
  arrange: (world) => {
    world.admission = toDigest;
  },
});
/** A policy sets the image of before again. */
export const setBack = (kind: KindName): Story => ({
  ...good(kind),
  name: `the image is set back, ${kind}`,
  arrange: (world) => {
    world.admission = (_image, before) => before;
  },
});
/** The operator writes; while it is away somebody adds a pod, which moves the generation as its write did. */
export const mirroredAndScaled = (kind: KindName): Story => ({
  ...mirrored(kind),
  name: `images are mirrored and the workload scaled, ${kind}`,
  losesPods: true,
  steps: [{ when: (world) => target(world).holdsOurFields, act: (world) => void scaleTo(world, 4) }],
});

// What runs already.

const running = (kind: KindName): WorkloadSpec => ({ ...workloadOf(kind), images: { web: NEW } });
export const adoptedGood = (kind: KindName): Story => ({
  ...good(kind),
  name: `adopted good, ${kind}`,
  workload: running(kind),
});
export const adoptedBad = (kind: KindName): Story => ({
  ...bad(kind),
  name: `adopted bad, ${kind}`,
  workload: running(kind),
});

/** Somebody rolled a version that never gets ready, and the Upgrade is to mend it: the last pod is in the way, until the user deletes it. */
export const brokenBefore = (kind: KindName): Story => ({
  ...told('broken before', kind, {}, { spec: { ...SHORT, progressDeadlineSeconds: 120 } }),
  images: { [BROKEN]: { readyAfterMs: false } },
  losesPods: true,
  arrange: (world) => {
    world.clock.after(4000, () => void world.setImages(target(world), { web: BROKEN }, 'kubectl'));
  },
  steps: [
    {
      when: phaseIs('Inconclusive'),
      act: (world) => {
        const inTheWay = world.pods().find((pod) => !isReady(pod));
        if (inTheWay) {
          world.kubelet.terminate(inTheWay);
        }
      },
    },
  ],
});

/** The version before never gets ready in the first pod, which its controller made anew. */
export const firstPodBroken = (kind: KindName): Story => ({
  ...told('first pod broken', kind, {}),
  images: { [BROKEN]: { readyAfterMs: false } },
  losesPods: true,
  arrange: (world) => {
    world.clock.after(4000, () => void world.setImages(target(world), { web: BROKEN }, 'kubectl'));
    world.clock.after(5000, () => {
      const [first] = [...world.pods()].sort((a, b) => (a.name < b.name ? -1 : 1));
      world.kubelet.terminate(first as PodView);
    });
  },
});

// What users and rivals do on the way.

export const superseded = (kind: KindName, by: Behaviour = {}): Story => ({
  ...retryThenGood(kind),
  name: `superseded, ${kind}`,
  images: { [NEW]: exits(2), [NEWER]: by },
  steps: [{ when: (world) => asked(world, NEW) >= 2, act: (world) => wantImage(world, NEWER) }],
});
export const supersededByWorse = (kind: KindName): Story => ({
  ...superseded(kind, { answer: () => 'missing' }),
  name: `superseded by a worse one, ${kind}`,
});
/** In the moment between the record of the second attempt and its image write. */
export function supersededAndScaled(kind: KindName): Story {
  const story = supersededByWorse(kind);
  return {
    ...story,
    name: `superseded and scaled, ${kind}`,
    losesPods: true,
    steps: [
      ...(story.steps ?? []),
      {
        when: (world) => world.upgrade()?.status?.attempt?.number === 2,
        act: (world) => void scaleTo(world, 4),
      },
    ],
  };
}
export const supersededInFallback = (kind: KindName): Story => ({
  ...bad(kind),
  name: `superseded during the fallback, ${kind}`,
  steps: [{ when: phaseIs('FallingBack'), act: (world) => wantImage(world, NEWER) }],
});
/** The second pod needs half a minute more after the pause, which was longer than its whole deadline. */
export const pausedAndResumed = (kind: KindName): Story => ({
  ...told(
    'paused and resumed',
    kind,
    // A controller that rolls by itself makes the second pod while paused; where pods are deleted by us, it comes after.
    { answer: ({ index, ageMs }) => (index === 2 && ageMs < (isOnDelete(kind) ? 30_000 : 930_000) ? 2 : 0) },
    { spec: SHORT },
  ),
  steps: [
    {
      when: (world) => (world.upgrade()?.status?.counts?.passed ?? 0) >= 1,
      act: (world) => changeSpec(world, { paused: true }),
    },
    { when: afterSeconds(900), act: (world) => changeSpec(world, { paused: false }) },
  ],
});
function reaching(phase: Phase, kind: KindName): Story {
  if (phase === 'PostChecking') {
    return lastIsSlow(kind);
  }
  if (phase === 'Inconclusive') {
    return cannotBeAsked('Wait', kind);
  }
  if (phase === 'Failed') {
    return withFallback('Pause', kind);
  }
  return phase === 'Succeeded' ? good(kind) : retryThenGood(kind);
}
export const abortedWhile = (phase: Phase, kind: KindName): Story => ({
  ...reaching(phase, kind),
  name: `aborted while ${phase}, ${kind}`,
  steps: [{ when: phaseIs(phase), act: (world) => annotate(world, 'abort', 'stop-1') }],
});
/** All pods exist, and the last one takes its time to pass. */
const lastIsSlow = (kind: KindName): Story =>
  told('last is slow', kind, { answer: ({ index, nth }) => (index === 3 && nth < 30 ? 2 : 0) });
export const retriedAfterFallback = (kind: KindName): Story => ({
  ...bad(kind),
  name: `retried after a fallback, ${kind}`,
  steps: [
    {
      when: phaseIs('FellBack'),
      act: (world) => {
        world.images[NEW] = {};
        annotate(world, 'retry', 'again-1');
      },
    },
  ],
});
/** A try of the first attempt is under way when the second begins; it says no, all later ones say yes. */
export function retriedWhileAsked(kind: KindName): Story {
  const late = { code: 17, afterMs: 9000 };
  const answer: Behaviour['answer'] = ({ index, ageMs }) =>
    index > 1 || ageMs > 75_000 ? 0 : ageMs < 62_000 ? 'broken' : late;
  const { spec } = bad(kind);
  return {
    ...told('retried while a try is under way', kind, { answer }),
    spec: { ...spec, postCheck: { ...spec.postCheck, deadlineSeconds: 60 } },
    steps: [
      { when: phaseIs('Inconclusive'), act: () => {} },
      { when: afterSeconds(11), act: (world) => annotate(world, 'retry', 'again-1') },
    ],
  };
}
export const retriedAfterSuccess = (kind: KindName): Story => ({
  ...good(kind),
  name: `retried after success, ${kind}`,
  steps: [{ when: phaseIs('Succeeded'), act: (world) => annotate(world, 'retry', 'again-1') }],
});
export const targetDeleted = (kind: KindName): Story => ({
  ...retryThenGood(kind),
  name: `target deleted, ${kind}`,
  steps: [{ when: phaseIs('Upgrading'), act: (world) => world.deleteWorkload(target(world)) }],
});
export const targetReplaced = (kind: KindName): Story => ({
  ...targetDeleted(kind),
  name: `target replaced, ${kind}`,
  losesPods: true,
  steps: [
    ...(targetDeleted(kind).steps ?? []),
    { when: afterSeconds(30), act: (world) => void world.addWorkload(workloadOf(kind)) },
  ],
});
export const upgradeDeleted = (kind: KindName): Story => ({
  ...told('Upgrade deleted', kind, exits(2)),
  steps: [{ when: (world) => asked(world, NEW) >= 2, act: (world) => deleteUpgrade(world) }],
});
const whileAsked = (kind: KindName, name: string, more: Partial<Story> = {}): Story => ({
  ...told(name, kind, exits(2), more),
  steps: [{ when: (world) => asked(world, NEW) >= 2, act: (world) => deleteUpgrade(world) }],
});
export const deletedWithActionNone = (kind: KindName): Story =>
  whileAsked(kind, 'Upgrade deleted, action None', { spec: { fallback: { action: 'None' } } });
/** It failed, and stands behind closed gates. */
export const deletedWhileHeld = (kind: KindName): Story => ({
  ...withFallback('Pause', kind),
  name: `Upgrade deleted while it holds a version, ${kind}`,
  steps: [{ when: phaseIs('Failed'), act: (world) => deleteUpgrade(world) }],
});
export const deletedWhilePaused = (kind: KindName): Story => ({
  ...told('Upgrade deleted while it is paused', kind, exits(2)),
  steps: [
    { when: (world) => asked(world, NEW) >= 2, act: (world) => changeSpec(world, { paused: true }) },
    { when: afterSeconds(30), act: (world) => deleteUpgrade(world) },
  ],
});
export const deletedInFallback = (kind: KindName): Story => ({
  ...bad(kind),
  name: `Upgrade deleted during the fallback, ${kind}`,
  steps: [{ when: phaseIs('FallingBack'), act: (world) => deleteUpgrade(world) }],
});
export const deletedAfterSuccess = (kind: KindName): Story => ({
  ...good(kind),
  name: `Upgrade deleted after the success, ${kind}`,
  steps: [
    { when: phaseIs('Succeeded'), act: () => {} },
    { when: afterSeconds(5), act: (world) => deleteUpgrade(world) },
  ],
});
/** Nothing of it rolls, and nothing can be verified. */
export const deletedWithPausedWorkload: Story = {
  ...whileAsked('Deployment', 'Upgrade deleted with a paused workload'),
  losesPods: true,
  steps: [
    {
      when: (world) => asked(world, NEW) >= 2,
      act: (world) => void world.changeSpec(target(world), { paused: true }),
    },
    { when: afterSeconds(10), act: (world) => deleteUpgrade(world) },
  ],
};
/** The whole namespace goes: the Upgrade first, then what it is about. */
export const deletedWithTarget = (kind: KindName): Story => ({
  ...whileAsked(kind, 'Upgrade deleted with its target'),
  losesPods: true,
  steps: [
    ...(whileAsked(kind, '').steps ?? []),
    { when: afterSeconds(1), act: (world) => world.deleteWorkload(target(world)) },
  ],
});
/** `kubectl replace --force`, and a GitOps tool that prunes and applies: it is made again as soon as it is gone. */
export const replacedMeanwhile = (kind: KindName): Story => ({
  ...whileAsked(kind, 'Upgrade replaced in the middle'),
  steps: [
    ...(whileAsked(kind, '').steps ?? []),
    {
      when: (world) => world.upgrade() === undefined,
      act: (world) => void addUpgrade(world, 'web', specOf(deadline(kind))),
    },
  ],
});
export const twoUpgrades: Story = {
  ...good('Deployment'),
  name: 'two Upgrades on one target',
  steps: [
    {
      when: afterSeconds(2),
      act: (world) =>
        void addUpgrade(
          world,
          'rival',
          specOf({
            workload: workloadOf('Deployment'),
            spec: { containers: [{ name: 'web', image: NEWER }] },
          }),
        ),
    },
  ],
};
/** The older one goes when its attempt has ended. */
export const claimGoesOver: Story = {
  ...twoUpgrades,
  name: 'the older of two Upgrades is deleted',
  steps: [...(twoUpgrades.steps ?? []), { when: phaseIs('Succeeded'), act: (world) => deleteUpgrade(world) }],
};
/** The second one comes in the same second, sorts before the first, and wants the same version: the first has begun, so it goes on to its end. */
export const sameSecond = (kind: KindName): Story => ({
  ...bad(kind),
  name: `an Upgrade from the same second with an earlier name, ${kind}`,
  spec: {
    ...bad(kind).spec,
    strategy: {
      stages: kind.startsWith('StatefulSet') ? [{ name: 'one', pods: 1, approval: 'Manual' }] : [],
    },
  },
  steps: [
    {
      when: (world) => target(world).containers[0]?.image === NEW,
      act: (world) => {
        const { metadata, spec } = world.upgrade() as Upgrade;
        const { strategy: _stages, ...rest } = spec;
        const rival = addUpgrade(world, 'a', specOf({ workload: workloadOf(kind), spec: rest }));
        const { creationTimestamp } = metadata;
        world.state.put('Upgrade', { ...rival, metadata: { ...rival.metadata, creationTimestamp } });
      },
    },
  ],
});
/** Both have an attempt under way, as after a restore from a backup: the second one took over from the first, and adopted its version. */
export const takenOver = (kind: KindName): Story => ({
  ...sameSecond(kind),
  name: `an attempt that another Upgrade took over, ${kind}`,
  steps: (sameSecond(kind).steps ?? []).map(({ act }) => ({
    when: (world) => world.upgrade()?.status?.attempt?.rolledAt !== undefined,
    act: (world) => {
      act(world);
      const status = world.upgrade()?.status as UpgradeStatus;
      const { held: _held, ...attempt } = status.attempt as Attempt;
      const startedAt = new Date(Date.parse(attempt.startedAt) + 100).toISOString();
      world.state.put('Upgrade', {
        ...(world.upgrade('a') as Upgrade),
        status: {
          ...status,
          from: { images: { web: NEW } },
          attempt: { ...attempt, startedAt, adopted: true, gating: false },
        },
      });
    },
  })),
});
/** Another controller's finalizer keeps the older one, which has ended. */
export const claimKeptByOthers: Story = {
  ...twoUpgrades,
  name: 'the older of two Upgrades is deleted, and kept by a finalizer of others',
  steps: [
    ...(twoUpgrades.steps ?? []),
    {
      when: phaseIs('Succeeded'),
      act: (world) => {
        const { metadata, ...rest } = world.upgrade() as Upgrade;
        world.state.put('Upgrade', {
          ...rest,
          metadata: { ...metadata, finalizers: ['example.com/backup'] },
        });
        deleteUpgrade(world);
      },
    },
  ],
};
/** Somebody restored the Upgrade without its status. */
export const statusLost = (kind: KindName): Story => ({
  ...retryThenGood(kind),
  name: `status lost, ${kind}`,
  steps: [
    {
      when: (world) => asked(world, NEW) >= 2,
      act: (world) => {
        const { metadata, spec } = world.upgrade() as Upgrade;
        world.state.put('Upgrade', { metadata, spec });
      },
    },
  ],
});
export const scaledToNothing = (behaviour: Behaviour = exits(2)): Story => ({
  ...told('scaled to nothing meanwhile', 'Deployment', behaviour, { spec: SHORT }),
  losesPods: true,
  steps: [
    {
      when: (world) => (world.upgrade()?.status?.counts?.updated ?? 0) >= 1,
      act: (world) => void scaleTo(world, 0),
    },
  ],
});
/** After longer than any deadline. */
export const scaledToNothingAndBack = (behaviour: Behaviour): Story => ({
  ...scaledToNothing(behaviour),
  name: 'scaled to nothing and back',
  minutes: 60,
  steps: [
    ...(scaledToNothing().steps ?? []),
    { when: afterSeconds(1200), act: (world) => void scaleTo(world, 2) },
  ],
});
export const scaledToNothingInFallback: Story = {
  ...bad('Deployment'),
  name: 'scaled to nothing during the fallback',
  losesPods: true,
  steps: [{ when: phaseIs('FallingBack'), act: (world) => void scaleTo(world, 0) }],
};
export const foreignChange = (kind: KindName): Story => ({
  ...retryThenGood(kind),
  name: `foreign change of the image, ${kind}`,
  steps: [
    {
      when: (world) => asked(world, NEW) >= 1,
      act: (world) =>
        void world.setImages(target(world), { web: 'registry.example/web:hotfix' }, 'kubectl-edit'),
    },
  ],
});
export const drifted: Story = {
  ...good('Deployment'),
  name: 'drifted after success',
  steps: [
    {
      when: phaseIs('Succeeded'),
      act: (world) =>
        void world.setImages(target(world), { web: 'registry.example/web:hotfix' }, 'kubectl-edit'),
    },
  ],
};
export const foreignTemplateChange = (kind: KindName): Story => ({
  ...retryThenGood(kind),
  name: `foreign change of the template, ${kind}`,
  steps: [
    {
      when: (world) => asked(world, NEW) >= 1,
      act: (world) => {
        world.model(target(world)).stamp = 'restarted';
        world.changeSpec(target(world), {});
      },
    },
  ],
});
export const foreignTemplateChangeOfABadOne = (kind: KindName): Story => ({
  ...deadline(kind),
  name: `foreign change of the template of a bad version, ${kind}`,
  steps: foreignTemplateChange(kind).steps ?? [],
});
export const scaledMeanwhile: Story = {
  ...good('Deployment'),
  name: 'scaled meanwhile',
  losesPods: true,
  steps: [
    { when: (world) => asked(world, NEW) >= 1, act: (world) => void scaleTo(world, 5) },
    { when: (world) => asked(world, NEW) >= 4, act: (world) => void scaleTo(world, 2) },
  ],
};
export const workloadPausedMeanwhile: Story = {
  ...good('Deployment'),
  name: 'workload paused meanwhile',
  steps: [
    {
      when: (world) => asked(world, NEW) >= 1,
      act: (world) => void world.changeSpec(target(world), { paused: true }),
    },
    { when: afterSeconds(900), act: (world) => void world.changeSpec(target(world), { paused: false }) },
  ],
};

// The gate.

export const gateOff = (kind: KindName): Story => ({
  ...good(kind),
  name: `gate Disabled, ${kind}`,
  spec: { ...good(kind).spec, gate: 'Disabled' },
});
export const noGatePolicy: Story = {
  ...good('Deployment'),
  name: 'gate policy not installed',
  gatePolicyInstalled: false,
};
export const gateRequired: Story = {
  ...noGatePolicy,
  name: 'gate required but not installed',
  spec: { ...noGatePolicy.spec, gate: 'Required' },
};
/** The policy is behind by so much that the first pod comes ungated. */
export const slippedPod = (gate: 'Auto' | 'Required'): Story => ({
  ...good('Deployment'),
  name: `a pod slips past the gate, ${gate}`,
  images: { [NEW]: { readyAfterMs: 3000 } },
  spec: { ...good('Deployment').spec, gate },
  arrange: (world) => {
    world.gatePolicy.lagMs = 1500;
  },
});

// Nodes.

export const nodeDownBefore: Story = {
  ...good('DaemonSet'),
  // With 1 the controller itself stands still: the pod that it cannot end on the lost node uses up maxUnavailable.
  workload: { ...workloadOf('DaemonSet'), maxUnavailable: 2 },
  name: 'node down before the start',
  losesPods: true,
  arrange: (world) => void world.clock.after(6000, () => world.setNodeReady('node-2', false)),
};
/** The node is lost with the first new pod on it, which has not passed yet. */
export const nodeDownMeanwhile: Story = {
  ...told('node down meanwhile', 'DaemonSet', exitsFirst(2, 2)),
  losesPods: true,
  minutes: 60,
  steps: [
    { when: (world) => asked(world, NEW) >= 1, act: () => {} },
    { when: afterSeconds(3), act: (world) => world.setNodeReady('node-1', false) },
    { when: afterSeconds(1200), act: (world) => world.setNodeReady('node-1', true) },
  ],
};
/** The node is lost with an old pod on it, which the controller can neither end nor replace. */
export const nodeDownAhead: Story = {
  ...nodeDownMeanwhile,
  name: 'node down ahead of the rollout',
  steps: [
    { when: (world) => asked(world, NEW) >= 2, act: (world) => world.setNodeReady('node-3', false) },
    { when: afterSeconds(2400), act: (world) => world.setNodeReady('node-3', true) },
  ],
};

/** Containers in several roles; the check runs in the upgraded ones. */
export const manyContainers: Story = {
  name: 'many containers',
  workload: {
    kind: 'Deployment',
    name: 'web',
    replicas: 2,
    images: {
      migrate: 'registry.example/migrate:1',
      proxy: 'registry.example/proxy:1',
      web: OLD,
      log: 'registry.example/log:1',
    },
    roles: { migrate: 'init', proxy: 'sidecar' },
  },
  images: {},
  spec: {
    containers: [
      { name: 'web', image: NEW },
      { name: 'proxy', image: 'registry.example/proxy:2' },
      { name: 'migrate', image: 'registry.example/migrate:2' },
    ],
  },
};

const kindly = [
  good, retryThenGood, bad, deadline, neverReady, crashLoop, cannotBePulled, commandMissing, hang, diesUnderTheCheck, threeInARow, secondIsBad,
  fallbackFailsToo, unverified, answersAtLast, everythingSkipped, readinessOnly, adoptedGood, adoptedBad, superseded, supersededByWorse,
  supersededInFallback, pausedAndResumed, retriedAfterFallback, retriedAfterSuccess, retriedWhileAsked, targetDeleted, targetReplaced, upgradeDeleted, foreignChange,
  foreignTemplateChange, foreignTemplateChangeOfABadOne, gateOff, oddlyNamed, oddText, mirroredAndRetried, mirroredAlready, pinned, setBack, mirroredAndScaled, replacedByAnother, checkChangedAfterSuccess, checkChangedMeanwhile,
]; // biome-ignore format: a list

/** Every story for every kind. */
export const STORIES: readonly Story[] = [
  ...KINDS.flatMap((kind) => [
    ...kindly.map((tell) => tell(kind)),
    withFallback('Pause', kind),
    withFallback('None', kind),
    cannotBeAsked('Wait', kind),
    cannotBeAsked('Fallback', kind),
    ...(['Pending', 'Upgrading', 'PostChecking', 'Inconclusive', 'Failed', 'Succeeded'] as const).map((phase) => abortedWhile(phase, kind)),
  ]),
  noReplicas, twoUpgrades, drifted, scaledMeanwhile, scaledToNothing(), scaledToNothingAndBack(exits(17)), scaledToNothingInFallback, noReplicasAtFirst({}), claimGoesOver, claimKeptByOthers, sameSecond('Deployment'), sameSecond('StatefulSet'), ...KINDS.map(statusLost), supersededAndScaled('Deployment'), workloadPausedMeanwhile, noGatePolicy, gateRequired, slippedPod('Auto'), slippedPod('Required'),
  nodeDownBefore, nodeDownMeanwhile, nodeDownAhead, manyContainers,
]; // biome-ignore format: a list

// In stages.

export const STAGED_KINDS: readonly KindName[] = KINDS.filter((kind) => kind !== 'DaemonSet');
const CANARY = { stages: [{ name: 'canary', pods: 1 }] };

/** One pod first, then the rest. */
export const staged = (kind: KindName, behaviour: Behaviour = {}, more: Partial<Story> = {}): Story =>
  told('staged', kind, behaviour, { ...more, spec: { strategy: CANARY, ...more.spec } });
/** The canary works, the second pod does not. */
export const badInRest = (kind: KindName): Story => ({
  ...bad(kind),
  name: `bad in the second stage, ${kind}`,
  images: { [NEW]: { answer: ({ index }) => (index === 2 ? 17 : 0) } },
  spec: { ...bad(kind).spec, strategy: CANARY },
});
/** Works for a minute and fails while the canary soaks. */
export const badLate = (kind: KindName): Story => ({
  ...told('bad while it soaks', kind, { answer: ({ ageMs }) => (ageMs < 60_000 ? 0 : 17) }),
  spec: {
    containers: [{ name: 'web', image: NEW }],
    strategy: { stages: [{ name: 'canary', pods: 1, soakSeconds: 300 }] },
  },
});
export const approved = (kind: KindName, token: string, isEarly = false): Story => ({
  ...staged(kind),
  name: `approved with ${token}${isEarly ? ' early' : ''}, ${kind}`,
  spec: {
    containers: [{ name: 'web', image: NEW }],
    strategy: { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] },
  },
  steps: [
    {
      when: (world) => {
        const [canary] = world.upgrade()?.status?.stages ?? [];
        return isEarly ? canary?.state === 'Rolling' : canary?.state === 'AwaitingApproval';
      },
      act: (world) => annotate(world, 'approve', token),
    },
  ],
});

// In their time and order.

const MINUTES_OPEN = [
  { start: '00:01', durationSeconds: 60, timeZone: 'UTC' },
  { start: '00:05', durationSeconds: 600, timeZone: 'UTC' },
];
/** The canary begins in the first window; its soak outlasts it, so the rest waits for the second. */
export const windowed = (kind: KindName, behaviour: Behaviour = {}): Story =>
  told('windows', kind, behaviour, {
    minutes: 12,
    spec: {
      windows: MINUTES_OPEN,
      strategy: { stages: [{ name: 'canary', pods: 1, soakSeconds: 60 }] },
    },
  });
/** Fails while the rest waits for its window, which a fallback does not wait for. */
export const badInTheWait = (kind: KindName): Story => ({
  ...windowed(kind, { answer: ({ ageMs }) => (ageMs < 90_000 ? 0 : 17) }),
  name: `bad while a stage waits for its window, ${kind}`,
});
/** Promoted before it began: neither the windows nor the soak are waited for. */
export const promotedAtOnce = (kind: KindName): Story => ({
  ...windowed(kind),
  name: `promoted before its window, ${kind}`,
  steps: [
    {
      when: (world) => world.upgrade()?.status?.waiting !== undefined,
      act: (world) => annotate(world, 'promote', '1'),
    },
  ],
});

const DATABASE = 'registry.example/database:2.0';
/** Depends on another Upgrade, whose first image is bad: only when it was given a good one, and that is verified, this one begins. */
export const dependent = (kind: KindName): Story => ({
  ...told('depends on another', kind, {}, { spec: { dependsOn: [{ name: 'database' }] } }),
  images: { [BROKEN]: { start: 'crashes', crashCode: 3 } },
  arrange: (world) => {
    const workload: WorkloadSpec = { ...workloadOf('Deployment'), name: 'database' };
    world.addWorkload(workload);
    addUpgrade(
      world,
      'database',
      specOf({ workload, spec: { containers: [{ name: 'web', image: BROKEN }] } }),
    );
  },
  steps: [
    {
      when: (world) => world.upgrade('database')?.status?.phase === 'FellBack',
      act: (world) => changeSpec(world, { containers: [{ name: 'web', image: DATABASE }] }, 'database'),
    },
  ],
});

// By a check of the rollout.

const rateIs =
  (rate: (world: World) => number[]) =>
  (world: World): void => {
    world.prometheus = () => ({ kind: 'values', values: rate(world) });
  };
/** A canary that soaks for two minutes while Prometheus is asked. */
const measured = (name: string, kind: KindName, rate: (world: World) => number[]): Story => ({
  ...told(
    name,
    kind,
    {},
    {
      minutes: 20,
      spec: {
        postCheck: {
          periodSeconds: 3,
          rolloutChecks: [{ name: 'errors', query: 'errors{pod=~"{{newPods}}"}', passWhen: '< 0.05' }],
        },
        strategy: { stages: [{ name: 'canary', pods: 1, soakSeconds: 120 }] },
      },
    },
  ),
  arrange: rateIs(rate),
});
export const measuredGood = (kind: KindName): Story => measured('its errors are few', kind, () => [0.01]);
export const measuredBad = (kind: KindName): Story =>
  measured('its errors are many', kind, () => [0.01, 0.2]);
export const measuredBadLate = (kind: KindName): Story =>
  measured('its errors become many', kind, ({ clock }) => [
    clock.now() < Date.parse('2026-01-01T00:01:00Z') ? 0 : 1,
  ]);
export const measuredNothing = (kind: KindName): Story =>
  measured('nobody counts its errors', kind, () => []);

// What ran before.

const noScript = { answer: () => 'missing' as const };
/** An ordinary image: neither version has the script. */
export const neitherHasTheScript = (kind: KindName): Story => ({
  ...told('neither has the script', kind, noScript),
  images: { [OLD]: noScript, [NEW]: noScript },
  alsoPasses: ({ kind: answered }) => answered === 'missing',
});
/** The version before cannot be asked. */
export const baselineUnknown = (kind: KindName): Story => ({
  ...told('baseline unknown', kind, {}),
  images: { [OLD]: { answer: () => 'broken' as const } },
});
/** The version before fails the check. */
export const failsBefore = (
  kind: KindName,
  baseline: 'RequirePass' | 'None',
  steps: Story['steps'] = [],
): Story => ({
  ...told(`broken before, ${baseline}`, kind, {}, { spec: { preCheck: { baseline } } }),
  images: { [OLD]: { answer: () => 17 } },
  steps,
});
/** A person says that the new version is the cure. */
export const failsBeforeRetried = (kind: KindName): Story =>
  failsBefore(kind, 'RequirePass', [
    { when: phaseIs('Failed'), act: (world) => annotate(world, 'retry', 'the cure') },
  ]);
/** Somebody mends the version before, and then wants a newer one. */
export function failsBeforeMended(kind: KindName): Story {
  let mended = false;
  return {
    ...failsBefore(kind, 'RequirePass', [
      {
        when: phaseIs('Failed'),
        act: (world) => {
          mended = true;
          wantImage(world, NEWER);
        },
      },
    ]),
    arrange: () => {
      mended = false;
    },
    images: { [OLD]: { answer: () => (mended ? 0 : 17) } },
  };
}
