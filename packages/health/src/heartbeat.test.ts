/** The heartbeat file, written by real workers. */

import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { eventually, type Running, run, start, workDirectory } from './fixtures/processes.ts';
import { healthCode } from './health-codes.ts';
import { startHeartbeat } from './heartbeat.ts';
import { checkHeartbeat, consumeHeartbeat } from './heartbeat-check.ts';

// Processes take their time on a busy machine.
jest.setTimeout(60_000);

let directory: ReturnType<typeof workDirectory>;
let file: string;
let worker: Running | undefined;

beforeEach(() => {
  directory = workDirectory();
  file = join(directory.path, 'beat');
});
afterEach(async () => {
  await worker?.stop('SIGKILL');
  worker = undefined;
  directory.remove();
});

const healthy = (maxAgeMs = 10_000): boolean => checkHeartbeat(file, maxAgeMs).code === 0;

function setAge(seconds: number): void {
  const time = Date.now() / 1000 - seconds;
  utimesSync(file, time, time);
}

describe('checking the age', () => {
  test('returns the same result to every caller, as it consumes nothing', async () => {
    await (await startHeartbeat({ path: file })).beat();
    expect([1, 2, 3].map(() => checkHeartbeat(file, 10_000).code)).toEqual([0, 0, 0]);
  });

  test('says how old the last beat is when it is too old', async () => {
    await (await startHeartbeat({ path: file })).beat();
    setAge(31);
    expect(checkHeartbeat(file, 30_000)).toEqual({
      code: healthCode.beatTooOld,
      message: expect.stringMatching(/31\.\d s old, allowed are 30\.0 s/),
    });
  });

  test('rejects a beat from the future, and tolerates a slightly fast clock', async () => {
    await (await startHeartbeat({ path: file })).beat();
    setAge(-1);
    expect(healthy()).toBe(true);
    setAge(-3600);
    expect(checkHeartbeat(file, 10_000)).toEqual({
      code: healthCode.beatInvalid,
      message: expect.stringContaining('in the future'),
    });
  });

  test.each(['', '7', 'seven 1\n', '7 1', '-7 1\n', 'healthy\n'])('refuses the content %j', (content) => {
    writeFileSync(file, content);
    expect(checkHeartbeat(file, 10_000).code).toBe(healthCode.beatInvalid);
  });

  test('distinguishes an unreadable file from a missing one', () => {
    mkdirSync(file);
    expect(checkHeartbeat(file, 10_000).code).toBe(healthCode.beatUnreadable);
    expect(checkHeartbeat(join(directory.path, 'none'), 10_000).code).toBe(healthCode.beatMissing);
  });
});

