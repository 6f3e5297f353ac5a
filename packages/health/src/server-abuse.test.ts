/**
 * Probers die at any moment: a runtime kills them when their time is over. Each of these cases is shown twice, with the
 * ten-line server that many applications have, and with ours.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { askHealth } from './client.ts';
import { eventually, type Running, run, start, workDirectory } from './fixtures/processes.ts';
import { healthCode } from './health-codes.ts';

// Processes take their time on a busy machine.
jest.setTimeout(60_000);

let directory: ReturnType<typeof workDirectory>;
let socket: string;
let app: Running | undefined;

beforeEach(() => {
  directory = workDirectory();
  socket = join(directory.path, 'health.sock');
});
afterEach(async () => {
  await app?.stop('SIGKILL');
  app = undefined;
  directory.remove();
});

const naiveProbe = join(import.meta.dirname, 'fixtures', 'naive-probe.ts');

async function probeNaively(limitMs: number): Promise<number | null> {
  return (await run(process.execPath, [naiveProbe, socket, String(limitMs)])).code;
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000));

describe('an asynchronous check that returns false', () => {
  test('is healthy for ever in the naive server', async () => {
    app = await start('naive-app.ts', [socket, 'false']);
    expect(await probeNaively(10_000)).toBe(0);
  });

  test('is unhealthy in ours', async () => {
    app = await start('app.ts', [socket, 'false']);
    expect((await askHealth(socket, 5000)).code).toBe(healthCode.unhealthy);
  });
});

describe('a prober that gave up before the response was written', () => {
  test('ends the naive application', async () => {
    app = await start('naive-app.ts', [socket, 'busy']);
    expect(await probeNaively(200)).toBe(1);
    const ended = app;
    await eventually('the naive application dies', () => !ended.alive());
  });

  test('does nothing to ours', async () => {
    app = await start('app.ts', [socket, 'busy']);
    expect((await askHealth(socket, 100)).code).toBe(healthCode.noAnswer);
    await settled();
    expect(app.alive()).toBe(true);
    expect((await askHealth(socket, 5000)).code).toBe(0);
  });
});

describe('a prober that is killed before it read the response', () => {
  test('ends the naive application', async () => {
    app = await start('naive-app.ts', [socket]);
    const prober = await start('deaf-probe.ts', [socket]);
    await settled();
    await prober.stop('SIGKILL');
    const ended = app;
    await eventually('the naive application dies', () => !ended.alive());
  });

  test('does nothing to ours', async () => {
    app = await start('app.ts', [socket]);
    const prober = await start('deaf-probe.ts', [socket]);
    await settled();
    await prober.stop('SIGKILL');
    await settled();
    expect(app.alive()).toBe(true);
    expect((await askHealth(socket, 5000)).code).toBe(0);
  });
});

test('1,000 probes under load, killed at random, leave the application unharmed', async () => {
  app = await start('app.ts', [socket, 'load']);
  const loaded = app;
  const openFiles = (): number => readdirSync(`/proc/${loaded.child.pid}/fd`).length;
  const before = openFiles();

  for (let round = 0; round < 10; round += 1) {
    const probers = await Promise.all([
      start('deaf-probe.ts', [socket, '50']),
      start('deaf-probe.ts', [socket, '50']),
    ]);
    await Promise.all(
      probers.map(async (prober) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
        expect(await prober.stop('SIGKILL')).toBe('SIGKILL');
      }),
    );
  }

  await eventually('every connection is given back', () => openFiles() <= before);
  expect(loaded.alive()).toBe(true);
  expect((await askHealth(socket, 10_000)).code).toBe(0);
});
