/** What can go wrong with a list-watch, against a real TLS server that does exactly that; over HTTP/2 and over HTTP/1.1. */

import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { NodeView } from '../../src/api/views.ts';
import type { WatchEvent } from '../../src/engine/ports.ts';
import { Connection } from '../../src/kube/client/connection.ts';
import { HttpClient } from '../../src/kube/client/http.ts';
import { RESOURCES } from '../../src/kube/client/paths.ts';
import { Requests } from '../../src/kube/client/request.ts';
import { StreamClient } from '../../src/kube/client/stream-client.ts';
import { PROJECTIONS } from '../../src/kube/objects/decoders.ts';
import { Reflector, type ReflectorOptions } from '../../src/kube/watch/reflector.ts';
import { type Certificates, Connections, listen, makeCertificates, writeKubeconfig } from './server.ts';

const timing = {
  firstMs: 20,
  longestMs: 200,
  longestAfterProgressMs: 40,
  healthyMs: 5_000,
  silentMs: 400,
  silentUnpingedMs: 400,
  renewMs: 60_000,
  relistMs: 60_000,
  listMs: 400,
};

/** One request: its query, and the means to answer it. */
interface Exchange {
  readonly query: URLSearchParams;
  readonly at: number;
  readonly response: Http2ServerResponse;
  readonly send: (...lines: unknown[]) => void;
  readonly end: () => void;
  readonly reset: () => void;
  readonly refuse: (status: number, body?: string, headers?: Record<string, string>) => void;
}
type Behaviour = (exchange: Exchange) => void;

const node = (name: string, resourceVersion: string): object => ({
  metadata: { name, uid: name, resourceVersion },
});
const added = (name: string, version: string): object => ({ type: 'ADDED', object: node(name, version) });
const bookmark = (version: string): object => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: version } },
});
const complete = (version: string): object => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: version, annotations: { 'k8s.io/initial-events-end': 'true' } } },
});
const error = (code: number, reason = 'X'): object => ({
  type: 'ERROR',
  object: { kind: 'Status', code, reason, message: 'because' },
});
const status = (code: number): string => JSON.stringify({ kind: 'Status', code, message: 'because' });

let certificates: Certificates;
let stops: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => certificates.remove());
beforeEach(() => {
  stops = [];
});
afterEach(async () => {
  for (const stop of stops.reverse()) {
    await stop();
  }
});

/**
 * A server whose requests are answered by the behaviours in turn, the last one for all that follow. `version` is what it says it has come
 * to, when it is asked for that alone after an interruption.
 */
async function serve(
  protocol: string,
  behaviours: Behaviour[],
  version = () => '999999',
): Promise<{ kubeconfig: string; port: number; asked: Exchange[] }> {
  const asked: Exchange[] = [];
  const alpn = protocol === 'h2' ? {} : { ALPNProtocols: ['http/1.1'] };
  const server: Http2SecureServer = createSecureServer({ ...certificates, allowHTTP1: true, ...alpn });
  server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const exchange = exchangeOf(request, response);
    if (exchange.query.get('limit') === '1') {
      response.end(JSON.stringify({ metadata: { resourceVersion: version() } }));
      return;
    }
    asked.push(exchange);
    (behaviours[Math.min(asked.length, behaviours.length) - 1] as Behaviour)(exchange);
  });
  const connections = new Connections();
  connections.track(server);
  server.on('sessionError', () => {});
  const kubeconfig = await listen(server, certificates);
  stops.push(() => connections.close(server));
  return { kubeconfig, port: (server.address() as AddressInfo).port, asked };
}

