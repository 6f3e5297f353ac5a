import { randomBytes } from 'node:crypto';
import { cut, cutBytes } from '../../api/cut.ts';
import { GROUP, VERSION } from '../../api/names.ts';
import type { UpgradeMeta } from '../../api/types.ts';
import type { OperatorEvent } from '../../engine/ports.ts';
import { microTime } from './micro-time.ts';

/** The API server refuses longer notes. */
const LONGEST_NOTE_BYTES = 1024;

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
      name: `${cut(upgrade.name, 230)}.${randomBytes(8).toString('hex')}`,
    },
    eventTime: microTime(by.now),
    reportingController: `${GROUP}/operator`,
    reportingInstance: cut(by.identity, 128),
    type: event.type,
    reason: event.reason,
    action: event.action,
    note: cutBytes(event.note, LONGEST_NOTE_BYTES),
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
