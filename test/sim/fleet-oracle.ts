/** What must hold of fleets after every single event: never beyond the stage, never more undecided pods than allowed, the user's strategy always restorable. */
import { VERIFIED } from '../../src/api/names.ts';
import { own } from '../../src/api/own.ts';
import type { Upgrade, UpgradeSpec } from '../../src/api/types.ts';
import type { PodView, StatefulSetView, WorkloadView } from '../../src/api/views.ts';
import { podCount } from '../../src/core/rollout/amount.ts';
import { isLive } from './controllers.ts';
import type { Story } from './story.ts';
import type { World } from './world.ts';

type Stage = NonNullable<NonNullable<UpgradeSpec['strategy']>['stages']>[number];

export interface FleetOracleOptions {
  readonly world: World;
  readonly story: Story;
  readonly broken: (rule: string, detail: string) => void;
}

/** A result, and not why a pod does not pass yet: it names containers. */
const isDecided = ({ conditions }: PodView): boolean =>
  /\[\S+ [^\]]*\]$/.test(conditions[VERIFIED]?.message ?? '');
const isVerified = ({ conditions }: PodView): boolean => conditions[VERIFIED]?.status === 'True';

export class FleetOracle {
  readonly #options: FleetOracleOptions;
  /** The partition that the user, or a rival, set last. */
  #usersPartition = 0;
  /** Wanted pods when the attempt was first seen: who scales brings pods that no attempt brought. */
  readonly #desired = new Map<string, number>();

  constructor(options: FleetOracleOptions) {
    this.#options = options;
    options.world.state.onChange(({ kind, object }) => {
      if (kind === 'Pod') {
        this.#podChanged(object as PodView);
      } else if (kind === 'StatefulSet') {
        this.#partitionChanged(object as StatefulSetView);
      }
    });
  }

  /** The attempt that goes forward now, with its workload. */
  #attempt(): { readonly workload: WorkloadView; readonly upgrade: Upgrade } | undefined {
    const { world, story } = this.#options;
    const upgrade = world.upgrade();
    const workload = world.workload(story.workload.kind, story.workload.name);
    const { attempt, fallback } = upgrade?.status ?? {};
    return upgrade && workload && attempt && !fallback && !attempt.end ? { workload, upgrade } : undefined;
  }

  #podChanged(pod: PodView): void {
    const { world, story } = this.#options;
    const now = this.#attempt();
    if (!now || story.losesPods || !world.podsOf(now.workload).some(({ uid }) => uid === pod.uid)) {
      return;
    }
    const image = now.upgrade.spec.containers[0]?.image;
    const pods = world
      .podsOf(now.workload)
      .filter((one) => isLive(one) && one.containers.some((container) => container.image === image));
    this.#keepsStage(now.workload, now.upgrade, pods);
    this.#keepsUndecided(now.workload, now.upgrade, pods);
  }

  /**
   * Never beyond the stage: where pods are replaced one by one, no further pod runs the new version; where the gate holds them, no further
   * pod is verified.
   */
  #keepsStage(workload: WorkloadView, { spec, status }: Upgrade, pods: readonly PodView[]): void {
    if (!spec.strategy?.stages) {
      return;
    }
    const reached = (status?.stages ?? [])
      .filter(({ state }) => state !== 'Waiting')
      .map(({ name }): Partial<Stage> => spec.strategy?.stages?.find((stage) => stage.name === name) ?? {});
    const counted = workload.kind === 'Deployment' ? pods.filter(isVerified) : pods;
    const most = Math.max(
      0,
      ...reached
        .filter(({ pods: amount, nodes }) => amount !== undefined || !nodes)
        .map(({ pods: amount }) =>
          amount === undefined ? workload.desired : podCount(amount, workload.desired),
        ),
    );
    const isOnStage = ({ node }: PodView) => reached.some((stage) => this.#holds(stage, node));
    const beyond = counted.filter((pod) => !isOnStage(pod));
    if (beyond.length > 0 && counted.length > most) {
      this.#options.broken('stage', `${beyond.map(({ name }) => name)} are beyond the stage of ${most}`);
    }
  }

  /** Of a stage that names nodes and no number, is this one of them? */
  #holds({ nodes, pods }: Partial<Stage>, node: string): boolean {
    const labels = this.#options.world.node(node)?.labels;
    return (
      nodes !== undefined &&
      pods === undefined &&
      Object.entries(nodes.matchLabels).every(([name, value]) => own(labels, name) === value)
    );
  }

  /** Never more new pods undecided than the workload's own limits allow, or `maxParallel` where postcheck replaces them. */
  #keepsUndecided(workload: WorkloadView, { spec, status }: Upgrade, pods: readonly PodView[]): void {
    const { id = '', adopted, gating, trigger } = status?.attempt ?? {};
    const desired = this.#desired.get(id) ?? workload.desired;
    this.#desired.set(id, desired);
    const isUngated = !gating || pods.some(({ gates }) => !gates.includes(VERIFIED));
    // Its controller does not count broken pods of an overtaken template while it replaces them.
    const isOvertaken = workload.kind === 'DaemonSet' && !workload.onDelete && workload.generation > 2;
    if (adopted || isUngated || isOvertaken || trigger === 'Retry' || desired !== workload.desired) {
      return;
    }
    const undecided = pods.filter((pod) => !isDecided(pod)).length;
    const most = this.#mostUndecided(
      workload,
      spec,
      status?.stages?.find(({ state }) => state !== 'Done')?.name,
    );
    if (undecided > most) {
      this.#options.broken(
        'undecided',
        `${undecided} new pods of ${workload.name} are undecided, ${most} may`,
      );
    }
  }

  #mostUndecided(workload: WorkloadView, { strategy }: UpgradeSpec, stage: string | undefined): number {
    const { maxSurge, maxUnavailable } = this.#options.world.model(workload);
    if (workload.kind !== 'Deployment' && workload.onDelete) {
      const own = strategy?.stages?.find(({ name }) => name === stage)?.maxParallel;
      return Math.max(1, podCount(own ?? strategy?.maxParallel ?? 1, workload.desired));
    }
    return workload.kind === 'StatefulSet' ? 1 : maxSurge + maxUnavailable;
  }

  /** What the user set stands, or is on record before anything else does. */
  #partitionChanged(workload: StatefulSetView): void {
    if (workload.othersSetPartition) {
      this.#usersPartition = workload.partition;
    }
    const held = this.#options.world.upgrade()?.status?.attempt?.held?.partition;
    if (workload.partition !== this.#usersPartition && held !== this.#usersPartition) {
      this.#options.broken(
        'strategy',
        `partition ${workload.partition} stands and ${held} is on record, not the ${this.#usersPartition} of the user`,
      );
    }
  }

  /** Told at the end of the story. */
  finish(): void {
    const { world, story } = this.#options;
    const workload = world.workload('StatefulSet', story.workload.name);
    const isOver = !world.upgrade() || world.upgrade()?.status?.attempt?.end !== undefined;
    if (isOver && workload?.kind === 'StatefulSet' && workload.partition !== this.#usersPartition) {
      this.#options.broken(
        'strategy',
        `partition ${workload.partition} stands, the user set ${this.#usersPartition}`,
      );
    }
  }
}
