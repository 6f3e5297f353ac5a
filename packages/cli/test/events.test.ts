/** The timeline of events, of which those of Kubernetes' own controllers have whole seconds. */
import { expect, test } from '@jest/globals';
import { Stage } from '../../../test/support/stage.ts';
import type { Cluster } from '../src/cluster.ts';
import type { Scene } from '../src/scene.ts';
import { eventLines } from '../src/verbs/events.ts';
import { fakeIo } from './io.ts';

const event = (reason: string, kind: string, times: object) => ({
  metadata: { uid: reason },
  type: 'Normal',
  reason,
  regarding: { kind, name: 'web' },
  note: 'something happened',
  ...times,
});

test('of one second come first the events that state no more than seconds, as the others follow from them', async () => {
  const events = [
    event('FallbackVerified', 'Upgrade', { eventTime: '2026-01-01T03:00:05.412000Z' }),
    event('Later', 'Deployment', { deprecatedLastTimestamp: '2026-01-01T03:00:06Z' }),
    event('ScalingReplicaSet', 'Deployment', { deprecatedLastTimestamp: '2026-01-01T03:00:05Z' }),
    event('UpgradeStarted', 'Upgrade', { eventTime: '2026-01-01T03:00:04.900000Z' }),
  ];
  const cluster = { list: async () => events } as unknown as Cluster;
  const { upgrade } = new Stage();
  const scene = { upgrade, revisions: [], pods: [] } as unknown as Scene;
  const lines = await eventLines(fakeIo(), cluster, scene);
  const reasons = ['UpgradeStarted', 'ScalingReplicaSet', 'FallbackVerified', 'Later'];
  expect(lines.slice(1).map((line) => reasons.find((reason) => line.includes(reason)))).toEqual(reasons);
});
