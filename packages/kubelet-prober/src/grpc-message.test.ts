import { describe, expect, test } from '@jest/globals';
import { decodeResponse, encodeRequest } from './grpc-message.ts';

const framed = (...bytes: number[]) => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes]);

describe('a HealthCheckRequest', () => {
  test('for the server as a whole is empty', () => {
    expect(encodeRequest('')).toEqual(framed());
  });

  test('names its service', () => {
    expect(encodeRequest('liveness')).toEqual(framed(0x0a, 8, ...Buffer.from('liveness')));
  });

  test('names of more than 127 bytes have a length of two bytes', () => {
    const request = encodeRequest('é'.repeat(100));
    expect(request.subarray(0, 8)).toEqual(Buffer.from([0, 0, 0, 0, 203, 0x0a, 200, 1]));
    expect(request.length).toBe(208);
  });
});

describe('a HealthCheckResponse', () => {
  test.each([
    ['nothing', framed(), 'UNKNOWN'],
    ['1', framed(8, 1), 'SERVING'],
    ['2', framed(8, 2), 'NOT_SERVING'],
    ['3', framed(8, 3), 'SERVICE_UNKNOWN'],
    ['a number of the future', framed(8, 0x80, 1), '128'],
    ['the last of two', framed(8, 2, 8, 1), 'SERVING'],
    [
      'fields of every other kind around it',
      framed(0x12, 2, 8, 2, 0x19, 0, 0, 0, 0, 0, 0, 0, 0, 8, 1, 0x25, 0, 0, 0, 0, 0x28, 7),
      'SERVING',
    ],
  ])('%s', (_, body, status) => {
    expect(decodeResponse(body)).toBe(status);
  });

  test.each([
    ['an empty body', Buffer.alloc(0)],
    ['a compressed message', Buffer.from([1, 0, 0, 0, 2, 8, 1])],
    ['two messages', Buffer.concat([framed(8, 1), framed(8, 1)])],
    ['a message cut short', Buffer.from([0, 0, 0, 0, 3, 8, 1])],
    ['a field without its value', framed(8)],
    ['a number without end', framed(8, ...Array(11).fill(0x80))],
    ['a length beyond the message', framed(0x12, 9, 1)],
    ['a kind of field that does not exist', framed(0x0f, 1)],
  ])('%s is not one', (_, body) => {
    expect(decodeResponse(body)).toBeUndefined();
  });
});
