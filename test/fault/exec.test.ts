/** What can go wrong between an exec and its exit code, against a real TLS server that sends exactly that. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ExecRequest, ExecResult } from '../../src/engine/ports.ts';
import { Connection } from '../../src/kube/client/connection.ts';
import { Throttle } from '../../src/kube/client/throttle.ts';
import { ClusterExecutor } from '../../src/kube/exec/exec.ts';
import {
  acceptUpgrade,
  type Certificates,
  Connections,
  channel,
  closeFrame,
  frame,
  listen,
  makeCertificates,
  opcode,
  writeKubeconfig,
} from './server.ts';

type Behaviour = (socket: Socket, request: IncomingMessage) => void;

let certificates: Certificates;
let server: Server;
let connections: Connections;
let executor: ClusterExecutor;
let upgrade: Behaviour;

beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => certificates.remove());

beforeEach(async () => {
  server = createServer(certificates);
  connections = new Connections();
  connections.track(server);
  server.on('upgrade', (request, socket) => {
    socket.resume();
    upgrade(socket as Socket, request);
  });
  executor = new ClusterExecutor(
    new Connection({ kubeconfig: await listen(server, certificates) }),
    new Throttle(),
  );
});
afterEach(async () => {
  // Whatever the fault was, our side must have given up the connection.
  for (let waited = 0; connections.size > 0 && waited < 100; waited += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const left = connections.size;
  await connections.close(server);
  expect(left).toBe(0);
});

const success = channel(3, '{"metadata":{},"status":"Success"}');
const exit17 = channel(
  3,
  '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"17"}]}}',
);

async function exec(
  behaviour: Behaviour,
  request: Partial<ExecRequest> = {},
  signal = new AbortController().signal,
): Promise<ExecResult> {
  upgrade = behaviour;
  const whole = {
    namespace: 'shop',
    pod: 'web-0',
    container: 'web',
    command: ['/probe'],
    timeoutMs: 2_000,
    maxOutputBytes: 1024,
    ...request,
  };
  return await executor.exec(whole, signal);
}

/** Accepts the upgrade, then sends the bytes one after the other. */
function sending(...parts: Buffer[]): Behaviour {
  return (socket, request) => {
    acceptUpgrade(socket, request.headers['sec-websocket-key']);
    for (const part of parts) {
      socket.write(part);
    }
  };
}

/** As a real server does: an empty frame first, the status last, then the close. */
const normally = (...parts: Buffer[]): Behaviour => sending(channel(1), ...parts, closeFrame(1000));

describe('a command that ends', () => {
  test('with 0 gives exit 0 and its output, both streams in their order', async () => {
    const result = await exec(
      normally(channel(1, 'out\n'), channel(2, 'err\n'), channel(1, 'more'), success),
    );
    expect(result).toEqual({ kind: 'exit', code: 0, output: 'out\nerr\nmore' });
  });

  test('with 17 gives exit 17', async () => {
    expect(await exec(normally(exit17))).toEqual({ kind: 'exit', code: 17, output: '' });
  });

  test('gives its code also when everything comes a byte at a time', async () => {
    const bytes = Buffer.concat([channel(1), channel(1, 'slow'), exit17]);
    const trickle: Behaviour = (socket, request) => {
      acceptUpgrade(socket, request.headers['sec-websocket-key']);
      socket.setNoDelay(true);
      for (const [index, byte] of bytes.entries()) {
        setTimeout(() => socket.write(Buffer.from([byte])), index);
      }
    };
    expect(await exec(trickle)).toEqual({ kind: 'exit', code: 17, output: 'slow' });
  });

  test('reaches the server with every word byte for byte, and with our credentials', async () => {
    let seen: IncomingMessage | undefined;
    const words = ['/bin/sh', '-c', 'echo "$1" && a=b?c#d%20+é\n\u0001', ''];
    await exec(
      (socket, request) => {
        seen = request;
        normally(success)(socket, request);
      },
      { command: words },
    );
    const url = new URL(seen?.url ?? '', 'https://x');
    expect(url.pathname).toBe('/api/v1/namespaces/shop/pods/web-0/exec');
    expect(url.searchParams.getAll('command')).toEqual(words);
    expect([url.searchParams.get('container'), url.searchParams.get('stdin')]).toEqual(['web', null]);
    expect(seen?.headers.authorization).toBe('Bearer secret-token');
  });

  test('reuses the TLS session of the exec before it', async () => {
    const reused: boolean[] = [];
    const note: Behaviour = (socket, request) => {
      reused.push((socket as TLSSocket).isSessionReused());
      normally(success)(socket, request);
    };
    for (let i = 0; i < 3; i += 1) {
      await exec(note);
    }
    expect(reused).toEqual([false, true, true]);
  });
});

