import { describe, expect, test } from '@jest/globals';
import { createLogger, type LogFormat, type LogLevel, MAX_LINE_BYTES } from './logger.ts';

function capture(level: LogLevel = 'debug', format: LogFormat = 'json') {
  const lines: string[] = [];
  const log = createLogger(level, format, { write: (line: string) => void lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

describe('the log', () => {
  test('a line is one JSON object with level, time, the constant message and the fields', () => {
    const { log, lines, last } = capture();
    log.info('attempt started', { upgrade: 'shop/web', attempt: 3, gated: true, node: undefined });
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      upgrade: 'shop/web',
      attempt: 3,
      gated: true,
      msg: 'attempt started',
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]*\n$/);
    expect(Object.keys(last()).slice(0, 3)).toEqual(['level', 'time', 'msg']);
  });

  test('as text a line is time, level, sentence and fields', () => {
    const { log, lines } = capture('debug', 'text');
    log.warn('Fell back to web:1.9\nand more', {
      namespace: 'shop',
      name: 'web',
      why: 'exit "17"',
      empty: '',
    });
    expect(lines).toEqual([
      expect.stringMatching(
        /^\d{4}-\S+Z WARN {2}Fell back to web:1\.9 and more {2}namespace=shop name=web why="exit \\"17\\"" empty=""\n$/,
      ),
    ]);
  });

  test('as text no field can pass for a line of its own', () => {
    const { log, lines } = capture('debug', 'text');
    log.info('x', { output: 'a\n2026-01-01T00:00:00.000Z ERROR faked\u001b[2J\u202e' });
    expect(lines.join('').split('\n')).toHaveLength(2);
    expect(lines[0]).not.toContain('\u001b');
  });

  test('fields given once stand on every line, and the newest value wins', () => {
    const { log, last } = capture();
    log
      .with({ upgrade: 'shop/web', attempt: 1 })
      .with({ attempt: 2 })
      .error('fallback failed', { reconcileId: 'r9' });
    expect(last()).toMatchObject({ level: 'error', upgrade: 'shop/web', attempt: 2, reconcileId: 'r9' });
  });

  test('levels below the chosen one are silent', () => {
    const { log, lines } = capture('warn');
    log.debug('looked');
    log.info('changed');
    log.warn('odd');
    log.error('act');
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['warn', 'error']);
  });

  test('holds nothing that changes what a terminal shows, in its sentence or in a field', () => {
    const { log, last } = capture();
    log.info('app:\u001b[31mv2\u202e runs', { image: 'app:\u009b2Jv2', output: 'one\ntwo' });
    expect(last()).toMatchObject({ msg: 'app:v2 runs', image: 'app:2Jv2', output: 'one\ntwo' });
  });

  test.each([
    ['one huge field', { output: 'x'.repeat(100_000) }],
    ['tabs, which grow twofold when written', { output: '\t'.repeat(5_000) }],
    ['many-byte characters', { output: '😀'.repeat(5_000), message2: 'é'.repeat(9_000) }],
    ['quotes and backslashes', { a: '"\\'.repeat(4_000), b: '"'.repeat(4_000), c: '\\'.repeat(4_000) }],
    [
      'a dozen long fields',
      Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`field${i}`, 'y'.repeat(2_000)])),
    ],
  ])('a line never grows above its limit: %s', (_, fields) => {
    const { log, lines, last } = capture();
    log.info('tried', fields);
    expect(Buffer.byteLength(lines[0]!)).toBeLessThanOrEqual(MAX_LINE_BYTES);
    expect(Object.keys(last())).toEqual(expect.arrayContaining(Object.keys(fields)));
    for (const name of Object.keys(fields)) {
      expect(String(last()[name])).toMatch(/…$/);
    }
  });

  test('nor with a long message, which leaves room for the fields', () => {
    const { log, lines, last } = capture();
    log.info(`Rolling web to ${'世'.repeat(4_000)}`, {
      namespace: 'shop',
      name: 'web',
      output: 'x'.repeat(9_000),
    });
    expect(Buffer.byteLength(lines[0]!)).toBeLessThanOrEqual(MAX_LINE_BYTES);
    expect(last()).toMatchObject({
      msg: expect.stringMatching(/^Rolling web to 世+…$/),
      namespace: 'shop',
      name: 'web',
      output: expect.stringMatching(/^x{500,}…$/),
    });
  });

  test('a long line that fits is left alone', () => {
    const { log, last } = capture();
    log.info('tried', { output: 'z'.repeat(3_000) });
    expect(last().output).toBe('z'.repeat(3_000));
  });

  test('credentials do not reach the log, whether by the name of a field or inside a text', () => {
    const { log, lines, last } = capture();
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwb3N0Y2hlY2sifQ.c2lnbmF0dXJl';
    log.warn(`request refused with Bearer ${jwt}`, {
      authorization: 'Basic Zm9vOmJhcg==',
      registryPassword: 'hunter2',
      message: `GET https://user:hunter2@api.example/x with Bearer ${jwt} refused; token was ${jwt}`,
    });
    expect(last()).toMatchObject({
      msg: 'request refused with [redacted]',
      authorization: '[redacted]',
      registryPassword: '[redacted]',
      message: 'GET https://[redacted]@api.example/x with [redacted] refused; token was [redacted]',
    });
    expect(lines[0]).not.toMatch(/hunter2|eyJ|Zm9v/);
  });
});
