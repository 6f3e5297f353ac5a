/** An API server that takes no events: clusters store them apart (--etcd-servers-overrides), and that store can be down alone. */
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { expect, test } from '@jest/globals';
import type { Upgrade } from '../../src/api/types.ts';
import { connect } from '../../src/kube/cluster.ts';
import { specOf } from '../support/snapshots.ts';
import { Connections, listen, makeCertificates } from './server.ts';

/** More than there are connections of any kind. */
const EVENTS = 40;

const upgrade: Upgrade = {
  metadata: {
    namespace: 'shop',
    name: 'web',
    uid: 'u',
    resourceVersion: '7',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: {},
  },
  spec: specOf(),
};

test('events that are not answered hold up no write', async () => {
  const certificates = makeCertificates();
  const held: ServerResponse[] = [];
  const server = createServer(certificates, (request, response) => {
    request.resume();
    if (request.url?.includes('/events')) {
      held.push(response);
    } else {
      response.end(JSON.stringify({ ...upgrade, metadata: { ...upgrade.metadata, resourceVersion: '8' } }));
    }
  });
  const connections = new Connections();
  connections.track(server);
  const cluster = await connect({
    kubeconfig: await listen(server, certificates),
    namespaces: [],
    identity: 'postcheck-0',
    gatePolicyName: 'postcheck-gate',
  });
  try {
    const events = Array.from({ length: EVENTS }, (_, index) =>
      cluster.writer.recordEvent(
        { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: `web-${index}`, uid: `u-${index}` },
        { type: 'Normal', reason: 'PostCheckPassed', action: 'Verifying', note: 'said' },
      ),
    );
    while (held.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // Had it to wait for an event, it would end as late as that one, without an answer.
    const written = await cluster.writer.patchStatus(upgrade, { phase: 'Pending' });
    expect(written).toMatchObject({ ok: true });
    await connections.close(server);
    await Promise.all(events);
  } finally {
    await cluster.close();
    await connections.close(server);
    certificates.remove();
  }
}, 60_000);
