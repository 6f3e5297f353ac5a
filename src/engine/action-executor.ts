/** Carries out one planned change. Every write has a precondition, so doing it twice, or from an old view, is refused and not wrong. */

import { holdsFinalizer } from '../api/gate.ts';
import { FALLBACK_FINALIZER, VERIFIED } from '../api/names.ts';
import { own } from '../api/own.ts';
import { isReason } from '../api/reasons.ts';
import type { Images, Upgrade } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import { imagesOf } from '../core/images.ts';
import { type FruitlessWrite, namedWorkload, type Obstacle } from '../core/obstacle.ts';
import { type Action, PODS_PER_ACTION, type PodCondition } from '../core/plan.ts';
import type { LocalState } from './local-state.ts';
import type { Ports, RequestFailure, Written } from './ports.ts';
import type { Store } from './store.ts';

export interface ActionExecutorOptions extends Pick<Ports, 'clock' | 'writer' | 'telemetry'> {
  readonly store: Store;
  readonly local: LocalState;
}

/** What came of an action; neither: it was done. */
export interface Executed {
  readonly failure?: RequestFailure | undefined;
  /** It was accepted, and nothing came of it. */
  readonly noEffect?: Obstacle | undefined;
}

/** What can be carried out by writing. */
export type WriteAction = Exclude<Action, { readonly kind: 'none' | 'findGateCarrier' | 'readWarning' }>;

/** So many pods at once: more would stand before other Upgrades' writes in the line for a connection until they are out of time. */
const PODS_AT_ONCE = 8;

export class ActionExecutor {
  readonly #options: ActionExecutorOptions;

  constructor(options: ActionExecutorOptions) {
    this.#options = options;
  }

  /** Executes the action, and tells whether it was rejected or came to nothing. */
  async execute(action: WriteAction): Promise<Executed> {
    const { writer } = this.#options;
    switch (action.kind) {
      case 'patchImages': {
        const written = await writer.patchImages(action.workload, action.images, action.partition);
        return this.#applyWrite(written, (now) => setBack(action.workload, now, action.images));
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

  /** An Upgrade that was let go may be gone with the write. */
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
    const stands = written.object.metadata.finalizers ?? [];
    return holdsFinalizer(written.object) === finalizers.includes(FALLBACK_FINALIZER)
      ? {}
      : { noEffect: noEffect({ of: 'Finalizers', upgrade: upgrade.metadata.name, stands }) };
  }

  /** The pod is on its way out or gone; until the watch says so, nothing is to be planned for it again. */
  #markDeleted(pod: PodView): Executed {
    this.#options.store.pods.assume({ ...pod, deleting: true });
    return {};
  }

  /** A failure does not keep the other pods from being written; the first one is returned. */
  async #forEach<T>(pods: readonly T[], write: (pod: T) => Promise<Executed>): Promise<Executed> {
    const all: Executed[] = [];
    const left = pods.slice(0, PODS_PER_ACTION).values();
    const work = async (): Promise<void> => {
      for (const pod of left) {
        all.push(await write(pod));
      }
    };
    await Promise.all(Array.from({ length: PODS_AT_ONCE }, work));
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
    const stands = written.object.conditions[VERIFIED]?.message === condition.message;
    return isNew && stands ? {} : { noEffect: noEffect({ of: 'Condition', pod: pod.name }) };
  }
}

const noEffect = (write: FruitlessWrite): Obstacle => ({ reason: 'NoEffect', write });

/** Every image that was asked for came back as the one that stood there before. */
function setBack(before: WorkloadView, now: WorkloadView, asked: Images): Obstacle | undefined {
  const old = imagesOf(before);
  const written = now.containers.filter(({ name }) => own(asked, name) !== undefined);
  const [first] = written;
  if (!first || written.some(({ name, image }) => own(old, name) !== image)) {
    return undefined;
  }
  const { name: container, image } = first;
  return { reason: 'ImageRewritten', container, wanted: own(asked, container) ?? '', image };
}
