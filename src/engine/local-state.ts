/**
 * State that is in memory only: probe cycles, how long containers have been waiting, and when nodes came back.
 * All of it may be lost at any time, so it contains no deadlines.
 */
import type { NodeView, PodView } from '../api/views.ts';
import type { RestartsSeen } from '../core/snapshot.ts';
import { isStuck, waitingFamily } from '../core/verification/container-findings.ts';
import { type PodRecord, shiftRecord } from '../core/verification/probe-cycle.ts';
import { PodResults } from '../core/verification/results.ts';
import type { Clock } from './ports.ts';

/** A larger difference means that the clock was set; slewing stays below. */
const CLOCK_SET_MS = 1000;

/** Limit of the output kept for all pods together, in characters. */
const MAX_OUTPUT = 4 * 1024 * 1024;

const withoutOutput = (record: PodRecord): PodRecord => ({
  ...record,
  tries: record.tries.map((one) => ({ ...one, verdict: { ...one.verdict, output: '' } })),
});

export class LocalState {
  readonly records = new Map<string, PodRecord>();
  readonly waitingSince = new Map<string, { reason: string; since: number }>();
  /** The result that was last recorded on each pod: recording it again means that another client reverted it. */
  readonly recorded = new Map<string, string>();
  /** Restart counts of each pod's containers when it was first seen in a verification. */
  readonly restartsSeen = new Map<string, RestartsSeen>();
  readonly nodeBackAt = new Map<string, number>();
  readonly #results = new Map<string, PodResults>();
  /** The verification that an Upgrade's pods were last seen in. */
  readonly #verifications = new Map<string, string>();
  readonly #lost = new Set<string>();
  /** Characters of output of each pod, the oldest first. */
  readonly #outputs = new Map<string, number>();
  #outputSize = 0;
  /** How far the wall clock is ahead of the monotonic clock. */
  #offset: number | undefined;
  readonly #clock: Pick<Clock, 'now' | 'steady'>;

  constructor(clock: Pick<Clock, 'now' | 'steady'>) {
    this.#clock = clock;
  }

  /** If the clock was set, shifts all remembered times with it, so that durations stay the same. */
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

  /** Remembers since when containers of the pod have been waiting for a reason that may be terminal. */
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

  /** Remembers the restart counts of an Upgrade's pods when they are first seen in a verification. */
  beginVerification(key: string, pods: readonly PodView[], verification: string): void {
    const known = this.#verifications.get(key);
    // The same text: comparing it with that of thousands of pods is then a comparison of pointers.
    const current = known === verification ? known : verification;
    this.#verifications.set(key, current);
    for (const pod of pods) {
      if (this.restartsSeen.get(pod.uid)?.verification !== current) {
        const restarts = new Map(pod.containers.map((container) => [container.name, container.restarts]));
        this.restartsSeen.set(pod.uid, { verification: current, restarts });
      }
    }
  }

  /** Stores the record of a pod. The output of all pods together is limited, and the oldest is dropped first: only a little is ever shown. */
  setRecord(uid: string, record: PodRecord): void {
    this.records.set(uid, record);
    this.#dropOutput(uid);
    const size = record.tries.reduce((sum, { verdict }) => sum + verdict.output.length, 0);
    if (size > 0) {
      this.#outputs.set(uid, size);
      this.#outputSize += size;
    }
    for (const [oldest] of this.#outputs) {
      const known = this.records.get(oldest);
      if (this.#outputSize <= MAX_OUTPUT || oldest === uid) {
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
    this.#verifications.delete(key);
  }

  /** Remembers when a lost node came back, by our clock, because the node's clock may be wrong. */
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
