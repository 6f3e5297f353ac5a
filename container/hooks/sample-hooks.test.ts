import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { makeDirectory, writeProgram } from '../test/sandbox.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const scratch = makeDirectory();

afterAll(() => scratch.remove());

/** A copy of a sample hook, with a place of the test's own instead of the one written in it. */
function copyOf(hook: string, from: string, to: string): string {
  const text = readFileSync(join(folder, hook, 'readiness_probe_hook'), 'utf8');
  expect(text).toContain(from);
  return writeProgram(scratch.path, `${hook}-${Math.random()}`, text.replace(from, to));
}

function run(path: string): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, [], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject).once('close', (code) => resolve({ code, stderr }));
  });
}

describe('the sample hook in shell', () => {
  test.each([
    { ageSeconds: 0, code: 0, says: /^$/ },
    { ageSeconds: 25, code: 0, says: /^$/ },
    { ageSeconds: 45, code: 11, says: /4\d s old, allowed are 30 s/ },
    { ageSeconds: -500, code: 12, says: /s in the future/ },
  ])('gives $code for a heartbeat that is $ageSeconds s old', async ({ ageSeconds, code, says }) => {
    const file = join(scratch.path, `heartbeat${ageSeconds}`);
    writeFileSync(file, '');
    const then = Date.now() / 1000 - ageSeconds;
    utimesSync(file, then, then);
    const result = await run(copyOf('heartbeat', '/run/app/heartbeat', file));
    expect(result).toEqual({ code, stderr: expect.stringMatching(says) });
  });

  test('gives 10 when there is no heartbeat', async () => {
    mkdirSync(join(scratch.path, 'empty'));
    const result = await run(
      copyOf('heartbeat', '/run/app/heartbeat', join(scratch.path, 'empty/heartbeat')),
    );
    expect(result).toEqual({ code: 10, stderr: expect.stringMatching(/has not come up yet/) });
  });
});

describe('the sample hook in Python', () => {
  test.each([
    { service: 'answers well', answer: '+PONG\r\n', code: 0 },
    { service: 'is still loading', answer: '-LOADING data\r\n', code: 23 },
    { service: 'answers something else', answer: 'HTTP/1.1 400 Bad Request\r\n', code: 22 },
    { service: 'closes without an answer', answer: '', code: 22 },
    { service: 'never answers', answer: undefined, code: 21 },
  ])('gives $code when the service $service', async ({ answer, code }) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      if (answer !== undefined) {
        socket.once('data', () => socket.end(answer));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const result = await run(copyOf('tcp-service', '6379', String((server.address() as AddressInfo).port)));
    for (const socket of sockets) {
      socket.destroy();
    }
    server.close();
    expect(result.code).toBe(code);
  });

  test('gives 20 when nothing listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const result = await run(copyOf('tcp-service', '6379', String(port)));
    expect(result).toEqual({ code: 20, stderr: `nothing listens on 127.0.0.1:${port}\n` });
  });
});