describe('a worker', () => {
  test('is not healthy before its first beat, and beats from then on with its pid and a rising number', async () => {
    worker = await start('worker.ts', [file, '100']);
    expect(checkHeartbeat(file, 10_000).code).toBe(healthCode.beatMissing);
    await eventually('the first beat', () => healthy());
    const [pid, first] = readFileSync(file, 'utf8').split(' ').map(Number);
    expect(pid).toBe(worker.child.pid);
    await eventually(
      'later beats',
      () => Number(readFileSync(file, 'utf8').split(' ')[1]) > (first ?? 0) + 2,
    );
  });

  test('whose work loop hangs turns unhealthy although its process and its timers live', async () => {
    worker = await start('worker.ts', [file, '20']);
    await eventually('the first beat', () => healthy());
    worker.child.kill('SIGUSR2');
    await eventually('the beat grows old', () => checkHeartbeat(file, 300).code === healthCode.beatTooOld);
    expect(worker.alive()).toBe(true);
  });

  test('that is killed is recognized immediately, however recent its beat', async () => {
    worker = await start('worker.ts', [file, '20']);
    await eventually('the first beat', () => healthy());
    await worker.stop('SIGKILL');
    expect(checkHeartbeat(file, 86_400_000)).toEqual({
      code: healthCode.beatProcessGone,
      message: expect.stringContaining(`${worker.child.pid}`),
    });
  });

  test('that shuts down removes its beat and leaves nothing behind', async () => {
    worker = await start('worker.ts', [file, '20']);
    await eventually('the first beat', () => healthy());
    expect(await worker.stop('SIGTERM')).toBe(0);
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test('starts without the beat of an earlier one, even with the same pid', async () => {
    writeFileSync(file, `${process.pid} 99\n`);
    expect(healthy()).toBe(true);
    await startHeartbeat({ path: file });
    expect(checkHeartbeat(file, 10_000).code).toBe(healthCode.beatMissing);
  });

  test('that beats more slowly than the check allows is unhealthy between its beats', async () => {
    worker = await start('worker.ts', [file, '600']);
    await eventually('the first beat', () => healthy());
    await eventually('unhealthy', () => checkHeartbeat(file, 200).code === healthCode.beatTooOld);
    await eventually('healthy again', () => healthy(200));
  });
});

describe('a beat', () => {
  test('is always complete for its readers', async () => {
    const heartbeat = await startHeartbeat({ path: file, minIntervalMs: 0 });
    await heartbeat.beat();
    for (let turn = 0; turn < 300; turn += 1) {
      const beating = heartbeat.beat();
      expect(readFileSync(file, 'utf8')).toMatch(/^\d+ \d+\n$/);
      await beating;
    }
  });

  test('costs nothing when the last one is recent enough', async () => {
    const heartbeat = await startHeartbeat({ path: file, minIntervalMs: 60_000 });
    await Promise.all(Array.from({ length: 1000 }, () => heartbeat.beat()));
    await heartbeat.beat();
    expect(readFileSync(file, 'utf8')).toBe(`${process.pid} 1\n`);
  });

  test('after the stop writes nothing', async () => {
    const heartbeat = await startHeartbeat({ path: file, minIntervalMs: 0 });
    const beating = heartbeat.beat();
    await heartbeat.stop();
    await beating;
    await heartbeat.beat();
    expect(existsSync(file)).toBe(false);
  });

  test('that cannot be written is reported once per streak, and ends nothing', async () => {
    const gone = join(directory.path, 'gone');
    const errors: Error[] = [];
    const heartbeat = await startHeartbeat({
      path: join(gone, 'beat'),
      minIntervalMs: 0,
      onError: (error) => errors.push(error),
    });
    await heartbeat.beat();
    await heartbeat.beat();
    expect(errors.map((error) => error.message)).toEqual([
      expect.stringMatching(/cannot write the heartbeat.*ENOENT/),
    ]);
    mkdirSync(gone);
    await heartbeat.beat();
    expect(existsSync(join(gone, 'beat'))).toBe(true);
  });

  const worked = join(import.meta.dirname, 'fixtures', 'worker.ts');

  test('on a full volume is reported, and the worker goes on', async () => {
    const script = 'mount -t tmpfs -o size=16k none "$1" && exec timeout 2 "$2" "$3" "$1/beat" 20 fill';
    const { stdout } = await run('unshare', [
      '-m',
      'sh',
      '-c',
      script,
      'sh',
      directory.path,
      process.execPath,
      worked,
    ]);
    expect(stdout).toMatch(/^ready\nfilled: ENOSPC.*\ncannot write the heartbeat .*.*ENOSPC/);
  });

  test('on a read-only volume is reported, and the worker goes on', async () => {
    const script = 'mount -t tmpfs -o ro none "$1" && exec timeout 2 "$2" "$3" "$1/beat" 20';
    const { stdout } = await run('unshare', [
      '-m',
      'sh',
      '-c',
      script,
      'sh',
      directory.path,
      process.execPath,
      worked,
    ]);
    expect(stdout).toMatch(/^ready\ncannot write the heartbeat .*.*EROFS/);
  });
});

describe('consuming, as rm would', () => {
  test('is healthy once per beat: a second caller finds none', async () => {
    await (await startHeartbeat({ path: file })).beat();
    expect([consumeHeartbeat(file).code, consumeHeartbeat(file).code]).toEqual([0, healthCode.beatMissing]);
  });

  test('recognizes a missing beat, for which rm -f returns 0', async () => {
    expect((await run('rm', ['-f', file])).code).toBe(0);
    expect(consumeHeartbeat(file).code).toBe(healthCode.beatMissing);
  });

  test('finds a new beat after the next turn of the work', async () => {
    const heartbeat = await startHeartbeat({ path: file, minIntervalMs: 0 });
    await heartbeat.beat();
    consumeHeartbeat(file);
    await heartbeat.beat();
    expect(consumeHeartbeat(file).code).toBe(0);
  });
});
