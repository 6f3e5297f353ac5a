import { describe, expect, test } from '@jest/globals';
import { buildRequest, canonicalName, collectHeaders, headerLines } from './http-request.ts';
import { urlText } from './url.ts';

const target = { podIp: '10.0.0.1', ports: [{ name: 'http', containerPort: 8080 }] };

describe('the headers of a probe', () => {
  test.each([
    ['none', [], {}],
    ['one', [{ name: 'X', value: '1' }], { X: ['1'] }],
    [
      'two different ones',
      [
        { name: 'X', value: '1' },
        { name: 'Y', value: '2' },
      ],
      { X: ['1'], Y: ['2'] },
    ],
    [
      'the same name twice keeps both values in order',
      [
        { name: 'X', value: '2' },
        { name: 'x', value: '1' },
      ],
      { X: ['2', '1'] },
    ],
    [
      'names are written in canonical form',
      [
        { name: 'HOST', value: 'h' },
        { name: 'FOO-bAR', value: 'v' },
      ],
      { Host: ['h'], 'Foo-Bar': ['v'] },
    ],
  ])('%s', (_, list, headers) => {
    expect(Object.fromEntries(collectHeaders(list))).toEqual(headers);
  });

  test('a name that is no token keeps its form', () => {
    expect(canonicalName('foo bar')).toBe('foo bar');
  });

  const linesOf = (list: { name: string; value: string }[]) => {
    const built = buildRequest({ port: 80, httpHeaders: list }, target);
    return built.ok ? headerLines(built.request.headers, 'h:1') : undefined;
  };

  test.each([
    ['by default', [], ['Host: h:1', 'User-Agent: kube-probe/1.36', 'Accept: */*']],
    [
      'an empty Accept is not sent',
      [{ name: 'accept', value: '' }],
      ['Host: h:1', 'User-Agent: kube-probe/1.36'],
    ],
    ['an empty User-Agent is not sent', [{ name: 'user-agent', value: '' }], ['Host: h:1', 'Accept: */*']],
    [
      'another empty header is',
      [{ name: 'accept-encoding', value: '' }],
      ['Host: h:1', 'User-Agent: kube-probe/1.36', 'Accept: */*', 'Accept-Encoding: '],
    ],
    [
      'what the client writes by itself cannot be set',
      [
        { name: 'Content-Length', value: '5' },
        { name: 'Transfer-Encoding', value: 'chunked' },
        { name: 'Trailer', value: 'x' },
      ],
      ['Host: h:1', 'User-Agent: kube-probe/1.36', 'Accept: */*'],
    ],
    [
      'blanks around a value are not sent',
      [{ name: 'X', value: ' a b\t' }],
      ['Host: h:1', 'User-Agent: kube-probe/1.36', 'Accept: */*', 'X: a b'],
    ],
  ])('%s', (_, list, lines) => {
    expect(linesOf(list)?.map(([name, value]) => `${name}: ${value}`)).toEqual(lines);
  });

  test.each([
    ['a name with a blank', { name: 'foo bar', value: '' }],
    ['a name with a colon', { name: 'foo:', value: '' }],
    ['a value with a line break', { name: 'X', value: 'a\r\nEvil: 1' }],
  ])('%s cannot be sent', (_, header) => {
    expect(linesOf([header])).toBeUndefined();
  });

  test.each([
    ['a/b c', ''],
    ['[fe80::1%eth0]:80', '[fe80::1]:80'],
    ['muffins.cupcakes.org', 'muffins.cupcakes.org'],
  ])('a Host of %j is sent as %j', (host, sent) => {
    expect(headerLines(new Map(), host)).toEqual([['Host', sent]]);
  });
});

describe('the address of a probe', () => {
  test.each([
    ['the pod by default', {}, 'http://10.0.0.1:8080/x'],
    ['a host of its own', { host: 'hostname' }, 'http://hostname:8080/x'],
    ['an empty host is the pod', { host: '' }, 'http://10.0.0.1:8080/x'],
    ['the scheme in capitals', { scheme: 'HTTPS' }, 'https://10.0.0.1:8080/x'],
    ['an empty scheme is http', { scheme: '' }, 'http://10.0.0.1:8080/x'],
  ])('%s', (_, action, text) => {
    const built = buildRequest({ path: '/x', port: 'http', ...action }, target);
    expect(built.ok && urlText(built.request.url)).toBe(text);
  });

  test.each([
    ['a port that does not exist', { port: 'grpc' }, target, /"grpc"/],
    ['a pod without an IP: not this process itself', { port: 80 }, { podIp: '' }, /no IP/],
    ['a host that is none', { port: 80, host: 'a b' }, target, /"a b"/],
  ])('%s is an error', (_, action, where, error) => {
    expect(buildRequest(action, where)).toEqual({ ok: false, error: expect.stringMatching(error) });
  });
});
