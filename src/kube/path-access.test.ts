import { expect, test } from '@jest/globals';
import type { Answer, ApiRequest, Requests } from './client/request.ts';
import { PathAccess } from './path-access.ts';

/** With an API server that knows the token `good`. */
function access(): { readonly of: PathAccess; readonly reviewed: string[] } {
  const reviewed: string[] = [];
  const send = async ({ target, body }: ApiRequest): Promise<Answer> => {
    const { spec } = body as { readonly spec: { readonly token?: string } };
    if (target.resource.plural === 'subjectaccessreviews') {
      return { ok: true, body: { status: { allowed: true } } };
    }
    reviewed.push(spec.token ?? '');
    const status = { authenticated: spec.token === 'good', user: { username: 'prometheus' } };
    return { ok: true, body: { status } };
  };
  return { of: new PathAccess({ send } as unknown as Requests, '/metrics'), reviewed };
}

test('a token is reviewed once, and another one is rejected', async () => {
  const { of, reviewed } = access();
  expect(await of.check('Bearer good', 'a')).toBe('allowed');
  expect(await of.check('Bearer good', 'a')).toBe('allowed');
  expect(await of.check('Bearer bad', 'a')).toBe('unauthenticated');
  expect(await of.check('Basic good', 'a')).toBe('unauthenticated');
  expect(reviewed).toEqual(['good', 'bad']);
});

test('a client that invents tokens neither floods the API server nor locks out others', async () => {
  const { of, reviewed } = access();
  const invented = await Promise.all(
    Array.from({ length: 300 }, (_, n) => of.check(`Bearer invented-${n}`, '10.0.0.66')),
  );
  expect(invented.filter((one) => one === 'unknown').length).toBeGreaterThan(290);
  expect(reviewed.length).toBeLessThan(10);
  expect(await of.check('Bearer good', '10.0.0.7')).toBe('allowed');
});