function exchangeOf(request: Http2ServerRequest, response: Http2ServerResponse): Exchange {
  response.on('error', () => {});
  const write = (text: string): void => void response.write(text);
  return {
    query: new URL(request.url, 'https://x').searchParams,
    at: performance.now(),
    response,
    send: (...lines) => {
      for (const line of lines) {
        write(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`);
      }
    },
    end: () => void response.end(),
    reset: () => void (request.httpVersion === '2.0' ? response.stream.close(2) : request.socket.destroy()),
    refuse: (code, body = status(code), headers = {}) => {
      response.writeHead(code, headers);
      response.end(body);
    },
  };
}

/** Starts a reflector and gives what it has told. */
function reflect(
  kubeconfig: string,
  options: Partial<ReflectorOptions<NodeView>> = {},
): { events: WatchEvent<NodeView>[]; reflector: Reflector<NodeView> } {
  const connection = new Connection({ kubeconfig });
  const streams = new StreamClient(connection, { openMs: 500, pingMs: 100 });
  const http = new HttpClient(connection, 2);
  const events: WatchEvent<NodeView>[] = [];
  const reflector = new Reflector<NodeView>(streams, new Requests(http), {
    target: { resource: RESOURCES.Node },
    projection: PROJECTIONS.Node,
    sink: (event) => events.push(event),
    timing,
    ...options,
  });
  reflector.start();
  stops.push(async () => {
    await reflector.stop();
    streams.close();
    http.close();
  });
  return { events, reflector };
}

async function until(look: () => boolean, limitMs = 5_000): Promise<void> {
  for (const end = performance.now() + limitMs; !look(); await new Promise((again) => setTimeout(again, 5))) {
    if (performance.now() > end) {
      throw new Error(`not within ${limitMs} ms: ${look}`);
    }
  }
}

const told = (events: readonly WatchEvent<NodeView>[]): string[] =>
  events.map((event) =>
    event.type === 'synced'
      ? `synced ${event.items.map(({ name }) => name).join(' ')}`
      : `${event.type} ${event.object.name}`,
  );

/** A server without streaming lists, which calls their parameters invalid: it is listed in pages, then watched. */
const inPages =
  (list: Behaviour, watched: object, refusal = 400): Behaviour =>
  (exchange) => {
    if (exchange.query.has('sendInitialEvents')) {
      exchange.refuse(refusal);
    } else if (exchange.query.has('watch')) {
      exchange.send(watched);
    } else {
      list(exchange);
    }
  };
const initial: Behaviour = ({ send }) => send(added('a', '10'), complete('11'));
const then =
  (...more: ((exchange: Exchange) => void)[]): Behaviour =>
  (exchange) => {
    initial(exchange);
    for (const next of more) {
      next(exchange);
    }
  };
/** Answers a resumed watch with b, and a new list with a and b. */
const recovered: Behaviour = ({ query, send }) =>
  send(
    ...(query.has('sendInitialEvents')
      ? [added('a', '10'), added('b', '12'), complete('12')]
      : [added('b', '12')]),
  );

describe.each(['h2', 'http/1.1'])('over %s', (protocol) => {
  test('everything that exists comes first and at once, then each change', async () => {
    const { kubeconfig, asked } = await serve(protocol, [
      then(({ send }) =>
        send(bookmark('12'), added('b', '13'), { type: 'DELETED', object: node('a', '14') }),
      ),
    ]);
    const { events, reflector } = reflect(kubeconfig);
    await until(() => events.length === 3);
    expect(told(events)).toEqual(['synced a', 'upsert b', 'delete a']);
    expect(Object.fromEntries(asked[0]?.query ?? [])).toMatchObject({
      watch: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: 'true',
    });
    expect(reflector.status()).toMatchObject({ synced: true, state: 'watching', message: '' });
    expect(reflector.status()).toMatchObject({ failingMs: 0 });
  });

  const failures = (): { reasons: string[]; listener: ReflectorOptions<NodeView>['listener'] } => {
    const reasons: string[] = [];
    return { reasons, listener: { failed: (reason) => reasons.push(reason), changed: () => {} } };
  };

  test('a server that was restored is told after an interruption, before anything older is given', async () => {
    const behaviours = [then(({ reset }) => setTimeout(reset, 20)), () => {}, initial];
    const { kubeconfig } = await serve(protocol, behaviours, () => '7');
    const { reasons, listener } = failures();
    const { events } = reflect(kubeconfig, { listener });
    await until(() => reasons.includes('restored'));
    expect(told(events)).toEqual(['synced a']);
  });

  test('a server that was restored is told by its next list; who goes on nevertheless gets what it has now', async () => {
    const older: Behaviour = ({ send }) => send(added('c', '3'), complete('4'));
    const { kubeconfig } = await serve(protocol, [then(({ send }) => send(error(410))), older, older]);
    const { reasons, listener } = failures();
    const { events } = reflect(kubeconfig, { listener });
    await until(() => events.length === 2);
    expect(reasons).toEqual(['expired', 'restored']);
    expect(told(events)).toEqual(['synced a', 'synced c']);
  });

  test.each<[string, Behaviour, 'resumes' | 'lists']>([
    ['clean end', ({ end }) => end(), 'resumes'],
    [
      'reset',
      ({ send, reset }) => {
        send(bookmark('11'));
        setTimeout(reset, 20);
      },
      'resumes',
    ],
    [
      'end within a line',
      ({ send, end }) => {
        send('{"type":"ADDED","obj');
        end();
      },
      'resumes',
    ],
    ['line that is not JSON', ({ send }) => send('<html>\n'), 'lists'],
    ['event without an object', ({ send }) => send({ type: 'ADDED' }), 'lists'],
    ['event of unknown type', ({ send }) => send({ type: 'DANCED', object: node('x', '12') }), 'lists'],
    ['error event 500', ({ send }) => send(error(500)), 'lists'],
    ['error event 410', ({ send }) => send(error(410, 'Expired')), 'lists'],
    ['silence', () => {}, 'lists'],
    ['version that goes back', ({ send }) => send(added('x', '5')), 'lists'],
  ])('after one %s it goes on by itself', async (_, fault, how) => {
    const { kubeconfig, asked } = await serve(protocol, [then(fault), recovered]);
    const { events } = reflect(kubeconfig);
    await until(() => told(events).some((line) => line.endsWith(' b')));
    expect(asked[1]?.query.get('resourceVersion')).toBe(how === 'resumes' ? '11' : null);
    expect(told(events)).toEqual(how === 'resumes' ? ['synced a', 'upsert b'] : ['synced a', 'synced a b']);
  });

  test.each([401, 403, 404, 408, 410, 429, 500, 502, 503, 504])(
    'after one HTTP %d it goes on by itself',
    async (code) => {
      const { kubeconfig } = await serve(protocol, [
        ({ refuse }) => refuse(code, status(code), { 'retry-after': '0' }),
        initial,
      ]);
      const { events } = reflect(kubeconfig);
      await until(() => events.length === 1);
      expect(told(events)).toEqual(['synced a']);
    },
  );

  test.each<[string, Behaviour]>([
    ['refused with 403', ({ refuse }) => refuse(403)],
    ['refused with HTML', ({ refuse }) => refuse(502, '<b>secret</b>')],
    ['reset before the headers', ({ reset }) => reset()],
    [
      'ended within the initial list',
      ({ send, end }) => {
        send(added('a', '10'));
        end();
      },
    ],
    ['expired at once', ({ send }) => send(error(410))],
    [
      'full of garbage',
      ({ send, end }) => {
        send('\u0000'.repeat(1000));
        end();
      },
    ],
    ['never answered', () => {}],
  ])(
    'one that is for ever %s is asked ever more slowly, says why, and comes back when it heals',
    async (_, fault) => {
      let healed = false;
      const { kubeconfig, asked } = await serve(protocol, [
        (exchange) => (healed ? initial : fault)(exchange),
      ]);
      const { events, reflector } = reflect(kubeconfig);
      await new Promise((passed) => setTimeout(passed, 1_000));
      expect(asked.length).toBeLessThan(13);
      await until(() => asked.length > 1);
      expect(reflector.status()).toMatchObject({
        synced: false,
        message: expect.stringMatching(/^watch nodes: (?!.*secret)./),
      });
      healed = true;
      await until(() => events.length > 0);
      expect(reflector.status()).toMatchObject({ synced: true, state: 'watching', message: '' });
    },
  );

  test('after 429 nothing is asked before the time that the server named', async () => {
    const { kubeconfig, asked } = await serve(protocol, [
      ({ refuse }) => refuse(429, status(429), { 'retry-after': '1' }),
      initial,
    ]);
    const { events } = reflect(kubeconfig);
    await until(() => events.length === 1);
    expect((asked[1]?.at ?? 0) - (asked[0]?.at ?? 0)).toBeGreaterThan(990);
  });

  test('an event and an end, for ever: no storm, and no change is missed', async () => {
    let version = 11;
    let over = false;
    const { kubeconfig, asked } = await serve(protocol, [
      (exchange) => {
        if (exchange.query.has('sendInitialEvents')) {
          initial(exchange);
        } else if (!over) {
          version += 1;
          exchange.send(added(`n${version}`, `${version}`));
        }
        exchange.end();
      },
    ]);
    const { events } = reflect(kubeconfig);
    await until(() => asked.length > 15);
    expect((asked[15]?.at ?? 0) - (asked[0]?.at ?? 0)).toBeGreaterThan(250);
    // What was sent last may still be on its way.
    over = true;
    await until(() => told(events).at(-1) === `upsert n${version}`);
    expect(told(events)).toEqual([
      'synced a',
      ...Array.from({ length: version - 11 }, (_, index) => `upsert n${12 + index}`),
    ]);
  });

  test('a server without streaming lists is listed in pages, then watched', async () => {
    const listed: Behaviour = ({ query, send, end }) => {
      const last = query.get('continue') === 'more';
      send({
        metadata: { resourceVersion: '20', continue: last ? '' : 'more' },
        items: [node(last ? 'b' : 'a', '10')],
      });
      end();
    };
    const { kubeconfig, asked } = await serve(protocol, [inPages(listed, added('z', '30'), 422)]);
    const { events } = reflect(kubeconfig);
    await until(() => events.length === 2);
    expect(told(events)).toEqual(['synced a b', 'upsert z']);
    expect(asked.at(-1)?.query.get('resourceVersion')).toBe('20');
  });

  test('a server that ignores what it does not know, and never says that the list is complete, is listed in pages too', async () => {
    const { kubeconfig } = await serve(protocol, [
      ({ query, send, end }) => {
        if (query.has('sendInitialEvents')) {
          send(added('a', '10'));
        } else if (query.has('watch')) {
          send(added('z', '30'));
        } else {
          send({ metadata: { resourceVersion: '20' }, items: [node('a', '10')] });
          end();
        }
      },
    ]);
    const { events } = reflect(kubeconfig);
    await until(() => events.length === 2);
    expect(told(events)).toEqual(['synced a', 'upsert z']);
  });

  describe('a list of more than a thousand objects comes in pages', () => {
    const names = Array.from({ length: 1001 }, (_, index) => `n${index}`);
    const streamed = names.map((name) => added(name, '10'));
    const paged: Behaviour = ({ query, send, end }) => {
      if (query.has('watch')) {
        send(added('z', '30'));
      } else {
        send({ metadata: { resourceVersion: '20' }, items: names.map((name) => node(name, '10')) });
        end();
      }
    };

    test.each<[string, Behaviour]>([
      [
        'the stream of the list is cut off',
        ({ send, end }) => {
          send(...streamed);
          end();
        },
      ],
      ['everything is listed again', ({ send }) => send(...streamed, complete('11'), error(410))],
    ])('after %s', async (_, first) => {
      const { kubeconfig, asked } = await serve(protocol, [first, paged]);
      const { events } = reflect(kubeconfig);
      await until(() => told(events).at(-1) === 'upsert z');
      // On a slow machine the silent watch may have been opened again by now.
      expect(asked.slice(0, 3).map(({ query }) => query.get('limit'))).toEqual([null, '100', null]);
      expect(asked[2]?.query.get('resourceVersion')).toBe('20');
    });
  });

  test('pages that expire are begun again, at last without pages', async () => {
    const lists: (string | null)[] = [];
    const listed: Behaviour = ({ query, refuse, send, end }) => {
      if (query.has('continue')) {
        refuse(410);
        return;
      }
      lists.push(query.get('limit'));
      send({
        metadata: { resourceVersion: '20', continue: query.has('limit') ? 'more' : '' },
        items: [node('a', '10')],
      });
      end();
    };
    const { kubeconfig } = await serve(protocol, [inPages(listed, bookmark('20'))]);
    const { events } = reflect(kubeconfig);
    await until(() => events.length === 1);
    expect(told(events)).toEqual(['synced a']);
    expect(lists).toEqual(['100', '100', '100', '100', null]);
  });

  test.each([
    ['an object of another kind', { type: 'ERROR', object: { kind: 'Status', code: 410 } }],
    ['nothing', {}],
    ['items of no known version', { metadata: {}, items: [] }],
    ['a version without items', { metadata: { resourceVersion: '20' } }],
  ])('200 with %s in place of a list does not count as an empty one', async (_what, body) => {
    let answers = 0;
    const listed: Behaviour = ({ send, end }) => {
      answers += 1;
      send(answers === 1 ? body : { metadata: { resourceVersion: '20' }, items: [node('a', '10')] });
      end();
    };
    const { kubeconfig } = await serve(protocol, [inPages(listed, bookmark('20'))]);
    const { events } = reflect(kubeconfig);
    await until(() => events.length === 1);
    expect(told(events)).toEqual(['synced a']);
  });

  test('a kind that one can do without counts as empty when it is forbidden', async () => {
    const { kubeconfig, asked } = await serve(protocol, [({ refuse }) => refuse(403)]);
    const { events, reflector } = reflect(kubeconfig, { optional: true });
    await until(() => events.length === 1);
    expect(told(events)).toEqual(['synced ']);
    expect(reflector.status()).toMatchObject({ state: 'forbidden', synced: true });
    await new Promise((passed) => setTimeout(passed, 500));
    expect(asked.length).toBe(1);
  });
});

test('a connection that freezes without closing is noticed by its pings long before the watch would be missed', async () => {
  const { port, asked } = await serve('h2', [then(), recovered]);
  const pairs: [Socket, Socket][] = [];
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    pairs.push([near, far]);
    for (const socket of [near, far]) {
      socket.on('error', () => {});
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready));
  stops.push(() => {
    for (const pair of pairs) {
      for (const socket of pair) {
        socket.destroy();
      }
    }
    proxy.close();
  });
  const { events, reflector } = reflect(
    writeKubeconfig(certificates, (proxy.address() as AddressInfo).port, 'x'),
    {
      timing: { ...timing, silentMs: 60_000 },
    },
  );
  await until(() => events.length === 1);
  for (const [near, far] of pairs) {
    near.unpipe(far);
    far.unpipe(near);
  }
  await until(() => reflector.status().state === 'retrying');
  expect(reflector.status().message).toContain('no answer to a ping');
  await until(() => told(events).includes('upsert b'));
  expect(asked[1]?.query.get('resourceVersion')).toBe('11');
});

test('many watches share one connection', async () => {
  const connections = new Set<Socket>();
  const { kubeconfig, asked } = await serve('h2', [
    ({ response, send }) => {
      connections.add(response.stream.session?.socket as Socket);
      send(added('a', '10'), complete('11'));
    },
  ]);
  const connection = new Connection({ kubeconfig });
  const streams = new StreamClient(connection);
  const reflectors = Array.from(
    { length: 8 },
    () =>
      new Reflector(streams, new Requests(new HttpClient(connection, 1)), {
        target: { resource: RESOURCES.Node },
        projection: PROJECTIONS.Node,
        sink: () => {},
        timing,
      }),
  );
  for (const reflector of reflectors) {
    reflector.start();
  }
  await until(() => reflectors.every((reflector) => reflector.status().synced));
  expect(asked.length).toBe(8);
  expect(connections.size).toBe(1);
  await Promise.all(reflectors.map((reflector) => reflector.stop()));
  streams.close();
});

test.each(['h2', 'http/1.1'])(
  'hundreds of reconnects over %s leave nothing behind',
  async (protocol) => {
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    let version = 11;
    const { kubeconfig, asked } = await serve(protocol, [
      (exchange) => {
        if (exchange.query.has('sendInitialEvents')) {
          initial(exchange);
        } else {
          version += 1;
          exchange.send(added('n', `${version}`));
        }
        exchange.end();
      },
    ]);
    reflect(kubeconfig, { timing: { ...timing, firstMs: 1, longestMs: 2, longestAfterProgressMs: 1 } });
    await until(() => asked.length > 50, 20_000);
    const before = process.getActiveResourcesInfo().length;
    await until(() => asked.length > 500, 20_000);
    process.off('warning', warn);
    expect(process.getActiveResourcesInfo().length - before).toBeLessThan(10);
    expect(warnings).toEqual([]);
  },
  60_000,
);
