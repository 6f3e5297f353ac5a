import { describe, expect, test } from '@jest/globals';
import type { Check } from '../../../src/api/types.ts';
import type { Cluster } from '../src/cluster.ts';
import { Fault } from '../src/fault.ts';
import { tableOf } from '../src/verbs/codes.ts';
import { entryText, logs, readEntry } from '../src/verbs/logs.ts';
import { fakeIo } from './io.ts';

const listing = (list: (resource: { readonly plural: string }) => Promise<unknown>): Cluster =>
  ({ list }) as unknown as Cluster;

describe('the log of an operator that is not found', () => {
  const forbidden = 'forbidden: me cannot list pods in the whole cluster; you need the verb list on pods';
  test.each([
    ['any', {}, listing(async () => []), 'no pod in any namespace has the label of the operator'],
    [
      'a given',
      { operatorNamespace: 'ops' },
      listing(async () => []),
      'no pod in namespace ops has the label',
    ],
    [
      'a forbidden',
      {},
      listing(() => Promise.reject(new Fault(forbidden))),
      `${forbidden}, or name the operator's namespace with --operator-namespace`,
    ],
    [
      'more than one',
      {},
      listing(async (resource) =>
        resource.plural === 'pods'
          ? ['ops', 'evil'].map((namespace) => ({ metadata: { namespace, name: 'postcheck-1' } }))
          : Promise.reject(new Fault('forbidden')),
      ),
      "which tell whose they are, or name the operator's namespace with --operator-namespace",
    ],
  ])('in %s namespace says where it was looked for, and what to add', async (_, options, cluster, said) => {
    await expect(logs(fakeIo(), cluster, undefined, options)).rejects.toThrow(said);
  });
});

describe('a line of the operator’s log', () => {
  const line = JSON.stringify({
    level: 'warn',
    time: '2026-01-01T03:04:05.000Z',
    msg: 'phase changed',
    upgrade: 'shop/web',
    to: 'FallingBack',
    message: 'Falling back\u001b[2J',
  });

  test('is printed as a sentence without control characters', () => {
    expect(entryText(fakeIo(), line)).toMatch(
      /^\d\d:\d\d:\d\d {2}WARN {2}shop\/web {2}phase changed: Falling back {2}to=FallingBack$/,
    );
  });

  test('has its level in colour', () => {
    const io = { ...fakeIo(), paint: (_: unknown, text: string) => `\u001b[33m${text}\u001b[0m` };
    expect(entryText(io, line)).toContain('  \u001b[33mWARN\u001b[0m  shop/web  ');
    expect(entryText(io, JSON.stringify({ level: 'warn\u001b[2J', msg: 'a\u001b[2Jb' }))).toBe(
      '\u001b[33mWARN\u001b[0m  ab',
    );
  });

  test('is matched to its Upgrade; one that is not JSON is printed as it is', () => {
    expect(readEntry(line).upgrade).toBe('shop/web');
    expect(readEntry('{"namespace":"shop","name":"web"}').upgrade).toBe('shop/web');
    expect(entryText(fakeIo(), 'panic: out of memory')).toBe('panic: out of memory');
  });
});

test('the table of codes covers each code once, and a rule wins over the default', () => {
  const check = {
    name: 'readiness-probe',
    exec: { command: ['/check'] },
    timeoutSeconds: 10,
    whenMissing: 'Fail',
    maxOutputBytes: 1024,
    exitCodes: [
      { codes: '17-20', class: 'Fail', reason: 'DatabaseClosed', message: 'the database is closed' },
    ],
  } as unknown as Check;
  const rows = tableOf(check);
  const covered = rows.flatMap(({ codes }) => {
    const [low = 0, high = low] = codes.split('-').map(Number);
    return Array.from({ length: high - low + 1 }, (_, index) => low + index);
  });
  expect(covered).toEqual(Array.from({ length: 256 }, (_, code) => code));
  expect(rows.find(({ codes }) => codes === '17-20')).toMatchObject({
    class: 'Fail',
    reason: 'DatabaseClosed',
    source: 'rule',
  });
});

describe('a log in which nothing is found', () => {
  const cluster = (log: string): Cluster =>
    ({
      list: async (resource: { readonly plural: string }) =>
        resource.plural === 'pods' ? [{ metadata: { namespace: 'ops', name: 'postcheck-1' } }] : [],
      log: async () => ({ ok: true, text: log }),
      try: async () => ({ ok: true, body: { metadata: { namespace: 'shop', name: 'web' } } }),
    }) as unknown as Cluster;
  test.each([
    [undefined, '', {}, 'the log has 0 lines'],
    [undefined, '', { since: 90_000 }, 'the log has 0 lines of the last 1m30s'],
    ['web', '{"upgrade":"shop/other"}\n{"upgrade":"shop/more"}\n', {}, 'none of 2 lines is about shop/web'],
  ])('of %s is no silence: %j', async (name, log, options, said) => {
    const io = fakeIo();
    expect(await logs(io, cluster(log), name, { operatorNamespace: 'ops', ...options })).toBe(0);
    expect([io.lines, io.notes]).toEqual([[], [said]]);
  });
});
