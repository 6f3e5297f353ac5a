import { execFile } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { type Build, type Part, runBench } from './harness.ts';
import { row } from './measure.ts';

type Names = 'speed' | 'size';

const part = (
  name: string,
  measure: Part<Names>['measure'],
  more: Partial<Part<Names>> = {},
): Part<Names> => ({
  name,
  figures: {
    speed: { name: `${name}: speed`, unit: 's', aim: '≤ 1' },
    size: { name: `${name}: size`, unit: '' },
  },
  needs: [],
  limitMs: 10_000,
  measure,
  clear: async () => {},
  ...more,
});
const good = (name = 'good') =>
  part(name, async (sheet) => {
    sheet.note('speed', 0.5);
    sheet.note('size', 2);
  });

async function run(parts: readonly Part<Names>[]) {
  const strays = new EventEmitter();
  const said: string[] = [];
  const report = runBench(parts, { say: (line) => said.push(line), strays, clearLimitMs: 10_000 });
  return { strays, said, ...(await report) };
}

const rows = ({ figures }: Awaited<ReturnType<typeof run>>) =>
  figures.map((figure) => row(figure).replace(/\s+/g, ' ').trim());
const GOOD = ['good: speed 0.500 s n=1 aim ≤ 1', 'good: size 2.000 n=1'];

test('a part that throws loses only what it had not measured yet, and the report names it', async () => {
  const bad = part('bad', async (sheet) => {
    sheet.note('speed', 0.25);
    throw new Error('the pod went away');
  });
  const report = await run([bad, good()]);
  expect(report.failures).toEqual([{ of: 'bad', during: 'measure', why: 'the pod went away' }]);
  expect(rows(report)).toEqual([
    'bad: speed 0.250 s n=1 aim ≤ 1',
    'bad: size not measured: the pod went away',
    ...GOOD,
  ]);
});

test('a part that throws before it returns a promise is no different', async () => {
  const bad = part('bad', () => {
    throw new Error('at once');
  });
  expect((await run([bad, good()])).failures).toEqual([{ of: 'bad', during: 'measure', why: 'at once' }]);
});

test('a part that hangs is told to stop at its limit, and cleared', async () => {
  const steps: string[] = [];
  const bad = part(
    'bad',
    async (_sheet, signal) => {
      signal.addEventListener('abort', () => steps.push('told'));
      await new Promise(() => {});
    },
    { limitMs: 20, clear: async () => void steps.push('cleared') },
  );
  const report = await run([bad, good()]);
  expect(steps).toEqual(['told', 'cleared']);
  expect(report.failures).toEqual([{ of: 'bad', during: 'measure', why: 'it took longer than 0.02 s' }]);
  expect(rows(report).slice(2)).toEqual(GOOD);
});

test('a part that lets go of a failing promise or throws in a callback has failed, and nobody else', async () => {
  const strays = new EventEmitter();
  const bad = part('bad', async () => {
    setImmediate(() => strays.emit('uncaughtException', new Error('read ECONNRESET')));
    await new Promise(() => {});
  });
  const late = part('late', async () => {
    strays.emit('unhandledRejection', 'no reason');
    await new Promise(() => {});
  });
  const { failures, figures } = await runBench([bad, late, good()], {
    say: () => {},
    strays,
    clearLimitMs: 1000,
  });
  expect(failures.map(({ of, why }) => `${of}: ${why}`)).toEqual([
    'bad: an error that nobody caught: read ECONNRESET',
    'late: an error that nobody caught: no reason',
  ]);
  expect(figures.slice(4).every(({ values }) => values.length === 1)).toBe(true);
  expect(strays.eventNames()).toEqual([]);
});

test('a part whose connections are cut under it fails with that, and the next one connects anew', async () => {
  const server = createServer((call, response) => {
    if (call.url === '/cut') {
      call.socket.destroy();
    } else {
      response.end('ok');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path: string) =>
    new Promise<void>((done, failed) => {
      const { port } = server.address() as AddressInfo;
      request({ port, path, agent }, (response) => response.resume().on('end', done))
        .on('error', failed)
        .end();
    });
  const bad = part('bad', async () => {
    await get('/');
    await get('/cut');
  });
  const next = part('good', async (sheet) => {
    await get('/');
    sheet.note('speed', 0.5);
    sheet.note('size', 2);
  });
  const report = await run([bad, next]);
  agent.destroy();
  server.close();
  expect(report.failures).toEqual([{ of: 'bad', during: 'measure', why: 'socket hang up' }]);
  expect(rows(report).slice(2)).toEqual(GOOD);
});

test('a part that cannot be cleared has its figures all the same', async () => {
  const bad = part('good', good().measure, { clear: () => Promise.reject(new Error('write EPIPE')) });
  const report = await run([bad, good('next')]);
  expect(report.failures).toEqual([{ of: 'good', during: 'clear', why: 'write EPIPE' }]);
  expect(rows(report).slice(0, 2)).toEqual(GOOD);
  expect(report.figures).toHaveLength(4);
});

test('everything is built before anything is measured, once, and what was not built is said at every figure that needs it', async () => {
  const steps: string[] = [];
  const build = (name: string, more: Partial<Build> = {}): Build => ({
    name,
    limitMs: 1000,
    build: async () => void steps.push(`build ${name}`),
    ...more,
  });
  const both = build('both');
  const broken = build('broken', { build: () => Promise.reject(new Error('go is not installed')) });
  const measured = (name: string, needs: readonly Build[]) =>
    part(name, async () => void steps.push(`measure ${name}`), { needs });
  const report = await run([measured('a', [both]), measured('b', [both, broken]), measured('c', [])]);
  expect(steps).toEqual(['build both', 'measure a', 'measure c']);
  expect(report.failures).toEqual([{ of: 'broken', during: 'build', why: 'go is not installed' }]);
  expect(rows(report).slice(2, 4)).toEqual([
    'b: speed not measured: broken was not built: go is not installed',
    'b: size not measured: broken was not built: go is not installed',
  ]);
});

test('a value that is no number never hides the others, and says why it is none', async () => {
  const odd = part('odd', async (sheet) => {
    sheet.note('speed', undefined, 'no event said so');
    sheet.note('speed', 0.122);
    sheet.note('speed', Number.NaN, 'no event said so');
    sheet.note('size', Number.POSITIVE_INFINITY);
  });
  expect(rows(await run([odd]))).toEqual([
    'odd: speed 0.122 s n=1 aim ≤ 1 (2 not measured: no event said so)',
    'odd: size not measured: it was not seen',
  ]);
});

test('a program that fails is told in one line, with the last thing it said', async () => {
  const bad = part('bad', async () => {
    await promisify(execFile)('bash', ['-c', 'echo first >&2; echo no such context >&2; exit 3']);
  });
  const [failure] = (await run([bad])).failures;
  expect(failure?.why).toMatch(/^Command failed: bash -c .* … no such context$/);
});

test('a figure that a part forgot says so', async () => {
  expect(rows(await run([part('lazy', async () => {})]))).toEqual([
    'lazy: speed not measured: lazy ended without it',
    'lazy: size not measured: lazy ended without it',
  ]);
});

test('nothing in the bench keeps the event loop while a program runs', () => {
  const files = globSync(join(import.meta.dirname, '*.ts')).filter((file) => !file.endsWith('.test.ts'));
  expect(files.length).toBeGreaterThan(5);
  expect(files.filter((file) => /\b(exec|execFile|spawn)Sync\b/.test(readFileSync(file, 'utf8')))).toEqual(
    [],
  );
});
