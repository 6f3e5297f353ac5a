import { describe, expect, test } from '@jest/globals';
import { hostnameOf, parseUrl, portOf, probeUrl, requestTarget, resolveUrl, urlText } from './url.ts';

describe('the URL of an httpGet probe', () => {
  test.each([
    ['no path', 'http', 'localhost', 93, '', 'http://localhost:93', '/'],
    ['a path', 'https', 'localhost', 93, '/path', 'https://localhost:93/path', '/path'],
    ['a query only', 'http', 'localhost', 93, '?foo', 'http://localhost:93?foo', '/?foo'],
    [
      'a path with a query',
      'https',
      'localhost',
      93,
      '/path?bar',
      'https://localhost:93/path?bar',
      '/path?bar',
    ],
    ['an IPv6 address gets brackets', 'http', 'fd00::1', 80, '/', 'http://[fd00::1]:80/', '/'],
    ['a path without its slash gets one', 'http', 'a', 1, 'healthz', 'http://a:1/healthz', '/healthz'],
    ['a fragment is not sent', 'http', 'a', 1, '/x#y', 'http://a:1/x', '/x'],
    ['a question mark alone is kept', 'http', 'a', 1, '/x?', 'http://a:1/x?', '/x?'],
    ['what cannot stand in a path is escaped', 'http', 'a', 1, '/a b', 'http://a:1/a%20b', '/a%20b'],
    ['what is escaped already stays so', 'http', 'a', 1, '/a%2Fb!', 'http://a:1/a%2Fb!', '/a%2Fb!'],
    [
      'a path that is no URL is taken as plain text',
      'http',
      'a',
      1,
      '/50%?x',
      'http://a:1/50%25%3Fx',
      '/50%25%3Fx',
    ],
    ['a colon in the first segment makes it plain text', 'http', 'a', 1, '1:2', 'http://a:1/1:2', '/1:2'],
    ['a control character makes it plain text', 'http', 'a', 1, '/a\nb', 'http://a:1/a%0Ab', '/a%0Ab'],
    [
      'the host of a whole URL as path does not count',
      'http',
      'a',
      1,
      'https://evil.example/x',
      'http://a:1/x',
      '/x',
    ],
  ])('%s', (_, scheme, host, port, path, text, target) => {
    const url = probeUrl(scheme, host, port, path);
    expect(url && [urlText(url), requestTarget(url)]).toEqual([text, target]);
  });

  test('other letters are encoded as UTF-8', () => {
    const url = probeUrl('http', 'a', 1, '/é?ü');
    expect(url && Buffer.from(requestTarget(url), 'latin1').toString()).toBe('/%C3%A9?ü');
  });

  test('a space in the query is escaped, as it would break the request line', () => {
    const url = probeUrl('http', 'a', 1, '/?a b');
    expect(url && requestTarget(url)).toBe('/?a%20b');
  });

  test.each(['a b', 'x@y', 'a/b', 'fd00::zz', 'a\nb', 'bücher.example', 'a%41'])('%j is no host', (host) => {
    expect(probeUrl('http', host, 80, '/')).toBeUndefined();
  });

  test('an IPv6 zone is part of the host', () => {
    const url = probeUrl('http', 'fe80::1%eth0', 80, '/');
    expect(url && hostnameOf(url)).toBe('fe80::1%eth0');
  });

  test('a path that is a URL without a host results in no host', () => {
    expect(probeUrl('http', 'a', 1, 'mailto:x')?.host).toBe('');
  });
});

describe('where a Location header leads', () => {
  const base = probeUrl('http', '10.0.0.1', 8080, '/a/b?q=1');
  test.each([
    ['/new', 'http://10.0.0.1:8080/new'],
    ['new', 'http://10.0.0.1:8080/a/new'],
    ['../x/./y', 'http://10.0.0.1:8080/x/y'],
    ['../../../x', 'http://10.0.0.1:8080/x'],
    ['.', 'http://10.0.0.1:8080/a/'],
    ['?p', 'http://10.0.0.1:8080/a/b?p'],
    ['#top', 'http://10.0.0.1:8080/a/b?q=1'],
    ['//other.example/z', 'http://other.example/z'],
    ['https://10.0.0.1/z', 'https://10.0.0.1/z'],
    ['HTTP://10.0.0.1:81', 'http://10.0.0.1:81'],
    ['http://user:secret@10.0.0.1/', 'http://10.0.0.1/'],
  ])('%s is %s', (location, text) => {
    const url = base && resolveUrl(base, location);
    expect(url && urlText(url)).toBe(text);
  });

  test.each([':x', 'http://a b/', '/%zz', 'http://[::1', 'http://h:port/', '\u0000', 'http://us er@h/'])(
    '%j cannot be read',
    (location) => {
      expect(base && resolveUrl(base, location)).toBeUndefined();
    },
  );

  test.each([
    ['http://127.1/', '127.1'],
    ['http://LOCALHOST/', 'LOCALHOST'],
    ['http:\\\\evil.example/', ''],
  ])('%s is not tidied up as a browser would: its host is %j', (location, host) => {
    const url = base && resolveUrl(base, location);
    expect(url && hostnameOf(url)).toBe(host);
  });
});

test('the default port is that of the scheme', () => {
  const ports = ['http://a/', 'https://a/', 'https://a:1/', 'http://[::1]/', 'http://a:/'].map((text) =>
    portOf(parseUrl(text)!),
  );
  expect(ports).toEqual([80, 443, 1, 80, 80]);
});