describe('a connection that ends without a status is broken, never a verdict', () => {
  test.each([1000, 1001, 1006, 1011])('closed with %d', async (code) => {
    expect((await exec(sending(channel(1), closeFrame(code)))).kind).toBe('broken');
  });

  test.each([
    ['reset after the open', (socket: Socket) => socket.destroy()],
    ['ended after the open', (socket: Socket) => socket.end()],
    ['reset after output', (socket: Socket) => socket.write(channel(1, 'x'), () => socket.destroy())],
    ['cut within a frame', (socket: Socket) => socket.end(exit17.subarray(0, 20))],
  ])('%s', async (_, end) => {
    const result = await exec((socket, request) => {
      acceptUpgrade(socket, request.headers['sec-websocket-key']);
      end(socket);
    });
    expect(result.kind).toBe('broken');
  });
});

describe('no frame can bring the process down or pass for a verdict', () => {
  const text = (content: string): Buffer => frame(opcode.text, Buffer.from(content));
  test.each([
    ['an empty message', frame(opcode.binary, Buffer.alloc(0))],
    ['an empty text', text('')],
    ['a status sent as text', text('3{"status":"Success"}')],
    ['an empty status', channel(3)],
    ['a malformed status', channel(3, '{"status":')],
    ['a status that is not an object', channel(3, '7')],
    ['stdin', channel(0, 'x')],
    ['the resize channel', channel(4, '{}')],
    ['an unknown channel', channel(77, 'x')],
    ['the close signal of stdout', channel(255, Buffer.from([1]))],
    ['the close signal of the status', channel(255, Buffer.from([3]))],
    ['channel 255 alone', channel(255)],
    ['a reserved opcode', frame(3, Buffer.from('x'))],
    ['a masked, broken header', Buffer.from([0xff, 0xff, 0xff])],
    ['a ping', frame(opcode.ping, Buffer.from('x'))],
    ['an unasked pong', frame(opcode.pong, Buffer.from('x'))],
    ['a malformed close', frame(opcode.close, Buffer.from([1]))],
  ])('%s, then the end', async (_, bytes) => {
    expect((await exec(sending(bytes, closeFrame(1000)))).kind).toBe('broken');
  });

  test.each([
    ['empty', frame(opcode.binary, Buffer.alloc(0))],
    ['text', text('3{"status":"Success"}')],
    ['unknown', channel(99, 'x')],
    ['close signal', channel(255, Buffer.from([1]))],
    ['empty status', channel(3)],
  ])('a good status after a frame that is %s still counts', async (_, bytes) => {
    expect(await exec(normally(bytes, exit17))).toMatchObject({ kind: 'exit', code: 17 });
  });

  test('of two statuses the first counts', async () => {
    expect(await exec(normally(exit17, success))).toMatchObject({ kind: 'exit', code: 17 });
  });

  test('a frame that claims 100 MiB is refused at its header', async () => {
    expect(
      (await exec(sending(channel(1), frame(opcode.binary, Buffer.alloc(1024, 1), 100 * 1024 * 1024)))).kind,
    ).toBe('broken');
  });

  test('a server that does not choose our protocol is broken', async () => {
    const result = await exec((socket, request) =>
      acceptUpgrade(socket, request.headers['sec-websocket-key'], 'v4.channel.k8s.io'),
    );
    expect(result.kind).toBe('broken');
  });
});

