import { expect, test } from '@jest/globals';
import { socketAddress } from './socket-address.ts';

test('a path is used as it is', () => {
  expect(socketAddress('/run/app/health.sock')).toEqual({
    ok: true,
    listenOn: '/run/app/health.sock',
    file: true,
  });
});

test('a path of more than 107 bytes is rejected, counted in bytes and with the suffix', () => {
  expect(socketAddress(`/${'x'.repeat(106)}`).ok).toBe(true);
  expect(socketAddress(`/${'x'.repeat(107)}`)).toEqual({
    ok: false,
    why: expect.stringMatching(/108 bytes, more than the system's limit of 107/),
  });
  expect(socketAddress(`/${'é'.repeat(54)}`).ok).toBe(false);
  expect(socketAddress(`/${'x'.repeat(100)}`, 9).ok).toBe(false);
});

test('@name is an abstract socket: a zero byte stands for the @, and there is no file', () => {
  expect(socketAddress('@app-health')).toEqual({ ok: true, listenOn: '\0app-health', file: false });
  expect(socketAddress(`@${'x'.repeat(107)}`).ok).toBe(false);
});

test('a Windows pipe has no file', () => {
  expect(socketAddress('\\\\.\\pipe\\app-health')).toEqual({
    ok: true,
    listenOn: '\\\\.\\pipe\\app-health',
    file: false,
  });
});

test.each(['', '@', '/run/a\0b', '\0abstract'])('%j is refused with a reason', (name) => {
  expect(socketAddress(name)).toEqual({ ok: false, why: expect.any(String) });
});
