/** The cluster that the stories happen in: state, controllers, kubelets and the gate policy, small and as measured on real clusters. */
import { createHash } from 'node:crypto';
import { own } from '../../src/api/own.ts';
import type { Images, Upgrade, UpgradeStatus } from '../../src/api/types.ts';
import type {
  DaemonSetView,
  NodeView,
  PodView,
  TemplateContainer,
  WarningView,
  WorkloadKind,
  WorkloadView,
} from '../../src/api/views.ts';
import type { QueryAnswer } from '../../src/core/rollout/rollout-checks.ts';
import type { ProbeAnswer } from '../../src/engine/ports.ts';
import type { WorkloadChange } from '../support/snapshots.ts';
import type { Behaviour } from './behaviour.ts';
import type { VirtualClock } from './clock.ts';
import { Controllers } from './controllers.ts';
import { GatePolicyModel } from './gate-policy.ts';
import { Kubelet } from './kubelet.ts';
import { ClusterState, isOwnedBy } from './state.ts';

export const NAMESPACE = 'shop';
export const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;

/** What the views do not tell of a workload, but its controller has to know. */
export interface Model {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  /** Part of the template that is no image: a foreign change of it makes a new revision. */
  stamp: string;
  /** Until when the controller of a Deployment overlooks that the last of its pods is gone. */
  overlooksUntil?: number;
  /** Desired pods when the controller of a Deployment last looked. */
  desired: number;
  /** Wanted pods of a ReplicaSet, by its name. */
  readonly replicas: Map<string, number>;
  /** Containers by template digest. */
  readonly templates: Map<string, readonly TemplateContainer[]>;
  /** `status.currentRevision` of a StatefulSet. */
  currentRevision: string;
}

export interface WorkloadSpec {
  readonly kind: WorkloadKind;
  readonly namespace?: string;
  readonly name: string;
  readonly images: Images;
  readonly replicas?: number;
  readonly ordered?: boolean;
  readonly onDelete?: boolean;
  readonly maxUnavailable?: number;
  readonly maxSurge?: number;
  readonly partition?: number;
  readonly recreates?: boolean;
  readonly tolerations?: DaemonSetView['tolerations'];
  readonly roles?: Readonly<Record<string, TemplateContainer['role']>>;
}

export class World {
  readonly clock: VirtualClock;
  readonly state = new ClusterState();
  readonly models = new Map<string, Model>();
  readonly controllers: Controllers;
  readonly kubelet: Kubelet;
  readonly gatePolicy: GatePolicyModel;
  readonly images: Record<string, Behaviour>;
  /** What is stored of a status that is written. */
  storesStatus: (status: UpgradeStatus) => UpgradeStatus = (status) => status;
  refusesStatus: (status: UpgradeStatus) => boolean = () => false;
  /** How far the nodes' clocks are ahead. */
  nodeAheadMs = 0;
  /** How long a pod takes to end. */
  terminatesMs = 500;
  /** A Deployment counts pods that are ending, and creates others only in their place: `podReplacementPolicy: TerminationComplete` (KEP-5882). */
  awaitsTermination = false;
  /** A Deployment with Recreate whose last pod is deleted while one that has ended is still there looks again at its own progress deadline (kubernetes#128798). */
  overlooksEnded = false;
  /** Our entry in managedFields comes back when it is dropped. */
  keepsFields = false;
  /** Why no pod with this image can be made; `undefined`: it can. */
  refusesPod: (image: string) => string | undefined = () => undefined;
  /** How long the kubelet waits after a pull that failed, and whether it says why meanwhile: up to Kubernetes 1.31 it did not (kubernetes#127918). */
  pullBackOff: { readonly ms: number; readonly saysWhy: boolean } = { ms: 15_000, saysWhy: true };
  /** Readiness gates in every pod template. */
  gates: readonly string[] = [];
  /** A StatefulSet replaces no pod while one is not available, in whatever order it creates them: the feature gate MaxUnavailableStatefulSet before Kubernetes 1.37. */
  waitsForUnavailable = false;
  /** The newest warning about a workload or a pod, by its UID. */
  readonly warnings = new Map<string, WarningView>();
  /** Containers that a webhook adds to every pod, by name, with their image. */
  injected: Images = {};
  /** What a network check of any pod comes to. */
  network: ProbeAnswer = { kind: 'unconnected', message: 'the simulated pods have no network' };
  /** What Prometheus says to an expression. */
  prometheus: (expression: string) => QueryAnswer = () => ({ kind: 'values', values: [] });
  /** Everything that was asked of it, and when. */
  readonly queried: { readonly at: number; readonly expression: string; readonly answer: QueryAnswer }[] = [];
  /** What admission makes of an image that somebody writes. */
  admission: (image: string, before: string) => string = (image) => image;

  constructor(clock: VirtualClock, images: Readonly<Record<string, Behaviour>>) {
    this.clock = clock;
    this.images = { ...images };
    this.gatePolicy = new GatePolicyModel(clock, this.state);
    this.kubelet = new Kubelet(this);
    this.controllers = new Controllers(this);
  }

  addNodes(...names: string[]): void {
    for (const name of names) {
      const labels = { 'kubernetes.io/hostname': name };
      this.state.put('Node', { name, resourceVersion: '', ready: true, labels });
    }
  }

  query(expression: string): QueryAnswer {
    const answer = this.prometheus(expression);
    this.queried.push({ at: this.clock.now(), expression, answer });
    return answer;
  }

  node(name: string): NodeView | undefined {
    return this.state.get('Node', `/${name}`);
  }

