/** A hostile API server at the other end of a watch: whatever it sends, the next sound list is what the watcher believes. */
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { NodeView } from '../../src/api/views.ts';
import type { WatchEvent } from '../../src/engine/ports.ts';
import { Connection } from '../../src/kube/client/connection.ts';
import { HttpClient } from '../../src/kube/client/http.ts';
import { RESOURCES } from '../../src/kube/client/paths.ts';
import { Requests } from '../../src/kube/client/request.ts';
import { StreamClient } from '../../src/kube/client/stream-client.ts';
import { PROJECTIONS } from '../../src/kube/objects/decoders.ts';
import { Reflector } from '../../src/kube/watch/reflector.ts';
import { Connections, listen, makeCertificates } from '../fault/server.ts';
import { mutateBytes, mutateText } from './mutate.ts';
import { Random } from './random.ts';
import type { Hostile } from './sockets.ts';

const TIMING = {
  firstMs: 1,
  longestMs: 1,
  longestAfterProgressMs: 1,
  healthyMs: 1,
  silentMs: 600_000,
  silentUnpingedMs: 600_000,
  renewMs: 600_000,
  relistMs: 600_000,
  listMs: 600_000,
};

const node = (name: string, version: string): object => ({
  metadata: { name, uid: name, resourceVersion: version },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
});
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
const complete = (version: string): string =>
  line('BOOKMARK', {
    metadata: { resourceVersion: version, annotations: { 'k8s.io/initial-events-end': 'true' } },
  });
const EXPIRED = line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });

function someLine(random: Random, newest: number): string {
  const name = `node-${random.below(5)}`;
  // Now and then the versions go back.
  const version = String(newest + random.below(50) - (random.chance(0.1) ? 100 : 0));
  return random.pick([
    () => line(random.pick(['ADDED', 'MODIFIED', 'DELETED']), node(name, version)),
    () => line('BOOKMARK', { metadata: { resourceVersion: version } }),
    () => complete(version),
    () => EXPIRED,
    () => line('ERROR', { kind: 'Status', code: 500, message: 'x'.repeat(random.below(20_000)) }),
    () =>
      line('ADDED', {
        metadata: { ...node(name, version), annotations: { big: 'y'.repeat(random.below(100_000)) } },
      }),
  ])();
}

function hostileBody(random: Random, newest: number): Buffer {
  const lines = Array.from({ length: random.below(8) }, () =>
    random.chance(0.5) ? someLine(random, newest) : mutateText(random, someLine(random, newest)),
  );
  const body = Buffer.from(lines.join(''));
  return random.chance(0.3) ? mutateBytes(random, body) : body;
}

/** What a server may say in place of a stream. 429 would have to be waited for. */
const STATUSES = [200, 200, 200, 200, 200, 200, 400, 401, 403, 404, 410, 500, 503];

function serveHostile(random: Random, newest: number, response: Http2ServerResponse): void {
  response.writeHead(random.pick(STATUSES), {
    'content-type': mutateText(random, 'application/json').replaceAll(/[^ -~]/g, ''),
  });
  const body = hostileBody(random, newest);
  const cut = random.below(body.length + 1);
  response.write(body.subarray(0, cut), () =>
    response.write(body.subarray(cut), () =>
      random.chance(0.5) ? response.end() : response.stream.close(random.pick([0, 2, 8, 11])),
    ),
  );
}

type Serve = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** The next version that a sound server has: newer than any before. */
function trueList(version: number): { names: readonly string[]; text: string; page: string } {
  const names = [`true-${version}`, 'node-1'];
  return {
    names,
    text: [
      ...names.map((name) => line('ADDED', node(name, String(version)))),
      complete(String(version)),
    ].join(''),
    page: JSON.stringify({
      metadata: { resourceVersion: String(version) },
      items: names.map((name) => node(name, String(version))),
    }),
  };
}

export async function hostileWatches(): Promise<Hostile> {
  const certificates = makeCertificates();
  const server = createSecureServer({ ...certificates, allowHTTP1: true });
  const connections = new Connections();
  connections.track(server);
  const outcomes = new Set<string>();
  const wrong: string[] = [];
  let version = 1_000;
  let serve: Serve | undefined;
  let waiting: Parameters<Serve> | undefined;
  const next = (how: Serve): void => {
    const asked = waiting;
    waiting = undefined;
    serve = how;
    if (asked) {
      serve = undefined;
      how(...asked);
    }
  };
  server.on('sessionError', () => undefined);
  server.on('request', (request, response) => {
    response.on('error', () => undefined);
    if (new URL(request.url, 'https://x').searchParams.get('limit') === '1') {
      response.end(JSON.stringify({ metadata: { resourceVersion: String(version) } }));
      return;
    }
    const how = serve;
    serve = undefined;
    if (how) {
      how(request, response);
    } else {
      waiting = [request, response];
    }
  });
  let synced: (items: readonly string[]) => void = () => undefined;
  const connection = new Connection({ kubeconfig: await listen(server, certificates) });
  const streams = new StreamClient(connection);
  const http = new HttpClient(connection, 2);
  const reflector = new Reflector<NodeView>(streams, new Requests(http), {
    target: { resource: RESOURCES.Node },
    projection: PROJECTIONS.Node,
    timing: TIMING,
    listener: { failed: () => void outcomes.add('failed'), changed: () => undefined },
    sink(event: WatchEvent<NodeView>) {
      if (event.type === 'synced') {
        outcomes.add('synced');
        synced(event.items.map(({ name }) => name));
        return;
      }
      outcomes.add('change');
      if (typeof event.object.name !== 'string') {
        wrong.push(`an object without a name: ${JSON.stringify(event)}`);
      }
    },
  });
  reflector.start();
  return {
    outcomes,
    openSockets: () => Math.max(0, connections.size - 2),
    async play(seed) {
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      const random = new Random(seed);
      const newest = version;
      version += 100;
      const { names, text, page } = trueList(version);
      // More than once: a version that went back is reported before it is believed.
      const sound: Serve = (request, response) => {
        const asked = new URL(request.url, 'https://x').searchParams;
        const isList = asked.has('sendInitialEvents');
        // After a refusal of its parameters a server counts as one without streaming lists.
        const isPage = !asked.has('watch');
        synced = (items) => {
          serve = undefined;
          const same = JSON.stringify(items) === JSON.stringify(names);
          resolve(same ? wrong.shift() : `believes ${items} instead of ${names}`);
        };
        next(sound);
        response.end(isPage ? page : isList ? text : EXPIRED);
      };
      next((_request, response) => {
        serveHostile(random, newest, response);
        next(sound);
      });
      const result = await promise;
      synced = () => undefined;
      return result;
    },
    async close() {
      await reflector.stop();
      streams.close();
      http.close();
      await connections.close(server);
      certificates.remove();
    },
  };
}
