import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { processIo } from '../src/io.ts';
import { Screen } from '../src/screen.ts';
import { age, columns, columnsIn, duration, fit, nearest, plain, wrap } from '../src/text.ts';
import { fakeIo } from './io.ts';

describe('text', () => {
  test('is cut to columns, whatever the width of its characters, and its colour ends with it', () => {
    expect(fit('abcdef', 6)).toBe('abcdef');
    expect(fit('abcdef', 4)).toBe('abc…');
    expect(fit('日本語', 5)).toBe('日本…');
    expect(fit('\u001b[31mabcdef\u001b[39m', 4)).toBe('\u001b[31mabc…\u001b[0m');
  });

  test('is aligned by its visible width', () => {
    expect(
      columns([
        ['A', 'B'],
        ['日本', 'x'],
        ['\u001b[31mred\u001b[39m', 'y'],
      ]),
    ).toEqual(['A      B', '日本   x', '\u001b[31mred\u001b[39m    y']);
  });

  test('from a container cannot move the cursor', () => {
    expect(plain('a\u001b[2Jb\rc\u0007d\ne')).toBe('ab cd e');
  });

  test('in a cell is one line in which only colours are executed', () => {
    const reason = '\u001b[31mFailed\u001b]0;title\u0007\u009b2J\r\nFAKE \u202Eline';
    expect(columns([['A', reason, 'z']])).toEqual(['A   \u001b[31mFailed2J FAKE line   z']);
  });

  test.each([true, false])('that reaches a terminal (%s) can do no more than colour it', (isTTY) => {
    const written: string[] = [];
    const stream = Object.assign(new EventEmitter(), {
      isTTY,
      hasColors: () => true,
      write: (text: string) => written.push(text),
    });
    const process = { stdout: stream, stderr: stream, stdin: {}, env: {}, once: () => process };
    const io = processIo(process as unknown as NodeJS.Process);
    io.out('  - \u001b[31mapp:\u001b[2J1\u202E\n  + app:2');
    io.note('error: \u001b[2Jno');
    expect(written).toEqual(
      isTTY
        ? ['  - \u001b[31mapp:1\n  + app:2\n', 'error: no\n']
        : ['  - \u001b[31mapp:\u001b[2J1\u202E\n  + app:2\n', 'error: \u001b[2Jno\n'],
    );
  });

  test('formats ages as kubectl does', () => {
    expect([5, 119, 250, 3000, 12_000, 40_000, 200_000, 4_000_000].map((s) => age(s * 1000))).toEqual([
      '5s', '119s', '4m10s', '50m', '3h20m', '11h', '2d7h', '46d',
    ]); // biome-ignore format: a list
  });

  test('parses times, and rejects anything else', () => {
    expect([duration('--x', '90'), duration('--x', '1h30m'), duration('--x', '500ms')]).toEqual([
      90_000, 5_400_000, 500,
    ]);
    expect(() => duration('--timeout', '5 minutes')).toThrow('--timeout must be a time such as 30s');
  });

  test.each([
    ['a bc def', 4, ['a bc', 'def']],
    ['abcdefgh', 3, ['abc', 'def', 'gh']],
    ['a 日本語', 4, ['a', '日本', '語']],
    ['', 4, ['']],
  ])('wraps %j at %d columns', (text, width, lines) => {
    expect(wrap(text, width)).toEqual(lines);
  });

  const rows = [
    ['NAME', 'MESSAGE'],
    ['web', 'web:1.9 runs again; web:2.0 failed: it exited 17'],
  ];

  test('wraps the last column beside the others, below them where there is no room, and cuts nothing of it', () => {
    expect(columnsIn(50, rows)).toEqual([
      'NAME   MESSAGE',
      'web    web:1.9 runs again; web:2.0 failed: it',
      '       exited 17',
    ]);
    expect(columnsIn(30, rows)).toEqual([
      'NAME',
      '   MESSAGE',
      'web',
      '   web:1.9 runs again; web:2.0',
      '   failed: it exited 17',
    ]);
  });

  test('suggests the intended word', () => {
    expect(nearest('fellbak', ['fellback', 'failed'])).toBe('fellback');
    expect(nearest('zzzzzz', ['fellback', 'failed'])).toBeUndefined();
  });
});

describe('a screen', () => {
  test('draws no line wider or more lines than the terminal, also after a resize', () => {
    const io = fakeIo({ terminal: true, columns: 20, rows: 4 });
    const screen = new Screen(io);
    screen.open();
    screen.draw(['x'.repeat(30), 'b', 'c', 'd', 'e']);
    const rows = (): string[] => (io.written.at(-1) ?? '').split('\r\n').map(plain);
    expect(rows()).toEqual([`${'x'.repeat(19)}…`, 'b', '… 3 more lines: enl…']);
    io.resize(40, 10);
    expect(rows()).toEqual(['x'.repeat(30), 'b', 'c', 'd', 'e']);
    screen.draw(['a', 'b', 'c'], { head: ['now'], foot: ['it falls back to the previous version'] });
    expect(rows()).toEqual(['now', 'a', 'b', 'c', 'it falls back to the previous version']);
    io.resize(20, 10);
    expect(rows()).toEqual(['now', 'a', 'b', 'c', 'it falls back to the', 'previous version']);
    io.resize(20, 6);
    expect(rows()).toEqual(['a', 'b', 'c', 'it falls back to the', 'previous version']);
    io.resize(20, 5);
    expect(rows()).toEqual(['a', '… 2 more lines: enl…', 'it falls back to the', 'previous version']);
    io.resize(20, 4);
    expect(rows()).toEqual(['a', '… 2 more lines: enl…', 'it falls back to th…']);
    io.resize(20, 2);
    expect(rows()).toHaveLength(1);
    io.resize(40, 10);
    screen.draw(['a\u001b[2Jb']);
    expect(io.written.at(-1)).not.toContain('\u001b[2J');
    screen.draw(['x'.repeat(30), 'b', 'c', 'd', 'e']);
    screen.close();
    expect(io.written.at(-1)).toContain('\u001b[?1049l');
    expect(io.lines).toEqual(['x'.repeat(30), 'b', 'c', 'd', 'e']);
  });
});