describe('an exec that hangs ends at its time', () => {
  const timed = async (behaviour: Behaviour, timeoutMs: number): Promise<ExecResult> => {
    const began = performance.now();
    const result = await exec(behaviour, { timeoutMs });
    expect(performance.now() - began).toBeLessThan(timeoutMs + 1_000);
    return result;
  };

  test('unanswered upgrade: broken', async () => {
    expect((await timed(() => {}, 300)).kind).toBe('broken');
  });

  test('nothing after the open: broken, as nothing says that the command began', async () => {
    expect((await timed(sending(), 300)).kind).toBe('broken');
  });

  test('after the first frame: a time-out, with the output so far', async () => {
    expect(await timed(sending(channel(1), channel(1, 'waiting')), 300)).toEqual({
      kind: 'timeout',
      output: 'waiting',
    });
  });

  test('after the close frame but with the socket open', async () => {
    expect((await timed(sending(channel(1), closeFrame(1000)), 300)).kind).toBe('broken');
  });

  test('a command that began late has not had its time: broken', async () => {
    const late: Behaviour = (socket, request) => {
      acceptUpgrade(socket, request.headers['sec-websocket-key']);
      setTimeout(() => socket.write(channel(1)), 350);
    };
    expect((await timed(late, 500)).kind).toBe('broken');
  });

  test('a peer that answered the first ping and not the last has gone: broken', async () => {
    const dies: Behaviour = (socket, request) => {
      acceptUpgrade(socket, request.headers['sec-websocket-key']);
      socket.write(channel(1));
      socket.once('data', () => socket.write(frame(opcode.pong, Buffer.alloc(0))));
    };
    expect(await timed(dies, 400)).toEqual({
      kind: 'broken',
      message: 'connection lost: the last ping was not answered',
    });
  });

  test('a command without output is pinged all the time, so that no proxy cuts its connection as idle', async () => {
    const endsAtThirdPing: Behaviour = (socket, request) => {
      acceptUpgrade(socket, request.headers['sec-websocket-key']);
      socket.write(channel(1));
      let pings = 0;
      socket.on('data', ([first]: Buffer) => {
        pings += first === (0x80 | opcode.ping) ? 1 : 0;
        if (pings === 3) {
          socket.write(success);
        }
      });
    };
    expect(await exec(endsAtThirdPing, { timeoutMs: 8_000 })).toMatchObject({ kind: 'exit', code: 0 });
  }, 20_000);

  test('stopped by the caller: broken, at once', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    expect(await exec(sending(channel(1)), { timeoutMs: 60_000 }, stop.signal)).toEqual({
      kind: 'broken',
      message: 'stopped',
    });
    expect(await exec(sending(channel(1)), { timeoutMs: 60_000 }, stop.signal)).toEqual({
      kind: 'broken',
      message: 'stopped',
    });
  });
});

