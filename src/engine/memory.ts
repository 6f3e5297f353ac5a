/** What the operator remembers without storing it: cycles, and since when containers wait. All of it may be lost at any time; deadlines are not kept here. */
import type { PodView } from '../api/views.ts';
import { isTerminalReason, waitingFamily } from '../core/verification/pod.ts';
import type { PodRecord } from '../core/verification/probe-cycle.ts';

export class Memory {
  readonly records = new Map<string, PodRecord>();
  readonly waitingSince = new Map<string, { reason: string; since: number }>();
  readonly nodeBackAt = new Map<string, number>();
  readonly #lost = new Set<string>();

  /** Notes since when containers of the pod wait for a reason that may be final. */
  seen(pod: PodView, now: number): void {
    for (const { name, state, reason } of pod.containers) {
      const key = `${pod.uid}/${name}`;
      const family = waitingFamily(reason);
      if (state !== 'waiting' || !isTerminalReason(reason)) {
        this.waitingSince.delete(key);
      } else if (this.waitingSince.get(key)?.reason !== family) {
        this.waitingSince.set(key, { reason: family, since: now });
      }
    }
  }

  /** Notes when a node that was lost came back, by our clock: its own may be wrong. */
  seenNode(name: string, ready: boolean, now: number): void {
    if (!ready) {
      this.#lost.add(name);
    } else if (this.#lost.delete(name)) {
      this.nodeBackAt.set(name, now);
    }
  }

  forget(pod: PodView): void {
    this.records.delete(pod.uid);
    for (const { name } of pod.containers) {
      this.waitingSince.delete(`${pod.uid}/${name}`);
    }
  }
}
