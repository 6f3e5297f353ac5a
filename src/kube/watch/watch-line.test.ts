import { describe, expect, test } from '@jest/globals';
import { LineSplitter } from './line-splitter.ts';
import { readWatchLine } from './watch-line.ts';

const object = { metadata: { name: 'a', resourceVersion: '7' } };
const line = (type: unknown, content: unknown = object): string => JSON.stringify({ type, object: content });

test('changes carry their object', () => {
  for (const type of ['ADDED', 'MODIFIED']) {
    expect(readWatchLine(line(type))).toEqual({
      type: 'change',
      deleted: false,
      object,
      resourceVersion: '7',
    });
  }
  expect(readWatchLine(line('DELETED'))).toMatchObject({ type: 'change', deleted: true });
});

test('bookmarks tell when the initial list is complete', () => {
  const end = { metadata: { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } } };
  expect(readWatchLine(line('BOOKMARK'))).toEqual({
    type: 'bookmark',
    resourceVersion: '7',
    initialEnd: false,
  });
  expect(readWatchLine(line('BOOKMARK', end))).toEqual({
    type: 'bookmark',
    resourceVersion: '9',
    initialEnd: true,
  });
});

test.each([
  [
    { kind: 'Status', code: 410, message: 'too old' },
    { type: 'expired', message: 'too old' },
  ],
  [
    { kind: 'Status', reason: 'Expired' },
    { type: 'expired', message: 'no message' },
  ],
  [
    { kind: 'Status', code: 429, details: { retryAfterSeconds: 7 } },
    { type: 'throttled', message: 'no message', retryAfterMs: 7_000 },
  ],
  [
    { kind: 'Status', code: 429, details: { retryAfterSeconds: 1e9 } },
    { type: 'throttled', message: 'no message', retryAfterMs: 60_000 },
  ],
  [
    { kind: 'Status', code: 500, message: 'etcd' },
    { type: 'broken', message: 'the server reported an error: etcd' },
  ],
  [null, { type: 'broken', message: 'the server reported an error: no message' }],
])('the error event %p', (status, expected) => {
  expect(readWatchLine(line('ERROR', status))).toEqual(expected);
});

test.each([
  '',
  '{',
  'null',
  '7',
  '[]',
  '{}',
  '{"type":"ADDED"}',
  line('ADDED', null),
  line('ADDED', {}),
  line('DANCED'),
  line(7),
  '<html>',
])('a line that is no event (%s) breaks the stream', (text) => {
  expect(readWatchLine(text).type).toBe('broken');
});

describe('lines', () => {
  const split = (splitter: LineSplitter, ...chunks: (string | Buffer)[]): string[] =>
    chunks.flatMap((chunk) => [...splitter.push(Buffer.from(chunk))]);

  test('are cut wherever the chunks are cut, also within a character', () => {
    const bytes = Buffer.from('grüße\nb\n\nc');
    for (let at = 0; at <= bytes.length; at += 1) {
      const splitter = new LineSplitter(100);
      expect(split(splitter, bytes.subarray(0, at), bytes.subarray(at))).toEqual(['grüße', 'b', '']);
      expect(splitter.empty).toBe(false);
    }
  });

  test('are limited in length', () => {
    const splitter = new LineSplitter(10);
    expect(split(splitter, '1234567890\n')).toEqual(['1234567890']);
    expect(() => split(splitter, '12345', '678901')).toThrow('line longer than 10 bytes');
  });
});
