/** Executes one planned action. Every write has a precondition: executed twice, or from an old view, it is rejected and does no harm. */

import { holdsFinalizer } from '../api/gate.ts';
import { FALLBACK_FINALIZER, VERIFIED } from '../api/names.ts';
import { own } from '../api/own.ts';
import { isReason } from '../api/reasons.ts';
import type { Images, Upgrade } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import { templateImages } from '../core/images.ts';
import { type IneffectiveWrite, namedWorkload, type Obstacle } from '../core/obstacle.ts';
import { type Action, PODS_PER_ACTION, type PodCondition } from '../core/plan.ts';
import type { LocalState } from './local-state.ts';
import type { Ports, RequestFailure, Written } from './ports.ts';
import type { Store } from './store.ts';

export interface ActionExecutorOptions extends Pick<Ports, 'clock' | 'writer' | 'telemetry'> {
  readonly store: Store;
  readonly local: LocalState;
}

/** The outcome of an action; with neither field it succeeded. */
export interface Executed {
  readonly failure?: RequestFailure | undefined;
  /** The write was accepted and had no effect. */
  readonly noEffect?: Obstacle | undefined;
}

/** The actions that are writes. */
export type WriteAction = Exclude<Action, { readonly kind: 'none' | 'findGateCarrier' | 'readWarning' }>;

export const WRITE_ACTIONS: readonly WriteAction['kind'][] = [
  'patchImages',
  'patchPartition',
  'setFinalizers',
  'releaseFields',
  'deletePods',
  'recordResults',
];

export const isWrite = (action: Action): action is WriteAction =>
  (WRITE_ACTIONS as readonly Action['kind'][]).includes(action.kind);

/** Concurrent writes of pods: with more, other Upgrades' writes would time out while they wait for a connection. */
const CONCURRENT_PODS = 8;

export class ActionExecutor {
  readonly #options: ActionExecutorOptions;

  constructor(options: ActionExecutorOptions) {
    this.#options = options;
  }

  /** Executes the action. Returns whether it was rejected or had no effect. */
  async execute(action: WriteAction): Promise<Executed> {
    const { writer } = this.#options;
    switch (action.kind) {
      case 'patchImages': {
        const { workload, images, partition, evidenceAt } = action;
        const purpose = evidenceAt === undefined ? undefined : 'fallback';
        const written = await writer.patchImages(workload, images, partition, purpose);
        return this.#applyWrite(written, (now) => imageRewritten(workload, now, images));
      }
      case 'patchPartition': {
        const written = await writer.patchImages(action.workload, {}, action.partition);
        return this.#applyWrite(written, (now) =>
          'partition' in now && now.partition === action.partition
            ? undefined
            : noEffect({ of: 'Partition', workload: namedWorkload(now) }),
        );
      }
      case 'setFinalizers': {
        const written = await writer.patchFinalizers(action.upgrade, action.finalizers);
        return this.#applyFinalizers(action, written);
      }
      case 'releaseFields': {
        const written = await writer.releaseFields(action.workload);
        return this.#applyWrite(written, (now) =>
          now.holdsOurFields ? noEffect({ of: 'ManagedFields', workload: namedWorkload(now) }) : undefined,
        );
      }
      case 'deletePods':
        return this.#forEach(action.pods, (pod) => this.#deletePod(pod));
      case 'recordResults':
        return this.#forEach(action.conditions, (condition) => this.#recordResult(condition));
    }
  }

  #applyWrite(written: Written<WorkloadView>, effect: (now: WorkloadView) => Obstacle | undefined): Executed {
    if (!written.ok) {
      return { failure: written.failure };
    }
    this.#options.store.workloads[written.object.kind].applyWrite(written.object);
    return { noEffect: effect(written.object) };
  }

  /** The removal of the finalizer may complete the deletion of the Upgrade. */
  #applyFinalizers(
    { upgrade, finalizers }: WriteAction & { readonly kind: 'setFinalizers' },
    written: Written<Upgrade>,
  ): Executed {
    const { upgrades } = this.#options.store;
    if (!written.ok) {
      const isGone = written.failure.kind === 'notFound' && upgrade.metadata.deletionTimestamp !== undefined;
      return isGone ? {} : { failure: written.failure };
    }
    upgrades.applyWrite(written.object);
    const current = written.object.metadata.finalizers ?? [];
    const isAsWritten = holdsFinalizer(written.object) === finalizers.includes(FALLBACK_FINALIZER);
    return isAsWritten
      ? {}
      : { noEffect: noEffect({ of: 'Finalizers', upgrade: upgrade.metadata.name, current }) };
  }

  /** The pod is being deleted or gone: nothing is planned for it until the watch reports it. */
  #markDeleted(pod: PodView): Executed {
    this.#options.store.pods.assume({ ...pod, deleting: true });
    return {};
  }

  /** Writes all pods even if one write fails, and returns the first failure. */
  async #forEach<T>(pods: readonly T[], write: (pod: T) => Promise<Executed>): Promise<Executed> {
    const all: Executed[] = [];
    const pending = pods.slice(0, PODS_PER_ACTION).values();
    const work = async (): Promise<void> => {
      for (const pod of pending) {
        all.push(await write(pod));
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_PODS }, work));
    return all.find(({ failure }) => failure) ?? all.find((one) => one.noEffect) ?? {};
  }

  async #deletePod(pod: PodView): Promise<Executed> {
    const written = await this.#options.writer.deletePod(pod);
    return written.ok || written.failure.kind === 'notFound'
      ? this.#markDeleted(pod)
      : { failure: written.failure };
  }

  async #recordResult({ pod, condition }: PodCondition): Promise<Executed> {
    const { clock, writer, store, telemetry, local } = this.#options;
    const written = await writer.patchVerified(pod, condition, clock.now());
    if (!written.ok) {
      return written.failure.kind === 'notFound' ? this.#markDeleted(pod) : { failure: written.failure };
    }
    store.pods.applyWrite(written.object);
    const isNew = local.recorded.get(pod.uid) !== condition.message;
    local.recorded.set(pod.uid, condition.message);
    const opened =
      condition.status === 'True' &&
      pod.gates.includes(VERIFIED) &&
      pod.conditions[VERIFIED]?.status !== 'True';
    if (opened && isNew) {
      telemetry.gateOpened(isReason(condition.reason, 'AllSkipped') ? 'Skipped' : 'Passed');
    }
    const isAsWritten = written.object.conditions[VERIFIED]?.message === condition.message;
    return isNew && isAsWritten ? {} : { noEffect: noEffect({ of: 'Condition', pod: pod.name }) };
  }
}

const noEffect = (write: IneffectiveWrite): Obstacle => ({ reason: 'NoEffect', write });

/** Returns an obstacle if every image that was written is returned as the previous one, as by a mutating webhook. */
function imageRewritten(before: WorkloadView, now: WorkloadView, wanted: Images): Obstacle | undefined {
  const old = templateImages(before);
  const written = now.containers.filter(({ name }) => own(wanted, name) !== undefined);
  const [first] = written;
  if (!first || written.some(({ name, image }) => own(old, name) !== image)) {
    return undefined;
  }
  const { name: container, image } = first;
  return { reason: 'ImageRewritten', container, wanted: own(wanted, container) ?? '', image };
}
