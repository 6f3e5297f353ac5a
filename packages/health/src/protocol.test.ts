import { describe, expect, test } from '@jest/globals';
import { healthCode } from './health-codes.ts';
import { formatReply, LineReader, parseReply, REPLY_LIMIT_BYTES } from './protocol.ts';

describe('an encoded response', () => {
  test('is a code, a message and a newline', () => {
    expect(formatReply({ code: 17, message: 'database gone' })).toBe('17 database gone\n');
    expect(formatReply({ code: 0, message: '' })).toBe('0\n');
  });

  test('is one line, whatever the message contains', () => {
    expect(formatReply({ code: 3, message: 'first\r\nsecond\0third\u0085' })).toBe('3 first second third\n');
  });

  test('stays within its limit, also when a character of several bytes is cut', () => {
    for (let padding = 0; padding < 4; padding += 1) {
      const line = formatReply({ code: 3, message: `${'x'.repeat(padding)}${'😀'.repeat(500)}` });
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(REPLY_LIMIT_BYTES);
      expect(new LineReader(REPLY_LIMIT_BYTES).push(Buffer.from(line)).lines).toHaveLength(1);
    }
  });

  test('is decoded as it was encoded', () => {
    const reply = { code: 255, message: 'all of it' };
    expect(parseReply(formatReply(reply).slice(0, -1))).toEqual(reply);
    expect(parseReply('0')).toEqual({ code: 0, message: '' });
  });

  test.each([
    '256',
    '-1',
    '999',
    '1000',
    '00',
    '1e1',
    '0x0',
    ' 0',
    '+0',
    '0.0',
    '',
    'ok',
    'healthy 0',
    '0\ttab',
  ])('%j is not an answer, and never an exit code by accident', (line) => {
    expect(parseReply(line).code).toBe(healthCode.protocolError);
  });
});

describe('a line', () => {
  test('counts once its newline is there, in however many pieces it comes', () => {
    const reader = new LineReader(64);
    expect(reader.push(Buffer.from('1'))).toEqual({ lines: [], tooLong: false });
    expect(reader.push(Buffer.from('7\n0'))).toEqual({ lines: ['17'], tooLong: false });
    expect(reader.push(Buffer.from('\n'))).toEqual({ lines: ['0'], tooLong: false });
  });

  test('may come together with others', () => {
    expect(new LineReader(64).push(Buffer.from('hc\nhc\n')).lines).toEqual(['hc', 'hc']);
  });

  test('is too long from its limit on, newline included', () => {
    expect(new LineReader(4).push(Buffer.from('abc\n'))).toEqual({ lines: ['abc'], tooLong: false });
    expect(new LineReader(4).push(Buffer.from('abc'))).toEqual({ lines: [], tooLong: false });
    expect(new LineReader(4).push(Buffer.from('abcd\n'))).toEqual({ lines: [], tooLong: true });
    expect(new LineReader(4).push(Buffer.from('abcd'))).toEqual({ lines: [], tooLong: true });
  });
});
