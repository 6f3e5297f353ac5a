/**
 * One operator process: an Engine behind ports that lead into the world. Every write passes one point, where it can be refused, delayed,
 * or the process can be cut off before it, after it, or before its answer arrives. A process that was cut off never runs again.
 */

import { isDeepStrictEqual } from 'node:util';
import { VERIFIED } from '../../src/api/names.ts';
import type { Upgrade, UpgradeStatus } from '../../src/api/types.ts';
import type { PodView, WorkloadView } from '../../src/api/views.ts';
import { Engine } from '../../src/engine/engine.ts';
import {
  type Clock,
  MAX_READS,
  MAX_STEP_WRITES,
  MAX_WRITES,
  type OperatorEvent,
  type Reader,
  type RequestFailure,
  type WatchEvent,
  type Watched,
  type WatchedKind,
  type Watcher,
  type Writer,
  type Written,
} from '../../src/engine/ports.ts';
import type { QueueTelemetry } from '../../src/engine/telemetry-ports.ts';
import { isSameVersion } from '../../src/kube/objects/image-patch.ts';
import { type Change, deepFreeze, keyOf } from './state.ts';
import { type Remembered, rememberingLog, rememberingTelemetry } from './telemetry.ts';
import { type World, wholeSeconds } from './world.ts';

export type WriteKind =
  | 'patchStatus'
  | 'patchFinalizers'
  | 'patchImages'
  | 'patchPartition'
  | 'releaseFields'
  | 'patchVerified'
  | 'deletePod';

/** What happens to one write. `before`, `lost` and `after` end the process: not written; written but not answered; written and answered. */
export type Cut = 'before' | 'lost' | 'after';
export type Fault = Cut | 'conflict' | 'unavailable' | 'throttled' | 'forbidden' | 'unanswered';

export interface WriteRecord {
  /** Counts from 1, over all processes of a run. */
  readonly number: number;
  readonly at: number;
  readonly operator: number;
  readonly kind: WriteKind;
  /** What it says, for a person. */
  readonly what: string;
  readonly fault?: Fault;
  result: 'pending' | 'ok' | 'unchanged' | RequestFailure['kind'];
}

/** What may go wrong, asked at the doors. */
export interface Faults {
  write?(record: WriteRecord): Fault | undefined;
  /** Delay of one event of a watch. */
  delayMs?(kind: WatchedKind): number;
  /** Events of this kind are held back until then. */
  frozenUntil?(kind: WatchedKind, now: number, operator: number): number;
  /** True: the event never arrives. */
  drops?(change: Change, operator: number): boolean;
  /** The version that the first list of a process shows. */
  listsAsOf?(kind: WatchedKind, operator: number): number | undefined;
  /** How far the process's clock is ahead of everybody else's. */
  clockAheadMs?(now: number, operator: number): number;
  /** How long a request about an object of the namespace takes, there and back. */
  requestMs?(namespace: string): number | undefined;
  /** A full list so often; 0: only the first. */
  resyncMs?: number;
}

export interface OperatorOptions {
  readonly world: World;
  readonly id: number;
  readonly faults: Faults;
  readonly memory: Remembered;
  readonly writes: WriteRecord[];
  readonly events: OperatorEvent[];
  /** Told of every write as it is sent. */
  readonly sent?: (write: WriteRecord) => void;
  /** Told of every write that was done, before its answer. */
  readonly wrote: (write: WriteRecord, before: unknown, after: unknown) => void;
  readonly died: (write: WriteRecord, how: Cut) => void;
  readonly queueTelemetry?: Partial<QueueTelemetry>;
}

const REQUEST_MS = 3;
const WATCH_MS = 4;
const ok = <T>(object: T): Written<T> => ({ ok: true, object });
const refused = (
  kind: 'conflict' | 'notFound' | 'unavailable' | 'forbidden' | 'invalid',
  message: string,
): { ok: false; failure: RequestFailure } => ({
  ok: false,
  failure: { kind, message },
});

/** Of one client: requests wait for one in the order in which they were made, as with Node's agent. */
class Connections {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  async use<T>(request: () => Promise<T>): Promise<T> {
    if (this.#free > 0) {
      this.#free--;
    } else {
      await new Promise<void>((start) => this.#waiting.push(start));
    }
    const answer = await request();
    const next = this.#waiting.shift();
    if (next) {
      next();
    } else {
      this.#free++;
    }
    return answer;
  }
}

export class Operator {
  readonly #options: OperatorOptions;
  readonly #unsubscribe: (() => void)[] = [];
  readonly engine: Engine;
  readonly inContainer = new Map<string, number>();
  readonly #writing = new Connections(MAX_STEP_WRITES + MAX_WRITES);
  readonly #reading = new Connections(MAX_READS);
  mostInContainer = 0;
  mostExecs = 0;
  #execs = 0;
  #alive = true;

