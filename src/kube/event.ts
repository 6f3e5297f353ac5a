import { randomBytes } from 'node:crypto';
import { GROUP, VERSION } from '../api/names.ts';
import type { UpgradeMeta } from '../api/types.ts';
import type { OperatorEvent } from '../engine/ports.ts';
import { microTime } from './micro-time.ts';

/** The API server refuses longer notes. */
const longestNoteBytes = 1024;

/** The body of an `events.k8s.io/v1` Event about an Upgrade; shown by `kubectl describe upgrade` and `kubectl get events`. `now` in ms since the epoch. */
export function eventBody(
  upgrade: UpgradeMeta,
  event: OperatorEvent,
  by: { identity: string; now: number },
): Record<string, unknown> {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {
      namespace: upgrade.namespace,
      name: `${upgrade.name.slice(0, 230)}.${randomBytes(8).toString('hex')}`,
    },
    eventTime: microTime(by.now),
    reportingController: `${GROUP}/operator`,
    reportingInstance: by.identity.slice(0, 128),
    type: event.type,
    reason: event.reason,
    action: event.action,
    note: cut(event.note),
    regarding: {
      apiVersion: `${GROUP}/${VERSION}`,
      kind: 'Upgrade',
      namespace: upgrade.namespace,
      name: upgrade.name,
      uid: upgrade.uid,
      resourceVersion: upgrade.resourceVersion,
    },
  };
}

function cut(note: string): string {
  const bytes = Buffer.from(note, 'utf8');
  if (bytes.length <= longestNoteBytes) {
    return note;
  }
  const kept = bytes
    .subarray(0, longestNoteBytes - 3)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
  return `${kept}…`;
}
