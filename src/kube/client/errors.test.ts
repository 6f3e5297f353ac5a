import { describe, expect, test } from '@jest/globals';
import { clean, errorText, failureOf, retryAfterMs } from './errors.ts';

const status = (message: string): string => JSON.stringify({ kind: 'Status', status: 'Failure', message });
const of = (code: number, body = '', retryAfter?: string) =>
  failureOf({ status: code, body, retryAfter }, 'PATCH deployments shop/web', 0);

test.each([
  [400, 'invalid'],
  [401, 'unavailable'],
  [403, 'forbidden'],
  [404, 'notFound'],
  [405, 'invalid'],
  [408, 'unavailable'],
  [409, 'conflict'],
  [413, 'invalid'],
  [415, 'invalid'],
  [422, 'invalid'],
  [429, 'throttled'],
  [500, 'unavailable'],
  [502, 'unavailable'],
  [503, 'unavailable'],
  [504, 'unavailable'],
])('HTTP %d is %s', (code, kind) => {
  expect(of(code).kind).toBe(kind);
});

test.each([
  [422, 'Deployment.apps "web" is invalid: metadata.uid: Invalid value: "x": field is immutable'],
  [409, 'Precondition failed: UID in precondition: a, UID in object meta: b'],
  [
    409,
    'Operation cannot be fulfilled: uid mismatch: the provided object specified uid x, and no existing object was found',
  ],
])('a UID that no longer holds (HTTP %d) is notFound', (code, message) => {
  expect(of(code, status(message)).kind).toBe('notFound');
});

test('a JSON patch of which a test fails is a conflict', () => {
  const message = 'the server rejected our request due to an error in our request';
  expect(of(422, status(message)).kind).toBe('conflict');
});

test('a webhook that does not respond is told from a server that does not', () => {
  const message =
    'Internal error occurred: failed calling webhook "images.example.com": failed to call webhook: Post "https://images.example.svc:443/?timeout=10s": no endpoints available for service "images"';
  expect(of(500, status(message))).toEqual({
    kind: 'unavailable',
    message: `PATCH deployments shop/web: ${message}`,
    byWebhook: true,
  });
  expect(of(500, status('etcdserver: mvcc: database space exceeded'))).not.toHaveProperty('byWebhook');
});

describe('a rejection by admission', () => {
  const webhook =
    'admission webhook "images.example.com" denied the request: registry.example is not allowed';
  const policy = `deployments.apps "web" is forbidden: ValidatingAdmissionPolicy 'images' with binding 'images' denied request: registry.example`;
  const plugin = 'secrets "tls" is forbidden: exceeded quota: few, requested: secrets=1, used: secrets=9';

  test.each([
    ...[400, 401, 403, 404, 409, 413, 418, 422].map((code) => [code, webhook] as const),
    ...[401, 403, 413, 422].map((code) => [code, policy] as const),
    [403, plugin] as const,
  ])('is told by its words, whatever status it chose (HTTP %d: %s)', (code, message) => {
    expect(of(code, status(message))).toEqual({
      kind: 'invalid',
      message: `PATCH deployments shop/web: ${message}`,
      byAdmission: true,
    });
  });

  test('for an internal error of the webhook may pass, and is reported if it lasts', () => {
    expect(of(500, status(webhook))).toMatchObject({ kind: 'unavailable', byWebhook: true });
  });

  test('for the time being is waited for as the server says', () => {
    expect(of(429, status(webhook), '7')).toMatchObject({ kind: 'throttled', retryAfterMs: 7000 });
  });

  test('is told from missing permissions, and from a 403 of anything else', () => {
    const authorizer =
      'deployments.apps "web" is forbidden: User "system:serviceaccount:a:b" cannot patch resource "deployments" in API group "apps" in the namespace "shop"';
    expect(of(403, status(authorizer))).toEqual({
      kind: 'forbidden',
      message: `PATCH deployments shop/web: ${authorizer}`,
    });
    expect(of(403, status('access denied by the proxy')).kind).toBe('forbidden');
  });
});

test('a message names what was asked and quotes the server, cleaned and short', () => {
  expect(of(409, status('the object\nhas been \u001b[31mmodified')).message).toBe(
    'PATCH deployments shop/web: the object has been modified',
  );
  expect(of(409, status('x'.repeat(5000))).message).toHaveLength(500);
});

test.each(['<html>secret</html>', '"secret"', '{"kind":"Secret","message":"secret"}', '', '{'])(
  'a body that is no Status (%s) is never quoted',
  (body) => {
    expect(of(502, body).message).toBe('PATCH deployments shop/web: HTTP 502');
  },
);

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);
  test.each([
    ['7', 7_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5_000],
    ['Thu, 01 Jan 2020 00:00:05 GMT', 0],
    ['99999999999999999999', 60_000],
    ['Fri, 01 Jan 2100 00:00:00 GMT', 60_000],
    ['soon', 1_000],
    ['-5', 0],
    ['', 1_000],
    [undefined, 1_000],
  ])('%p waits %d ms', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });
});

test('whatever is thrown becomes one line', () => {
  expect(errorText(Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' }))).toBe(
    'connect failed (ECONNREFUSED)',
  );
  expect(errorText(new AggregateError([new Error('inner')]))).toBe('inner');
  expect(errorText('x')).toBe('unknown error');
  expect(clean('a\u0000\r\n\u2028b')).toBe('a b');
});
