import { afterEach, describe, expect, test } from '@jest/globals';
import { closedPort, closeServers, droppedPort, serveTcp, untilZero } from './fixtures/servers.ts';
import { dialTcp, probeTcpSocket } from './tcp-socket.ts';

afterEach(closeServers);

const limits = { timeoutMs: 1000 };

describe('a tcpSocket probe', () => {
  test('succeeds when a connection is established; it sends nothing and closes', async () => {
    const got: Buffer[] = [];
    const { port, openSockets } = await serveTcp((socket) => socket.on('data', (piece) => got.push(piece)));
    expect(
      await probeTcpSocket(
        { port: 'web' },
        { podIp: '127.0.0.1', ports: [{ name: 'web', containerPort: port }] },
        limits,
      ),
    ).toEqual({
      result: 'success',
      output: '',
      reached: true,
    });
    expect(await untilZero(openSockets)).toBe(0);
    expect(got).toEqual([]);
  });

  test('fails without evidence when it is refused', async () => {
    expect(await probeTcpSocket({ port: await closedPort() }, { podIp: '127.0.0.1' }, limits)).toEqual({
      result: 'failure',
      output: expect.stringMatching(/^connect to 127\.0\.0\.1:\d+: connection refused$/),
      reached: false,
    });
  });

  test('fails without evidence when nothing answers within the limit', async () => {
    const outcome = await probeTcpSocket(
      { port: await droppedPort() },
      { podIp: '127.0.0.1' },
      { timeoutMs: 200 },
    );
    expect(outcome).toEqual({
      result: 'failure',
      output: expect.stringContaining('timed out'),
      reached: false,
    });
  });

  test('connects to the host that the user names', async () => {
    const { port } = await serveTcp();
    expect((await probeTcpSocket({ port, host: 'localhost' }, { podIp: '192.0.2.1' }, limits)).result).toBe(
      'success',
    );
  });

  test.each([-1, 65_536, 1.5])(
    'a port of %d, had it come through, is a failure and no error',
    async (port) => {
      expect(await dialTcp('127.0.0.1', port, limits)).toEqual({
        result: 'failure',
        output: expect.any(String),
        reached: false,
      });
    },
  );

  test.each([
    ['a port that is none', { port: 0 }, '127.0.0.1', /invalid port number: 0/],
    ['a pod without an IP', { port: 80 }, '', /no IP/],
  ])('%s is unknown, with an error', async (_, action, podIp, error) => {
    expect(await probeTcpSocket(action, { podIp }, limits)).toMatchObject({
      result: 'unknown',
      error: expect.stringMatching(error),
    });
  });

  test('is ended by an abort without a verdict, also by an earlier one', async () => {
    const port = await droppedPort();
    const controller = new AbortController();
    const running = probeTcpSocket(
      { port },
      { podIp: '127.0.0.1' },
      { timeoutMs: 60_000, signal: controller.signal },
    );
    setTimeout(() => controller.abort(), 20);
    expect(await running).toMatchObject({ result: 'unknown', error: 'aborted' });
    expect(
      await probeTcpSocket(
        { port },
        { podIp: '127.0.0.1' },
        { timeoutMs: 60_000, signal: controller.signal },
      ),
    ).toMatchObject({
      error: 'aborted',
    });
  });
});