  constructor(options: OperatorOptions) {
    this.#options = options;
    const { memory } = options;
    this.engine = new Engine({
      clock: this.#clock(),
      watcher: this.#watcher(),
      writer: this.#writer(),
      reader: this.#reader(),
      executor: { exec: (request) => this.#exec(request) },
      prober: {
        probe: () => Promise.resolve(options.world.network),
      },
      promQl: { query: (expression) => this.#answered(() => options.world.query(expression)) },
      gateProbe: {
        carrier: () =>
          this.#answered(() => ({ carrier: options.world.gatePolicy.installed ? 'Policy' : 'None' })),
      },
      telemetry: rememberingTelemetry(memory, options.queueTelemetry),
      log: rememberingLog(memory),
      maxExecs: 16,
      maxExecsPerNode: 4,
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  lead(): void {
    this.engine.lead();
  }

  /** The process is gone: no timer of it fires, no promise of it settles, nothing of it is sent any more. */
  kill(): void {
    this.#alive = false;
    for (const stop of this.#unsubscribe.splice(0)) {
      stop();
    }
  }

  #clock(): Clock {
    const { clock } = this.#options.world;
    return {
      now: () => clock.now() + (this.#options.faults.clockAheadMs?.(clock.now(), this.#options.id) ?? 0),
      steady: () => clock.steady(),
      random: () => clock.random(),
      after: (delayMs, run) => clock.after(delayMs, () => this.#alive && run()),
    };
  }

  /** Never resolves once the process is dead. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.world.clock.after(ms, () => this.#alive && resolve()));
  }

  /** How long a request takes each way. */
  #wayMs(namespace: string): number {
    const { faults } = this.#options;
    return (faults.requestMs?.(namespace) ?? 2 * REQUEST_MS) / 2;
  }

  async #answered<T>(look: () => T, wayMs = REQUEST_MS): Promise<T> {
    await this.#sleep(wayMs);
    const answer = look();
    await this.#sleep(wayMs);
    return answer;
  }

  #read<T>(namespace: string, look: () => T): Promise<T> {
    return this.#reading.use(() => this.#answered(look, this.#wayMs(namespace)));
  }

  #watcher(): Watcher {
    return { watch: (kind, sink) => this.#watch(kind, sink) };
  }

  #watch<K extends WatchedKind>(kind: K, sink: (event: WatchEvent<Watched[K]>) => void): void {
    const { world, faults, id } = this.#options;
    const { clock, state } = world;
    let last = 0;
    const deliver = (event: () => WatchEvent<Watched[K]>) => {
      const at = Math.max(
        last,
        clock.now() + (faults.delayMs?.(kind) ?? WATCH_MS),
        faults.frozenUntil?.(kind, clock.now(), id) ?? 0,
      );
      last = at;
      clock.after(at - clock.now(), () => this.#alive && sink(deepFreeze(event())));
    };
    const change = (entry: Change) => {
      if (entry.kind !== kind || faults.drops?.(entry, id)) {
        return;
      }
      deliver(() => ({ type: entry.type, object: entry.object as Watched[K] }));
    };
    const list = (asOf: number) => {
      const items = state.asOf(kind, asOf);
      deliver(() => ({ type: 'synced', items, resourceVersion: String(asOf) }));
    };
    const from = faults.listsAsOf?.(kind, id) ?? state.version;
    list(from);
    for (const entry of state.log) {
      if (entry.version > from) {
        change(entry);
      }
    }
    this.#unsubscribe.push(state.onChange(change));
    const { resyncMs = 0 } = faults;
    const resync = () => {
      if (!this.#alive) {
        return;
      }
      list(state.version);
      clock.after(resyncMs, resync);
    };
    if (resyncMs > 0) {
      clock.after(resyncMs, resync);
    }
  }

  #reader(): Reader {
    const { world, memory } = this.#options;
    const { state } = world;
    return {
      getPod: (namespace, name) => {
        memory.looks.push(name);
        return this.#read(namespace, () => state.get('Pod', `${namespace}/${name}`) ?? 'gone');
      },
      failedCreate: ({ namespace, uid }) => this.#read(namespace, () => world.warnings.get(uid)),
      failedStart: ({ namespace, uid }) => this.#read(namespace, () => world.warnings.get(uid)),
      listUpgrades: (namespace) =>
        this.#read(namespace, () =>
          state.all('Upgrade').filter(({ metadata }) => metadata.namespace === namespace),
        ),
    };
  }

  async #exec(request: Parameters<World['kubelet']['exec']>[0]) {
    const pod = this.#options.world.state.get('Pod', `${request.namespace}/${request.pod}`);
    const key =
      pod?.containers.find(({ name }) => name === request.container)?.id ||
      `${request.pod}/${request.container}`;
    const here = (this.inContainer.get(key) ?? 0) + 1;
    this.inContainer.set(key, here);
    this.#execs++;
    this.mostInContainer = Math.max(this.mostInContainer, here);
    this.mostExecs = Math.max(this.mostExecs, this.#execs);
    const result = await this.#options.world.kubelet.exec(request, (ms) => this.#sleep(ms));
    this.inContainer.set(key, (this.inContainer.get(key) ?? 1) - 1);
    this.#execs--;
    return result;
  }

  #write<T>(
    kind: WriteKind,
    what: string,
    look: () => unknown,
    apply: () => Written<T>,
  ): Promise<Written<T>> {
    return this.#writing.use(() => this.#send(kind, what, look, apply));
  }

