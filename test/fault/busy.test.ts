/** A watch that brings more than can be decided on: it is read all the same, and decided on when there is time. */
import { createSecureServer, type Http2ServerResponse } from 'node:http2';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PodView } from '../../src/api/views.ts';
import { Queue } from '../../src/engine/queue.ts';
import { Connection } from '../../src/kube/client/connection.ts';
import { HttpClient } from '../../src/kube/client/http.ts';
import { RESOURCES } from '../../src/kube/client/paths.ts';
import { Requests } from '../../src/kube/client/request.ts';
import { StreamClient } from '../../src/kube/client/stream-client.ts';
import { PROJECTIONS } from '../../src/kube/objects/decoders.ts';
import { Reflector } from '../../src/kube/watch/reflector.ts';
import { type Certificates, Connections, listen, makeCertificates } from './server.ts';

const EVENTS = 2000;
/** What one decision takes, in a process that has only one thread. */
const DECISION_MS = 5;

let certificates: Certificates;
beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => certificates.remove());

const pod = (version: number): object => ({
  metadata: {
    namespace: 'shop',
    name: 'web-0',
    uid: 'web-0',
    resourceVersion: String(version),
    annotations: { padding: 'x'.repeat(3000) },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'web', uid: 'd', controller: true }],
  },
});
const INITIAL_END = {
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: '10', annotations: { 'k8s.io/initial-events-end': 'true' } } },
};

function burn(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; ) {
    // One thread is busy.
  }
}

test('thousands of changes of one workload are all read, and few decisions are made of them', async () => {
  let watch: Http2ServerResponse | undefined;
  const server = createSecureServer(certificates, (_, response) => {
    watch = response;
    response.write(`${JSON.stringify(INITIAL_END)}\n`);
  });
  const connections = new Connections();
  connections.track(server);
  const connection = new Connection({ kubeconfig: await listen(server, certificates) });
  const http = new HttpClient(connection, 1);
  const streams = new StreamClient(connection);
  let [read, decisions] = [0, 0];
  const silent = () => {};
  const queue = new Queue({
    clock: {
      now: Date.now,
      steady: () => performance.now(),
      random: Math.random,
      after: (_ms, run) => {
        const immediate = setImmediate(run);
        return () => clearImmediate(immediate);
      },
    },
    workers: 8,
    reservedWorkers: 0,
    begins: () => false,
    announces: () => false,
    telemetry: { depth: silent, added: silent, retried: silent, waited: silent, worked: silent },
    work: async () => {
      decisions++;
      burn(DECISION_MS);
      return {};
    },
  });
  queue.start();
  const reflector = new Reflector<PodView>(streams, new Requests(http), {
    target: { resource: RESOURCES.Pod },
    projection: PROJECTIONS.Pod,
    sink: (event) => {
      read += event.type === 'upsert' ? 1 : 0;
      queue.add('shop/web');
    },
  });
  reflector.start();
  const settled = async (condition: () => boolean) => {
    while (!condition()) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await settled(() => reflector.status().synced);
  // As large a window as Go's client grants: a busy moment does not stop the server's writing.
  expect(watch?.stream.session?.remoteSettings.initialWindowSize).toBe(4 * 1024 * 1024);
  for (let i = 0; i < EVENTS; i++) {
    watch?.write(`${JSON.stringify({ type: 'MODIFIED', object: pod(11 + i) })}\n`);
  }
  await settled(() => read === EVENTS);
  await queue.stop();
  expect(decisions).toBeLessThan(EVENTS / 10);
  expect(reflector.status().state).toBe('watching');
  await reflector.stop();
  streams.close();
  http.close();
  await connections.close(server);
}, 60_000);
