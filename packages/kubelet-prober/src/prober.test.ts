import { afterEach, describe, expect, test } from '@jest/globals';
import type { CommandEnd, RunInContainer } from './exec.ts';
import { closeServers, serveHttp, serveRaw, serveTcp } from './fixtures/servers.ts';
import { type ProbeType, probe, verdictOf } from './prober.ts';
import type { ProbeOutcome } from './result.ts';

afterEach(closeServers);

const pod = { podIp: '127.0.0.1', env: [{ name: 'A', value: 'script' }] };
const limits = { timeoutMs: 2000 };

/** A runner that gives these ends one after the other, the last one for ever, and keeps the commands. */
function runner(...ends: CommandEnd[]): { run: RunInContainer; commands: (readonly string[])[] } {
  const commands: (readonly string[])[] = [];
  const run: RunInContainer = async (command) => {
    commands.push(command);
    return ends[Math.min(commands.length, ends.length) - 1] as CommandEnd;
  };
  return { run, commands };
}

const ok: CommandEnd = { kind: 'exit', code: 0, output: 'ok' };
const bad: CommandEnd = { kind: 'exit', code: 1, output: 'bad' };
const broken: CommandEnd = { kind: 'error', message: 'broken' };

describe('the attempts of a probe', () => {
  test.each<[string, CommandEnd[], string, number]>([
    ['a success is not repeated', [ok], 'success', 1],
    ['a failure is not repeated', [bad, ok], 'failure', 1],
    ['a time-out is not repeated', [{ kind: 'timeout', message: 'late' }, ok], 'failure', 1],
    ['an error is repeated, and a success then counts', [broken, ok], 'success', 2],
    ['an error is repeated, and a failure then counts', [broken, broken, bad], 'failure', 3],
    ['three errors are the end', [broken], 'unknown', 3],
  ])('%s', async (_, ends, result, tries) => {
    const { run, commands } = runner(...ends);
    expect((await probe({ exec: { command: ['x'] } }, pod, limits, run)).result).toBe(result);
    expect(commands.length).toBe(tries);
  });

  test('an HTTP response with an incomplete body is requested three times', async () => {
    let connections = 0;
    const { port } = await serveTcp((socket) => {
      connections++;
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
    });
    expect(await probe({ httpGet: { port } }, pod, limits)).toMatchObject({
      result: 'failure',
      error: expect.any(String),
    });
    expect(connections).toBe(3);
  });

  test('with a timeout for all of them, an error that took this long is not repeated', async () => {
    let calls = 0;
    const slow: RunInContainer = async () => {
      calls++;
      await new Promise((resolve) => setTimeout(resolve, 150));
      return broken;
    };
    expect(
      await probe({ exec: { command: ['x'] } }, pod, { timeoutMs: 200, totalMs: 200 }, slow),
    ).toMatchObject({
      result: 'unknown',
      error: 'broken',
    });
    expect(calls).toBe(1);
    await probe({ exec: { command: ['x'] } }, pod, { timeoutMs: 2000 }, slow);
    expect(calls).toBe(4);
  });

  test('an abort is not repeated', async () => {
    let calls = 0;
    const run: RunInContainer = () => {
      calls++;
      return new Promise(() => {});
    };
    const outcome = await probe(
      { exec: { command: ['x'] } },
      pod,
      { timeoutMs: 60_000, signal: AbortSignal.abort() },
      run,
    );
    expect([outcome.error, calls]).toEqual(['aborted', 1]);
  });
});

describe('the handler', () => {
  test('of an exec probe gets its command with the literal environment filled in', async () => {
    const { run, commands } = runner(ok);
    await probe({ exec: { command: ['/bin/bash', '-c', 'some $(A) $(B)'] } }, pod, limits, run);
    await probe({ exec: { command: ['/bin/bash', '-c', 'some script'] } }, pod, limits, run);
    expect(commands).toEqual([
      ['/bin/bash', '-c', 'some script $(B)'],
      ['/bin/bash', '-c', 'some script'],
    ]);
  });

  test('is chosen in the order exec, httpGet, tcpSocket, grpc', async () => {
    const { port } = await serveHttp((_, response) => response.end('from HTTP'));
    const all = { exec: { command: ['x'] }, httpGet: { port }, tcpSocket: { port }, grpc: { port } };
    const { exec: _, ...withoutExec } = all;
    const { httpGet: __, ...withoutHttp } = withoutExec;
    const outputs = [
      await probe(all, pod, limits, runner(ok).run),
      await probe(withoutExec, pod, limits),
      await probe(withoutHttp, pod, limits),
    ];
    expect(outputs.map(({ output }) => output)).toEqual(['ok', 'from HTTP', '']);
    expect(await probe({ grpc: { port } }, pod, { timeoutMs: 200 })).toMatchObject({
      result: 'failure',
      reached: true,
    });
  });

  test.each([
    ['none at all', {}, /no handler/],
    ['exec, where no command can be run', { exec: { command: ['x'] } }, /no runner for commands/],
    ['a port that does not exist', { tcpSocket: { port: 'web' } }, /"web"/],
  ])('%s is unknown, with an error', async (_, handler, error) => {
    expect(await probe(handler, pod, limits)).toMatchObject({
      result: 'unknown',
      error: expect.stringMatching(error),
      reached: false,
    });
  });
});

describe.each<[ProbeType, string]>([
  ['liveness', 'Liveness'],
  ['readiness', 'Readiness'],
  ['startup', 'Startup'],
])('the verdict of a %s probe', (type, name) => {
  const outcome = (result: ProbeOutcome['result'], error?: string): ProbeOutcome => ({
    result,
    output: 'text',
    reached: true,
    ...(error === undefined ? {} : { error }),
  });

  test.each<[string, ProbeOutcome | undefined, object]>([
    ['no probe succeeds', undefined, { result: 'success' }],
    ['success succeeds', outcome('success'), { result: 'success' }],
    [
      'a warning succeeds, with an event',
      outcome('warning'),
      { result: 'success', event: { reason: 'ProbeWarning', message: `${name} probe warning: text` } },
    ],
    [
      'a failure fails, with an event',
      outcome('failure'),
      { result: 'failure', event: { reason: 'Unhealthy', message: `${name} probe failed: text` } },
    ],
    ['unknown without an error fails, without an event', outcome('unknown'), { result: 'failure' }],
    [
      'an error fails as an error, with an event',
      outcome('unknown', 'broken'),
      {
        result: 'failure',
        error: 'broken',
        event: {
          reason: 'Unhealthy',
          message: `${name} probe errored and resulted in unknown state: broken`,
        },
      },
    ],
  ])('%s', (_, given, verdict) => {
    expect(verdictOf(type, given)).toEqual(verdict);
  });
});

test('a redirect elsewhere passes, with the warning that kubelet would give', async () => {
  const { port } = await serveRaw(
    'HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 4\r\n\r\nbody',
  );
  expect(verdictOf('readiness', await probe({ httpGet: { port } }, pod, limits))).toEqual({
    result: 'success',
    event: {
      reason: 'ProbeWarning',
      message: 'Readiness probe warning: Probe terminated redirects, Response body: body',
    },
  });
});