  async #send<T>(
    kind: WriteKind,
    what: string,
    look: () => unknown,
    apply: () => Written<T>,
  ): Promise<Written<T>> {
    const { writes, faults, id, world } = this.#options;
    const draft: WriteRecord = {
      number: writes.length + 1,
      at: world.clock.now(),
      operator: id,
      kind,
      what,
      result: 'pending',
    };
    const fault = faults.write?.(draft);
    const record = fault ? { ...draft, fault } : draft;
    writes.push(record);
    this.#options.sent?.(record);
    if (fault === 'before') {
      return this.#die(record, 'before');
    }
    const wayMs = this.#wayMs(namespaceOf(look()));
    await this.#sleep(wayMs);
    const before = look();
    const version = world.state.version;
    const refusal = refusalOf(fault);
    const answer: Written<T> = refusal ?? apply();
    record.result = answer.ok ? (world.state.version === version ? 'unchanged' : 'ok') : answer.failure.kind;
    if (record.result === 'ok') {
      this.#options.wrote(record, before, look());
    }
    if (fault === 'lost') {
      return this.#die(record, 'lost');
    }
    await this.#sleep(wayMs);
    if (fault === 'after') {
      world.clock.after(0, () => this.#die(record, 'after'));
    }
    if (fault === 'unanswered') {
      return refused('unavailable', 'no answer');
    }
    return answer;
  }

  #die(record: WriteRecord, how: Cut): Promise<never> {
    this.kill();
    this.#options.died(record, how);
    return new Promise<never>(() => {});
  }

