import { getEventListeners } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import {
  closedPort,
  closeServers,
  droppedPort,
  floodingPort,
  serveHttp,
  serveHttp2,
  serveHttps,
  serveRaw,
  serveTcp,
  untilZero,
} from './fixtures/servers.ts';
import { probe } from './prober.ts';
import type { ProbeHandler } from './spec.ts';

afterEach(closeServers);

const pod = { podIp: '127.0.0.1' };

/** Sockets, connection attempts and timers that this process has under way, by kind. */
function underWay(): Record<string, number> {
  const kinds = process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Connect|GetAddrInfo/.test(kind));
  return Object.fromEntries(
    [...new Set(kinds)].map((kind) => [kind, kinds.filter((each) => each === kind).length]),
  );
}

/** Every way for a probe to end, over each transport. */
async function handlers(): Promise<ProbeHandler[]> {
  const [closed, dropped] = [await closedPort(), await droppedPort()];
  const [silent, closing, fine] = [
    await serveTcp(),
    await serveTcp((socket) => socket.destroy()),
    await serveHttp((_, response) => response.end('ok')),
  ];
  const [endless, loop] = [
    await serveHttp((_, response) => endlessly(response)),
    await serveRaw('HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n'),
  ];
  const [half, upgrade] = [
    await serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx', { end: false }),
    await serveRaw('HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\n\r\n'),
  ];
  const [secure, http2] = [
    await serveHttps((_, response) => endlessly(response)),
    await serveHttp2((_, response) => endlessly(response)),
  ];
  const ports = [
    closed,
    dropped,
    ...[silent, closing, fine, endless, loop, half, upgrade, secure, http2].map(({ port }) => port),
  ];
  return ports.flatMap((port) => [
    { httpGet: { port } },
    { httpGet: { port, scheme: 'HTTPS' } },
    { tcpSocket: { port } },
    { grpc: { port } },
  ]);
}

function endlessly(response: {
  write(piece: string): boolean;
  on(event: 'drain', run: () => void): unknown;
  destroyed?: boolean;
}): void {
  const pour = () => {
    for (
      let pieces = 0;
      pieces < 100 && !response.destroyed && response.write('x'.repeat(65_536));
      pieces++
    ) {}
  };
  response.on('drain', pour);
  pour();
}

test('a probe leaves no socket, connection attempt, listener or warning behind, whatever happens', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const all = await handlers();
  const before = underWay();
  const controller = new AbortController();
  const limits = { timeoutMs: 300, signal: controller.signal };
  const outcomes = await Promise.all([...all, ...all].map((handler) => probe(handler, pod, limits)));
  expect(outcomes.length).toBe(all.length * 2);
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0);
  const remaining = () =>
    Object.entries(underWay()).reduce(
      (sum, [kind, count]) => sum + Math.max(0, count - (before[kind] ?? 0)),
      0,
    );
  expect(await untilZero(remaining)).toBe(0);
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
}, 30_000);

test('fifty bodies that flood at once cost little memory', async () => {
  const port = await floodingPort();
  const flooded = () => probe({ httpGet: { port } }, pod, { timeoutMs: 10_000 });
  expect(await flooded()).toMatchObject({ result: 'success', output: 'x'.repeat(10_240) });
  const before = process.memoryUsage().rss;
  const outcomes = await Promise.all(Array.from({ length: 50 }, flooded));
  expect(outcomes.filter(({ result }) => result === 'success').length).toBe(50);
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(150);
});

test('one signal may end many probes', async () => {
  const port = await closedPort();
  const controller = new AbortController();
  const running = Array.from({ length: 100 }, () =>
    probe({ grpc: { port } }, pod, { timeoutMs: 60_000, signal: controller.signal }),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(getEventListeners(controller.signal, 'abort').length).toBe(100);
  controller.abort();
  expect((await Promise.all(running)).every(({ error }) => error === 'aborted')).toBe(true);
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0);
});
