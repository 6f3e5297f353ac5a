/**
 * A workload, its pods and an Upgrade as plain values, driven through the real decisions: what a user would read is taken from there and not written by hand.
 * Only what decisions look at is played; test/sim plays a whole cluster.
 */
import { Value } from 'typebox/value';
import { VERIFIED } from '../../src/api/names.ts';
import { SpecSchema } from '../../src/api/schema-spec.ts';
import type { Images, Upgrade, UpgradeSpec } from '../../src/api/types.ts';
import type { ConditionView, ContainerView, PodView, WorkloadView } from '../../src/api/views.ts';
import { decide, type Plan } from '../../src/core/decision/decide.ts';
import type { Action } from '../../src/core/plan.ts';
import { completeUpgrade, type Snapshot } from '../../src/core/snapshot.ts';
import { isFallingBack, verificationId } from '../../src/core/status.ts';
import type { TryOutcome } from '../../src/core/verification/exit-codes.ts';
import { addCycle, type PodRecord } from '../../src/core/verification/probe-cycle.ts';
import { expectedTries } from '../../src/core/verification/tries.ts';
import type { WorkloadChange } from './snapshots.ts';

export const OLD = 'registry.example/web:1.9';
export const NEW = 'registry.example/web:2.0';
const START = Date.parse('2026-01-01T03:00:00Z');

type Json = Record<string, unknown>;

const condition = (yes: boolean, since: number, reason = ''): ConditionView => ({
  status: yes ? 'True' : 'False',
  reason,
  message: '',
  since,
});

export class Stage {
  now = START;
  upgrade: Upgrade;
  workload: WorkloadView | undefined;
  pods: PodView[] = [];
  lostNodes: string[] = [];
  readonly records = new Map<string, PodRecord>();
  /** An admission policy sets the image of before again. */
  setsBack = false;
  /** What a scene wants the next decision to see besides. */
  also: Partial<Snapshot> = {};

  constructor(spec: Json = {}, workload: WorkloadChange = {}) {
    const filled = Value.Default(SpecSchema, {
      targetRef: { apiVersion: 'apps/v1', kind: workload.kind ?? 'Deployment', name: 'web' },
      containers: [{ name: 'web', image: NEW }],
      ...spec,
    });
    const at = { generation: 1, creationTimestamp: new Date(START).toISOString(), resourceVersion: '1' };
    this.upgrade = {
      metadata: { namespace: 'shop', name: 'web', uid: 'upgrade-1', ...at },
      spec: filled as UpgradeSpec,
    };
    this.workload = { ...WORKLOAD, ...workload } as WorkloadView;
    this.#roll(OLD);
  }

  /** What runs in the pods now. */
  get image(): string {
    return this.workload?.containers[0]?.image ?? '';
  }

  seconds(count: number): this {
    this.now += count * 1000;
    return this;
  }

  decide(): Plan {
    const plan = decide({
      now: this.now,
      upgrade: completeUpgrade(this.upgrade),
      ...(this.workload ? { workload: this.workload, updateRevision: revisionOf(this.image) } : {}),
      pods: this.pods,
      nodeReady: (node) => !this.lostNodes.includes(node),
      records: this.records,
      waitingSince: new Map(this.pods.map(({ uid }) => [`${uid}/web`, { reason: '', since: START }])),
      gateCarrier: 'Policy',
      ...this.also,
    });
    // The version before gives no answer here, which holds nothing up; unless the scene is about it.
    const isAsked = this.upgrade.spec.preCheck?.baseline === 'RequirePass';
    const from = plan.status.from && { ...(isAsked ? {} : { baseline: [] }), ...plan.status.from };
    this.upgrade = { ...this.upgrade, status: { ...plan.status, from } };
    return plan;
  }

  /** Decides, stores and acts until nothing more happens without time or evidence. */
  settle(): Plan {
    for (let turn = 0; turn < 20; turn++) {
      const plan = this.decide();
      if (
        !plan.intent &&
        plan.action.kind === 'none' &&
        (plan.state !== 'ImagesPending' || isPaused(this.workload))
      ) {
        return plan;
      }
      this.seconds(1);
      this.#act(plan.action);
    }
    throw new Error(`never settles: ${this.upgrade.status?.message}`);
  }

  /** A cycle on every pod, or on some: each check in each container that it asks says this. */
  hears(outcome: TryOutcome, isAsked: (pod: PodView) => boolean = () => true): this {
    const status = this.upgrade.status ?? {};
    const context = {
      spec: this.upgrade.spec,
      template: (this.workload?.containers ?? []).map(({ name }) => name),
      baseline: status.from?.baseline ?? [],
      verification: verificationId(this.upgrade, status),
      inFallback: isFallingBack(status),
    };
    for (const pod of this.pods.filter(isAsked)) {
      const results = expectedTries(context, pod).map(({ check, container }) => ({
        check,
        container,
        containerId: pod.containers.find(({ name }) => name === container)?.id ?? '',
        outcome,
      }));
      const cycle = { startedAt: this.now, finishedAt: this.now, results };
      this.records.set(pod.uid, addCycle(this.records.get(pod.uid), context, pod, cycle));
    }
    return this;
  }

