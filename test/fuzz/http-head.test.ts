/**
 * Answers over HTTP, fed through real sockets: heads are read by Node's own parser, of which only a socket shows what it makes of hostile
 * bytes. Whatever comes, the probe ends with one of its results, keeps little, and leaves no socket behind.
 */
import type { Socket } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { closeServers, serveTcp } from '../../packages/kubelet-prober/src/fixtures/servers.ts';
import { probeHttpGet } from '../../packages/kubelet-prober/src/http-get.ts';
import { OUTPUT_LIMIT_BYTES, type ProbeOutcome } from '../../packages/kubelet-prober/src/result.ts';
import { mutateText } from './mutate.ts';
import { Random } from './random.ts';

const CASES = 1000;
const AT_ONCE = 8;

const HEADS = [
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.0 503 Service Unavailable\r\n\r\nnot yet',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nTrailer: x\r\n\r\n',
  'HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
];

afterEach(closeServers);

test('whatever an application answers, the probe of it ends with a result and keeps little', async () => {
  let seed = 0;
  const { port, openSockets } = await serveTcp((socket: Socket) => {
    const random = new Random(++seed);
    const answer = Buffer.from(mutateText(random, random.pick(HEADS)), 'latin1');
    socket.once('data', () => socket.end(answer));
  });
  const outcomes: ProbeOutcome[] = [];
  const some = async (): Promise<void> => {
    while (seed < CASES) {
      outcomes.push(await probeHttpGet({ port }, { podIp: '127.0.0.1' }, { timeoutMs: 60_000 }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  for (const { result, output, error = '' } of outcomes) {
    expect(['success', 'warning', 'failure', 'unknown']).toContain(result);
    expect(Buffer.byteLength(output)).toBeLessThanOrEqual(OUTPUT_LIMIT_BYTES);
    expect(Buffer.byteLength(error)).toBeLessThanOrEqual(OUTPUT_LIMIT_BYTES);
  }
  // Hostile as it is, some of it is still an answer, and some is none.
  const results = outcomes.map(({ result }) => result);
  expect(results).toContain('success');
  expect(results).toContain('failure');
  while (openSockets() > 0) {
    await rest(10);
  }
}, 300_000);
