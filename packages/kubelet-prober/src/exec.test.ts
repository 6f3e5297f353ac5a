import { execFile } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { type CommandEnd, probeExec, type RunInContainer } from './exec.ts';

const limits = { timeoutMs: 5000 };
const ends =
  (end: CommandEnd): RunInContainer =>
  async () =>
    end;

describe('how a command ends', () => {
  test.each<[string, CommandEnd, object]>([
    [
      'exit 0 is success with its output',
      { kind: 'exit', code: 0, output: 'OK' },
      { result: 'success', output: 'OK', reached: true },
    ],
    [
      'exit 1 is failure with its output',
      { kind: 'exit', code: 1, output: 'Fail' },
      { result: 'failure', output: 'Fail', reached: true },
    ],
    [
      'a signal is failure',
      { kind: 'exit', code: 137, output: '' },
      { result: 'failure', output: '', reached: true },
    ],
    [
      'a time-out is failure that says so',
      { kind: 'timeout', message: 'timed out' },
      { result: 'failure', output: 'timed out', reached: true },
    ],
    [
      'a command that cannot be run is unknown, with an error and no output',
      { kind: 'error', message: 'no such file' },
      { result: 'unknown', output: '', error: 'no such file', reached: false },
    ],
  ])('%s', async (_, end, outcome) => {
    expect(await probeExec(['x'], ends(end), limits)).toEqual(outcome);
  });

  test.each([0, 1])('of more than 10 KiB the first 10,240 bytes are kept (exit %i)', async (code) => {
    const outcome = await probeExec(
      ['x'],
      ends({ kind: 'exit', code, output: `${'a'.repeat(10_239)}bc` }),
      limits,
    );
    expect(outcome.output).toBe(`${'a'.repeat(10_239)}b`);
  });
});

describe('a runner', () => {
  test('gets the command as an array, and the timeout', async () => {
    const seen: unknown[] = [];
    await probeExec(
      ['sh', '-c', 'exit 0'],
      async (command, { timeoutMs }) => {
        seen.push(command, timeoutMs);
        return { kind: 'exit', code: 0, output: '' };
      },
      limits,
    );
    expect(seen).toEqual([['sh', '-c', 'exit 0'], 5000]);
  });

  test('that rejects is unknown, with an error', async () => {
    expect(await probeExec(['x'], () => Promise.reject(new Error('socket hang up')), limits)).toMatchObject({
      result: 'unknown',
      error: 'socket hang up',
    });
  });

  test('that throws is unknown, with an error', async () => {
    const thrower = (() => {
      throw 'a text';
    }) as RunInContainer;
    expect(await probeExec(['x'], thrower, limits)).toMatchObject({ result: 'unknown', error: 'a text' });
  });

  test('that never ends is a time-out', async () => {
    const outcome = await probeExec(['sleep', '10'], () => new Promise(() => {}), { timeoutMs: 50 });
    expect(outcome).toEqual({
      result: 'failure',
      output: 'command timed out: "sleep 10" timed out after 0.05s',
      reached: true,
    });
  });

  test('that reports the abort as an error is a time-out nevertheless', async () => {
    const run: RunInContainer = (_, { signal }) =>
      new Promise((resolve) => {
        signal?.addEventListener('abort', () =>
          resolve({ kind: 'error', message: 'The operation was aborted' }),
        );
      });
    expect(await probeExec(['x'], run, { timeoutMs: 50 })).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('timed out after 0.05s'),
    });
  });

  test('that never ends can be aborted', async () => {
    const controller = new AbortController();
    const running = probeExec(['x'], () => new Promise(() => {}), {
      timeoutMs: 60_000,
      signal: controller.signal,
    });
    controller.abort();
    expect(await running).toMatchObject({ result: 'unknown', error: 'aborted' });
  });

  test('may end a real process on the signal', async () => {
    const run: RunInContainer = ([file = '', ...words], { signal }) =>
      new Promise((resolve) => {
        execFile(file, words, { ...(signal === undefined ? {} : { signal }) }, (error, stdout, stderr) => {
          const output = stdout + stderr;
          resolve(
            error === null
              ? { kind: 'exit', code: 0, output }
              : { kind: 'exit', code: typeof error.code === 'number' ? error.code : 137, output },
          );
        });
      });
    expect(await probeExec(['sh', '-c', 'echo out; echo err >&2; exit 3'], run, limits)).toEqual({
      result: 'failure',
      output: 'out\nerr\n',
      reached: true,
    });
    expect(await probeExec(['sleep', '30'], run, { timeoutMs: 100 })).toMatchObject({ result: 'failure' });
  });
});