  setNodeReady(name: string, ready: boolean): void {
    const node = this.node(name);
    if (!node) {
      throw new Error(`no node ${name}`);
    }
    this.state.put('Node', { ...node, ready });
    this.kubelet.nodeChanged(name, ready);
  }

  /** Somebody taints a node, or removes its taints: pods stay, and no DaemonSet that does not tolerate them makes new ones. */
  taint(name: string, ...keys: readonly string[]): void {
    const node = this.node(name);
    if (!node) {
      throw new Error(`no node ${name}`);
    }
    const taints = keys.map((key) => ({ key, value: 'yes', effect: 'NoSchedule' }));
    this.state.put('Node', { ...node, taints });
  }

  addWorkload(spec: WorkloadSpec): WorkloadView {
    const { kind, name, images, replicas = 3, ordered = true, onDelete = false } = spec;
    const { namespace = NAMESPACE } = spec;
    const containers = Object.entries(images).map(
      ([container, image]): TemplateContainer => ({
        name: container,
        image,
        role: spec.roles?.[container] ?? 'regular',
        startupProbe: false,
      }),
    );
    const uid = this.state.uid(kind);
    this.models.set(uid, {
      maxSurge: spec.maxSurge ?? (kind === 'Deployment' ? 1 : 0),
      maxUnavailable: spec.maxUnavailable ?? (kind === 'Deployment' ? 0 : 1),
      stamp: '',
      desired: replicas,
      replicas: new Map(),
      templates: new Map(),
      currentRevision: '',
    });
    return this.state.put(kind, {
      kind,
      namespace,
      name,
      uid,
      resourceVersion: '',
      generation: 1,
      observedGeneration: 0,
      deleting: false,
      containers,
      imageManagers: Object.fromEntries(containers.map((container) => [container.name, 'kubectl'])),
      holdsOurFields: false,
      templateDigest: this.digest(containers, ''),
      desired: kind === 'DaemonSet' ? 0 : replicas,
      updated: 0,
      ready: 0,
      available: 0,
      total: 0,
      paused: false,
      partition: spec.partition ?? 0,
      firstOrdinal: 0,
      othersSetPartition: spec.partition !== undefined,
      onDelete,
      tolerations: spec.tolerations ?? [],
      ordered: kind === 'StatefulSet' && ordered,
      recreates: spec.recreates ?? false,
      servesNothingMeanwhile: spec.recreates ?? false,
      ownWaitSeconds: 0,
    } as WorkloadChange as WorkloadView);
  }

  workload(kind: WorkloadKind, name: string): WorkloadView | undefined {
    return this.state.get(kind, `${NAMESPACE}/${name}`);
  }

  model(workload: WorkloadView): Model {
    const model = this.models.get(workload.uid);
    if (!model) {
      throw new Error(`no model of ${workload.name}`);
    }
    return model;
  }

  digest(containers: readonly TemplateContainer[], stamp: string): string {
    return createHash('sha256')
      .update(JSON.stringify([containers, stamp]))
      .digest('hex');
  }

  /** Changes the spec: bumps the generation when it says something new. */
  changeSpec(workload: WorkloadView, change: WorkloadChange): WorkloadView {
    const next = { ...workload, ...change } as WorkloadView;
    const { stamp } = this.model(workload);
    const templateDigest = this.digest(next.containers, stamp);
    return this.state.put(workload.kind, { ...next, templateDigest, generation: workload.generation + 1 });
  }

  /** Sets images as `manager`. */
  setImages(workload: WorkloadView, images: Images, manager: string, partition?: number): WorkloadView {
    const containers = workload.containers.map((container) => {
      const asked = own(images, container.name);
      return asked === undefined
        ? container
        : { ...container, image: this.admission(asked, container.image) };
    });
    const moved = workload.kind === 'StatefulSet' && (partition ?? workload.partition) !== workload.partition;
    const changed =
      moved || containers.some(({ image }, index) => workload.containers[index]?.image !== image);
    const named = workload.containers
      .filter(({ name }) => own(images, name) !== undefined)
      .map(({ name }) => [name, manager]);
    const fields = {
      imageManagers: { ...workload.imageManagers, ...Object.fromEntries(named) },
      holdsOurFields: workload.holdsOurFields || manager === 'postcheck',
    };
    if (!changed) {
      return this.state.put(workload.kind, { ...workload, ...fields });
    }
    return this.changeSpec(workload, {
      ...fields,
      containers,
      ...(moved ? { partition, othersSetPartition: manager !== 'postcheck' } : {}),
    });
  }

  /** Somebody other than us sets the partition, and from then on owns it. */
  setPartition(workload: WorkloadView, partition: number): WorkloadView {
    return this.changeSpec(workload, { partition, othersSetPartition: true });
  }

  upgrade(name = 'web'): Upgrade | undefined {
    return this.state.get('Upgrade', `${NAMESPACE}/${name}`);
  }

  pods(): PodView[] {
    return this.state.all('Pod');
  }

  /** The pods that a workload's controllers made. */
  podsOf(workload: WorkloadView): PodView[] {
    const owners =
      workload.kind === 'Deployment'
        ? this.state.all('ReplicaSet').filter((set) => isOwnedBy(set, workload))
        : [workload];
    return this.pods().filter((pod) => owners.some((owner) => isOwnedBy(pod, owner)));
  }

  deleteWorkload(workload: WorkloadView): void {
    const pods = this.podsOf(workload);
    for (const kind of ['ReplicaSet', 'ControllerRevision'] as const) {
      for (const revision of this.state.all(kind)) {
        if (isOwnedBy(revision, workload)) {
          this.state.remove(kind, revision);
        }
      }
    }
    this.state.remove(workload.kind, workload);
    for (const pod of pods) {
      this.kubelet.terminate(pod);
    }
  }
}