describe('a refused upgrade keeps the server’s words', () => {
  const answering =
    (status: number, message: string, headers = ''): Behaviour =>
    (socket) => {
      const body = JSON.stringify({ kind: 'Status', status: 'Failure', message, code: status });
      socket.end(
        `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    };

  test.each([
    [400, 'pod web-0 does not have a host assigned', 'gone'],
    [400, 'container zzz is not valid for pod web-0', 'gone'],
    [404, 'pods "web-0" not found', 'gone'],
    [400, 'you must specify at least 1 of stdin, stdout, stderr', 'refused'],
    [403, 'pods "web-0" is forbidden: User "x" cannot create resource "pods/exec"', 'refused'],
    [500, 'error dialing backend: dial tcp: connection refused', 'refused'],
    [503, 'the server is starting', 'refused'],
    [401, 'Unauthorized', 'refused'],
    [429, 'too many requests', 'refused'],
  ])('HTTP %d %s is %s', async (status, message, kind) => {
    expect(await exec(answering(status, message))).toMatchObject({ kind, message });
  });

  test('a pod is gone whose node was removed, which the API server says in words about another pod', async () => {
    expect(await exec(answering(404, 'pods "node-7" not found'))).toEqual({
      kind: 'gone',
      message: 'its node node-7 does not exist any more',
    });
  });

  test.each([
    ['unable to upgrade connection: container not found ("web")', 'gone'],
    ['unable to upgrade connection: no space left on device', 'refused'],
  ])('plain text of a kubelet (%s) is %s', async (message, kind) => {
    const kubelet: Behaviour = (socket) =>
      socket.end(
        `HTTP/1.1 500 X\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${message.length + 1}\r\n\r\n${message}\n`,
      );
    expect(await exec(kubelet)).toMatchObject({ kind, message });
  });

  test('HTML from a proxy is named by its status alone', async () => {
    const html: Behaviour = (socket) =>
      socket.end(
        'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<b>secret</b>',
      );
    expect(await exec(html)).toEqual({ kind: 'refused', status: 502, message: 'HTTP 502' });
  });

  test('an endless or unfinished body does not hold it up', async () => {
    const endless: Behaviour = (socket) => {
      socket.write('HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n');
      const timer = setInterval(() => socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`), 1);
      socket.on('close', () => clearInterval(timer));
    };
    expect(await exec(endless)).toEqual({ kind: 'refused', status: 503, message: 'HTTP 503' });
    const unfinished: Behaviour = (socket) => socket.write('HTTP/1.1 503 X\r\nContent-Length: 100\r\n\r\nx');
    expect(await exec(unfinished)).toEqual({ kind: 'refused', status: 503, message: 'HTTP 503' });
  });

  test('after 429 nothing is sent before the time that the server named', async () => {
    // In plain text: it speaks for the server, not about one object.
    const overloaded: Behaviour = (socket) =>
      socket.end(
        'HTTP/1.1 429 X\r\nContent-Type: text/plain\r\nRetry-After: 30\r\nContent-Length: 4\r\n\r\nslow',
      );
    await exec(overloaded);
    let asked = 0;
    const counting: Behaviour = () => (asked += 1);
    expect(await exec(counting)).toMatchObject({ kind: 'refused', status: 429 });
    expect(asked).toBe(0);
  });

  test('after 401 the credentials are read again and the exec goes through', async () => {
    let tries = 0;
    const once: Behaviour = (socket, request) => {
      tries += 1;
      (tries === 1 ? answering(401, 'Unauthorized') : normally(exit17))(socket, request);
    };
    expect(await exec(once)).toMatchObject({ kind: 'exit', code: 17 });
  });
});

describe('without a connection an exec is broken', () => {
  const request = {
    namespace: 'shop',
    pod: 'web-0',
    container: 'web',
    command: ['/probe'],
    timeoutMs: 2_000,
    maxOutputBytes: 10,
  };
  const never = new AbortController().signal;

  test('nobody listens', async () => {
    const other = createServer(certificates);
    const kubeconfig = await listen(other, certificates);
    await new Promise((resolve) => other.close(resolve));
    const result = await new ClusterExecutor(new Connection({ kubeconfig }), new Throttle()).exec(
      request,
      never,
    );
    expect(result).toMatchObject({ kind: 'broken', message: expect.stringContaining('ECONNREFUSED') });
  });

  test('the server has another certificate', async () => {
    const others = makeCertificates();
    const other = createServer(others);
    const kubeconfig = await listen(other, certificates);
    const result = await new ClusterExecutor(new Connection({ kubeconfig }), new Throttle()).exec(
      request,
      never,
    );
    await new Promise((resolve) => other.close(resolve));
    others.remove();
    expect(result).toMatchObject({
      kind: 'broken',
      message: expect.stringMatching(/self-signed|certificate/),
    });
  });
});