  #writer(): Writer {
    const { world, events } = this.#options;
    const { state, kubelet, clock } = world;
    const pod = ({ namespace, name }: PodView) => state.get('Pod', `${namespace}/${name}`);
    return {
      patchStatus: (upgrade, status) =>
        this.#write(
          'patchStatus',
          `${status.phase}: ${status.message}`,
          () => state.get('Upgrade', keyOf(upgrade)),
          () => this.#patchStatus(upgrade, status),
        ),
      patchFinalizers: (upgrade, finalizers) =>
        this.#write(
          'patchFinalizers',
          finalizers.join(),
          () => state.get('Upgrade', keyOf(upgrade)),
          () => this.#patchFinalizers(upgrade, finalizers),
        ),
      patchImages: (workload, images, partition) => {
        const look = () => state.get(workload.kind, keyOf(workload));
        const [kind, what] =
          Object.keys(images).length > 0
            ? (['patchImages', JSON.stringify(images)] as const)
            : (['patchPartition', String(partition)] as const);
        return this.#write(kind, what, look, () =>
          workload.kind === 'StatefulSet' && workload.onDelete && partition !== undefined
            ? refused('invalid', 'spec.updateStrategy.rollingUpdate: only for type RollingUpdate')
            : this.#guarded(workload, isSameVersion, (now) =>
                world.setImages(now, images, 'postcheck', partition),
              ),
        );
      },
      // It reads the object itself first, so it is not behind.
      releaseFields: (workload) => {
        const look = () => state.get(workload.kind, keyOf(workload));
        return this.#write('releaseFields', '', look, () =>
          this.#guarded(
            workload,
            () => true,
            (now) =>
              state.put(now.kind, {
                ...now,
                holdsOurFields: world.keepsFields,
                imageManagers: Object.fromEntries(
                  Object.entries(now.imageManagers).filter(([, manager]) => manager !== 'postcheck'),
                ),
              }),
          ),
        );
      },
      patchVerified: (view, condition) =>
        this.#write(
          'patchVerified',
          `${view.name} ${condition.status} ${condition.reason}`,
          () => pod(view),
          () => {
            const now = pod(view);
            if (now?.uid !== view.uid) {
              return refused('notFound', `pod ${view.name}`);
            }
            const before = now.conditions[VERIFIED];
            const since = before?.status === condition.status ? before.since : wholeSeconds(clock.now());
            const conditions = { ...now.conditions, [VERIFIED]: { ...condition, since } };
            const stored = state.put('Pod', { ...now, conditions });
            kubelet.patched(stored);
            return ok(stored);
          },
        ),
      deletePod: (view) =>
        this.#write(
          'deletePod',
          view.name,
          () => pod(view),
          () => {
            if (pod(view)?.uid !== view.uid) {
              return refused('notFound', `pod ${view.name}`);
            }
            kubelet.terminate(view);
            return ok(undefined);
          },
        ),
      recordEvent: async ({ kind }, event) => {
        if (this.#alive && kind === 'Upgrade') {
          events.push(event);
        }
      },
    };
  }

  #patchFinalizers(upgrade: Upgrade, finalizers: readonly string[]): Written<Upgrade> {
    const { state } = this.#options.world;
    const now = state.get('Upgrade', keyOf(upgrade));
    if (now?.metadata.uid !== upgrade.metadata.uid) {
      return refused('notFound', 'upgrade');
    }
    if (
      !isAsDecidedOn(now, upgrade) ||
      !isDeepStrictEqual(now.metadata.finalizers ?? [], upgrade.metadata.finalizers ?? [])
    ) {
      return refused('conflict', 'the Upgrade has changed');
    }
    const next = { ...now, metadata: { ...now.metadata, finalizers } };
    if (finalizers.length > 0 || !now.metadata.deletionTimestamp) {
      return ok(state.put('Upgrade', next));
    }
    state.remove('Upgrade', now);
    return ok(next);
  }

  #patchStatus(upgrade: Upgrade, status: UpgradeStatus): Written<Upgrade> {
    const { world } = this.#options;
    const { state } = world;
    const now = state.get('Upgrade', keyOf(upgrade));
    if (now?.metadata.uid !== upgrade.metadata.uid) {
      return refused('notFound', 'upgrade');
    }
    if (!isAsDecidedOn(now, upgrade)) {
      return refused('conflict', 'the Upgrade has changed');
    }
    if (world.refusesStatus(status)) {
      return refused('invalid', 'status.pods[0].reason: Too long');
    }
    return ok(state.put('Upgrade', { ...now, status: world.storesStatus(asStored(status)) }));
  }

  #guarded(
    view: WorkloadView,
    isFor: (now: WorkloadView, view: WorkloadView) => boolean,
    change: (now: WorkloadView) => WorkloadView,
  ): Written<WorkloadView> {
    const now = this.#options.world.state.get(view.kind, keyOf(view));
    if (!now) {
      return refused('notFound', view.name);
    }
    if (now.uid !== view.uid || !isFor(now, view)) {
      return refused('conflict', 'the workload has changed');
    }
    return ok(change(now));
  }
}

/** A write is held against these, not against labels, annotations and finalizers. */
const isAsDecidedOn = (now: Upgrade, { metadata, status }: Upgrade): boolean =>
  now.metadata.generation === metadata.generation && isDeepStrictEqual(now.status, status);

const namespaceOf = (object: unknown): string =>
  object === undefined ? '' : (keyOf(object as Parameters<typeof keyOf>[0]).split('/')[0] ?? '');

/** JSON in UTF-8: half a character comes back as U+FFFD. */
function asStored(status: UpgradeStatus): UpgradeStatus {
  const text = JSON.stringify(status);
  const wellFormed = (_key: string, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value;
  return JSON.parse(text, text.includes('\\ud') ? wellFormed : undefined) as UpgradeStatus;
}

function refusalOf(fault: Fault | undefined): { ok: false; failure: RequestFailure } | undefined {
  switch (fault) {
    case 'conflict':
    case 'forbidden':
    case 'unavailable':
      return refused(fault, fault);
    case 'throttled':
      return { ok: false, failure: { kind: 'throttled', message: 'slow down', retryAfterMs: 5000 } };
    default:
      return undefined;
  }
}
