/** Reads and writes the spec of a Lease. */
import { count, record, text } from '../client/json.ts';
import { microTime } from '../objects/micro-time.ts';

/** What an election needs of a Lease. */
export interface LeaseRecord {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Empty: released. */
  readonly holder: string;
  /** How long after its last change the holder may still consider itself the leader. */
  readonly durationMs: number;
  readonly transitions: number;
  /** Changes with each write of the holder. Only compared for equality, because other machines' clocks are not trusted. */
  readonly content: string;
}

/** A duration that was edited manually must not lock out all replicas. */
const LONGEST_DURATION_MS = 60_000;

export function readLease(raw: unknown): LeaseRecord {
  const { metadata, spec } = record(raw);
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = record(spec);
  return {
    uid: text(record(metadata).uid),
    resourceVersion: text(record(metadata).resourceVersion),
    holder: text(holderIdentity),
    durationMs: Math.min(Math.max(count(leaseDurationSeconds) * 1000, 0), LONGEST_DURATION_MS),
    transitions: count(leaseTransitions),
    content: JSON.stringify(spec ?? null),
  };
}

/** Returns the `spec` for acquiring the Lease (after the previous one, if any) at `now`, ms since the epoch. */
export function takenSpec(
  holder: string,
  durationMs: number,
  now: number,
  before?: LeaseRecord,
): Record<string, unknown> {
  return {
    holderIdentity: holder,
    leaseDurationSeconds: Math.max(1, Math.round(durationMs / 1000)),
    acquireTime: microTime(now),
    renewTime: microTime(now),
    leaseTransitions: before === undefined ? 0 : before.transitions + 1,
  };
}

/** Returns the `spec` for releasing the Lease: any replica may acquire it at once. */
export function releasedSpec(now: number): Record<string, unknown> {
  return { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(now) };
}