test('of two hundred execs at once, every fifth of them faulty, each has its own result', async () => {
  const faults: Behaviour[] = [
    () => {},
    (socket) => socket.destroy(),
    sending(closeFrame(1011)),
    sending(channel(3, 'x')),
  ];
  let started = 0;
  const mixed: Behaviour = (socket, request) => {
    started += 1;
    const behaviour =
      started % 5 === 0
        ? (faults[(started / 5) % faults.length] as Behaviour)
        : normally(channel(1, 'x'), exit17);
    behaviour(socket, request);
  };
  const results = await Promise.all(Array.from({ length: 200 }, () => exec(mixed, { timeoutMs: 10_000 })));
  expect(results.filter(({ kind }) => kind === 'exit')).toHaveLength(160);
  expect(results.filter(({ kind }) => kind === 'broken')).toHaveLength(40);
}, 60_000);

describe('names never leave their place in the path', () => {
  test.each([
    ['../../nodes/x', 'web'],
    ['web-0', 'web&command=rm'],
    ['', 'web'],
    ['web-0', ''],
  ])('pod %p, container %p', async (pod, container) => {
    let asked = 0;
    expect((await exec(() => (asked += 1), { pod, container })).kind).toBe('refused');
    expect(asked).toBe(0);
  });
});

describe('a flood', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  /** What is held, not what the collector has yet to look at: that depends on the rest of the process. */
  const heldBytes = (): number => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };

  /** Computing time of this process: on a busy machine it may wait for a core, which says nothing of what it does. */
  function computedMs(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }

  /** Returns the result, our growth at its highest, and the most that was computed before anything else could run. */
  async function flooded(
    megabytes: number,
    frameBytes: number,
  ): Promise<{ result: ExecResult; growthBytes: number; longestTurnMs: number }> {
    const script = join(import.meta.dirname, 'flood-server.ts');
    const files = [join(certificates.folder, 'tls.key'), join(certificates.folder, 'tls.crt')];
    const child = spawn(process.execPath, [script, ...files, `${megabytes}`, `${frameBytes}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    const kubeconfig = writeKubeconfig(certificates, Number(port.toString()), 'x');
    const flooding = new ClusterExecutor(new Connection({ kubeconfig }), new Throttle());
    const request = {
      namespace: 'shop',
      pod: 'web-0',
      container: 'web',
      command: ['/probe'],
      timeoutMs: 240_000, // on a machine that does much else: what is measured is memory, and what is computed at once
      maxOutputBytes: 1024,
    };
    const before = heldBytes();
    let peak = before;
    let longestTurnMs = 0;
    let last = computedMs();
    const turns = setInterval(() => {
      longestTurnMs = Math.max(longestTurnMs, computedMs() - last);
      last = computedMs();
    }, 5);
    const timer = setInterval(() => {
      const begun = computedMs();
      peak = Math.max(peak, heldBytes());
      last += computedMs() - begun;
    }, 200);
    const result = await flooding.exec(request, new AbortController().signal);
    clearInterval(timer);
    clearInterval(turns);
    child.stdin.end();
    await once(child, 'exit');
    return { result, growthBytes: peak - before, longestTurnMs };
  }

  test.each([
    ['100 MiB in large frames', 100, 32 * 1024],
    ['a million frames of one byte', 4, 1],
  ])(
    'of %s keeps head and tail, the exit code, and our memory',
    async (_, megabytes, frameBytes) => {
      const { result, growthBytes, longestTurnMs } = await flooded(megabytes, frameBytes);
      expect(result).toMatchObject({
        kind: 'exit',
        code: 17,
        output: expect.stringMatching(/^xxx+\n\[\.\.\.\]\nx+the end$/),
      });
      expect(Buffer.byteLength((result as { output: string }).output)).toBe(1024);
      expect(growthBytes).toBeLessThan(32 * 1024 * 1024);
      expect(longestTurnMs).toBeGreaterThan(0);
      expect(longestTurnMs).toBeLessThan(1_000);
    },
    300_000,
  );
});