  /** A cycle on every pod in which nothing could be asked. */
  hearsNothing(): this {
    const context = {
      spec: this.upgrade.spec,
      template: (this.workload?.containers ?? []).map(({ name }) => name),
      verification: verificationId(this.upgrade, this.upgrade.status ?? {}),
      inFallback: false,
    };
    for (const pod of this.pods) {
      const cycle = { startedAt: this.now, finishedAt: this.now, results: [] };
      this.records.set(pod.uid, addCycle(this.records.get(pod.uid), context, pod, cycle));
    }
    return this;
  }

  /** Changes the one container of every pod. */
  containers(change: Partial<ContainerView>): this {
    const ready = (change.state ?? 'running') === 'running' && change.ready !== false;
    this.pods = this.pods.map((pod) => ({
      ...pod,
      conditions: {
        ...pod.conditions,
        ContainersReady: condition(ready, this.now),
        Ready: condition(ready, this.now),
      },
      containers: pod.containers.map((container) => ({ ...container, ready, ...change })),
    }));
    return this;
  }

  /** Somebody else than postcheck sets the image. */
  foreignImage(image: string, manager: string): this {
    this.#roll(image);
    if (this.workload) {
      this.workload = { ...(this.workload as WorkloadView), imageManagers: { web: manager } };
    }
    return this;
  }

  #act(action: Action): void {
    if (action.kind === 'setFinalizers') {
      const { finalizers } = action;
      this.upgrade = { ...this.upgrade, metadata: { ...this.upgrade.metadata, finalizers } };
    }
    if (action.kind === 'patchImages' && this.setsBack && this.workload) {
      this.workload = { ...this.workload, holdsOurFields: true, imageManagers: { web: 'postcheck' } };
    } else if (action.kind === 'releaseFields' && this.workload) {
      this.workload = { ...this.workload, holdsOurFields: false, imageManagers: {} };
    } else if (action.kind === 'patchImages') {
      this.#roll((action.images as Images).web ?? '');
    }
    if (action.kind !== 'recordResults') {
      return;
    }
    for (const { pod, condition: verdict } of action.conditions) {
      this.pods = this.pods.map((known) =>
        known.uid === pod.uid
          ? { ...known, conditions: { ...known.conditions, [VERIFIED]: { ...verdict, since: this.now } } }
          : known,
      );
    }
  }

  /** The workload's controller does its work at once: three pods of this image, ready. */
  #roll(image: string): void {
    if (!this.workload) {
      return;
    }
    const generation = this.workload.generation + 1;
    const containers = this.workload.containers.map((container) => ({ ...container, image }));
    this.workload = { ...this.workload, generation, observedGeneration: generation, containers };
    const { desired } = this.workload;
    const partition = this.workload.kind === 'StatefulSet' ? this.workload.partition : 0;
    this.pods = ['a', 'b', 'c']
      .slice(0, desired)
      .map((end, index) =>
        index < partition && this.pods[index]
          ? this.pods[index]
          : podOf(image, end, `node-${index + 1}`, this.now),
      );
  }
}

const revisionOf = (image: string): string => (image === OLD ? '7d9c' : '746d');

const podOf = (image: string, end: string, node: string, now: number): PodView => ({
  namespace: 'shop',
  name: `web-${revisionOf(image)}-${end}`,
  uid: `${image}-${end}`,
  resourceVersion: '1',
  owner: { kind: 'ReplicaSet', name: `web-${revisionOf(image)}`, uid: 'replicaset' },
  revision: revisionOf(image),
  node,
  ip: '10.0.0.1',
  phase: 'Running',
  reason: '',
  deleting: false,
  createdAt: now,
  specChanges: 0,
  imagesChanged: [],
  conditions: {
    PodScheduled: condition(true, now),
    ContainersReady: condition(true, now),
    Ready: condition(true, now),
  },
  gates: image === OLD ? [] : [VERIFIED],
  containers: [
    {
      name: 'web',
      image,
      role: 'regular',
      id: `containerd://${end}`,
      restarts: 0,
      state: 'running',
      reason: '',
      message: '',
      startedAt: now,
      ready: true,
    },
  ],
});

const isPaused = (workload: WorkloadView | undefined): boolean =>
  workload?.kind === 'Deployment' && workload.paused;

const WORKLOAD: WorkloadChange = {
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  uid: 'deployment-1',
  resourceVersion: '1',
  generation: 0,
  observedGeneration: 0,
  deleting: false,
  containers: [{ name: 'web', image: OLD, role: 'regular', startupProbe: false }],
  imageManagers: {},
  holdsOurFields: false,
  templateDigest: '',
  desired: 3,
  updated: 3,
  ready: 3,
  available: 3,
  total: 3,
  paused: false,
  partition: 0,
  firstOrdinal: 0,
  othersSetPartition: false,
  onDelete: false,
  ordered: false,
  servesNothingMeanwhile: false,
  ownWaitSeconds: 0,
};
