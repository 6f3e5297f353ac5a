/** Builds the body of an event. */
import { randomBytes } from 'node:crypto';
import { cut, cutBytes } from '../../api/cut.ts';
import { GROUP } from '../../api/names.ts';
import { printableLine } from '../../api/printable.ts';
import type { ObjectReference, OperatorEvent } from '../../engine/ports.ts';
import { microTime } from './micro-time.ts';

/** The API server rejects longer notes. `kubectl get events` prints line ends as they are, so a second line could pose as another event. */
const LONGEST_NOTE_BYTES = 1024;

export interface EventBody {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly [field: string]: unknown;
}

/** Event names as in client-go: `kubectl describe` sorts by name, so the digits have a fixed length to sort by time. */
const nanoseconds = (ms: number): string =>
  (BigInt(Math.round(ms)) * 1_000_000n).toString(16).padStart(16, '0');

/** Returns the body of an `events.k8s.io/v1` Event, as `kubectl describe` and `kubectl get events` show it. `now` in ms since the epoch. */
export function eventBody(
  regarding: ObjectReference,
  event: OperatorEvent,
  by: { identity: string; now: number },
): EventBody {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {
      namespace: regarding.namespace,
      // A name that is cut behind a hyphen or a dot would be no name.
      name: `${cut(regarding.name, 220).replace(/[-.]+$/, '')}.${nanoseconds(by.now)}${randomBytes(4).toString('hex')}`,
    },
    eventTime: microTime(by.now),
    reportingController: `${GROUP}/operator`,
    reportingInstance: cut(by.identity, 128),
    type: event.type,
    reason: event.reason,
    action: event.action,
    note: cutBytes(printableLine(event.note), LONGEST_NOTE_BYTES),
    regarding,
    ...(event.related ? { related: event.related } : {}),
  };
}
