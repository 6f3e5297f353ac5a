/**
 * What the operator remembers without storing it: cycles, and since when containers wait and nodes are back.
 * All of it may be lost at any time; deadlines are not kept here.
 */
import type { NodeView, PodView } from '../api/views.ts';
import type { RestartsSeen } from '../core/snapshot.ts';
import { isStuck, waitingFamily } from '../core/verification/container-findings.ts';
import { type PodRecord, shiftRecord } from '../core/verification/probe-cycle.ts';
import { PodResults } from '../core/verification/results.ts';
import type { Clock } from './ports.ts';

/** Clocks are slewed by less; more than this was set. */
const CLOCK_SET_MS = 1000;

/** Characters of output that are kept of all pods together. */
const MOST_OUTPUT = 4 * 1024 * 1024;

const withoutOutput = (record: PodRecord): PodRecord => ({
  ...record,
  tries: record.tries.map((one) => ({ ...one, verdict: { ...one.verdict, output: '' } })),
});

export class LocalState {
  readonly records = new Map<string, PodRecord>();
  readonly waitingSince = new Map<string, { reason: string; since: number }>();
  /** The result that was last recorded on a pod: the same again means that somebody has undone it. */
  readonly recorded = new Map<string, string>();
  /** Restarts of a pod's containers when it was first seen in a verification. */
  readonly restartsSeen = new Map<string, RestartsSeen>();
  readonly nodeBackAt = new Map<string, number>();
  readonly #results = new Map<string, PodResults>();
  readonly #lost = new Set<string>();
  /** Characters of output by pod, the oldest first. */
  readonly #outputs = new Map<string, number>();
  #outputSize = 0;
  /** What the clock showed more than the steady one. */
  #offset: number | undefined;
  readonly #clock: Pick<Clock, 'now' | 'steady'>;

  constructor(clock: Pick<Clock, 'now' | 'steady'>) {
    this.#clock = clock;
  }

  /** When somebody has set the clock, what is remembered moves with it: a span stays what it was. */
  followClock(): void {
    const offset = this.#clock.now() - this.#clock.steady();
    const setBy = offset - (this.#offset ?? offset);
    if (this.#offset !== undefined && Math.abs(setBy) < CLOCK_SET_MS) {
      return;
    }
    this.#offset = offset;
    if (setBy !== 0) {
      this.#shift(setBy);
    }
  }

  /** Notes since when containers of the pod wait for a reason that may be final. */
  observePod(pod: PodView): void {
    this.followClock();
    for (const container of pod.containers) {
      const key = `${pod.uid}/${container.name}`;
      const family = waitingFamily(container.reason);
      if (!isStuck(container)) {
        this.waitingSince.delete(key);
      } else if (this.waitingSince.get(key)?.reason !== family) {
        this.waitingSince.set(key, { reason: family, since: this.#clock.now() });
      }
    }
  }

  /** Notes how often containers of the pods had restarted when a verification began, or first came to it. */
  beginVerification(pods: readonly PodView[], verification: string): void {
    for (const pod of pods) {
      if (this.restartsSeen.get(pod.uid)?.verification !== verification) {
        const restarts = new Map(pod.containers.map((container) => [container.name, container.restarts]));
        this.restartsSeen.set(pod.uid, { verification, restarts });
      }
    }
  }

  /** Remembers what was found out about a pod. The outputs of all pods together are bounded, the oldest go first: only a few are ever shown. */
  keepRecord(uid: string, record: PodRecord): void {
    this.records.set(uid, record);
    this.#dropOutput(uid);
    const size = record.tries.reduce((sum, { verdict }) => sum + verdict.output.length, 0);
    if (size > 0) {
      this.#outputs.set(uid, size);
      this.#outputSize += size;
    }
    for (const [oldest] of this.#outputs) {
      const known = this.records.get(oldest);
      if (this.#outputSize <= MOST_OUTPUT || oldest === uid) {
        break;
      }
      this.#dropOutput(oldest);
      if (known) {
        this.records.set(oldest, withoutOutput(known));
      }
    }
  }

  #dropOutput(uid: string): void {
    this.#outputSize -= this.#outputs.get(uid) ?? 0;
    this.#outputs.delete(uid);
  }

  /** The results of an Upgrade's pods so far. */
  resultsOf(key: string): PodResults {
    const known = this.#results.get(key) ?? new PodResults();
    this.#results.set(key, known);
    return known;
  }

  forgetResults(key: string): void {
    this.#results.delete(key);
  }

  /** Notes when a node that was lost came back, by our clock: its own may be wrong. */
  observeNode({ name, ready }: NodeView): void {
    this.followClock();
    if (!ready) {
      this.#lost.add(name);
    } else if (this.#lost.delete(name)) {
      this.nodeBackAt.set(name, this.#clock.now());
    }
  }

  forgetPod(pod: PodView): void {
    this.records.delete(pod.uid);
    this.#dropOutput(pod.uid);
    this.recorded.delete(pod.uid);
    this.restartsSeen.delete(pod.uid);
    for (const { name } of pod.containers) {
      this.waitingSince.delete(`${pod.uid}/${name}`);
    }
  }

  forgetNode(name: string): void {
    this.#lost.delete(name);
    this.nodeBackAt.delete(name);
  }

  #shift(byMs: number): void {
    for (const [uid, record] of this.records) {
      this.records.set(uid, shiftRecord(record, byMs));
    }
    for (const [key, { reason, since }] of this.waitingSince) {
      this.waitingSince.set(key, { reason, since: since + byMs });
    }
    for (const [name, at] of this.nodeBackAt) {
      this.nodeBackAt.set(name, at + byMs);
    }
  }
}
