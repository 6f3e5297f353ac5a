import { describe, expect, test } from '@jest/globals';
import { findPortByName, resolvePort } from './port.ts';
import type { PortReference } from './spec.ts';

const ports = [
  { name: 'foo', containerPort: 8080 },
  { name: 'bar', containerPort: 9000 },
  { name: 'found', containerPort: 93 },
  { name: '7', containerPort: 7777 },
];

describe("a probe's port", () => {
  test.each<[string, PortReference, number]>([
    ['a name is looked up among the ports of the container', 'foo', 8080],
    ['another name', 'found', 93],
    ['a number is itself', 443, 443],
    ['another number', 76, 76],
    ['digits in a string are a number', '118', 118],
    ['a name of digits wins over the number', '7', 7777],
    ['the lowest port', 1, 1],
    ['the highest port', 65_535, 65_535],
  ])('%s', (_, reference, port) => {
    expect(resolvePort(reference, ports)).toEqual({ ok: true, port });
  });

  test.each<[string, PortReference]>([
    ['a name that the container does not have', 'http'],
    ['a negative number', -1],
    ['an empty string', ''],
    ['a negative number in a string', '-1'],
    ['zero', 0],
    ['a number above 65535', 65_536],
    ['digits above 65535', '70000'],
    ['a broken number', 80.5],
    ['digits with something behind', '80/tcp'],
    ['something that is neither number nor string', true as unknown as number],
  ])('%s is an error that shows the port', (_, reference) => {
    expect(resolvePort(reference, ports)).toEqual({
      ok: false,
      error: expect.stringContaining(String(reference)),
    });
  });

  test('of two ports with one name the first counts', () => {
    expect(findPortByName('foo', [...ports, { name: 'foo', containerPort: 1 }])).toBe(8080);
  });

  test('an empty name finds a port without a name, as in kubelet', () => {
    expect(findPortByName('', [{ containerPort: 5000 }])).toBe(5000);
  });
});
