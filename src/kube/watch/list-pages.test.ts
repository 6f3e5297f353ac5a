import { expect, test } from '@jest/globals';
import type { Answer, ApiRequest, Requests } from '../client/request.ts';
import { listPages } from './list-pages.ts';

/** A server with objects of so many bytes each, and a client that reads no longer responses than it was made for. */
async function listed(bytes: readonly number[], longestBody = 64 * 1024 * 1024) {
  const limits: number[] = [];
  const send = async ({ query = {}, mostBytes = longestBody }: ApiRequest): Promise<Answer> => {
    const [from, limit] = [Number(query['continue'] ?? 0), Number(query['limit'])];
    limits.push(limit);
    const page = bytes.slice(from, from + limit);
    const until = from + page.length;
    return page.reduce((sum, one) => sum + one, 0) > mostBytes
      ? { ok: false, status: 0, failure: { kind: 'unavailable', message: 'too long', tooLong: true } }
      : {
          ok: true,
          body: {
            items: page,
            metadata: { resourceVersion: '7', ...(until < bytes.length ? { continue: `${until}` } : {}) },
          },
        };
  };
  const projection = { project: (raw: unknown) => raw, keeps: () => true };
  const target = { resource: { root: '/api/v1', plural: 'pods' } };
  const list = await listPages({ send } as unknown as Requests, { target, projection });
  return { items: list.ok ? list.items : list.failure.kind, limits };
}

const MIB = 1024 * 1024;
const many = (count: number, bytes: number): number[] => Array.from({ length: count }, () => bytes);

test('a list of ordinary objects comes in pages of 100', async () => {
  const objects = many(170, 10_000);
  expect(await listed(objects)).toEqual({ items: objects, limits: [100, 100] });
});

test('objects as long as somebody likes are requested fewer at a time', async () => {
  const objects = [...many(600, 10_000), ...many(200, 1.5 * MIB), ...many(10, 10_000)];
  const { items, limits } = await listed(objects);
  expect(items).toEqual(objects);
  expect(new Set(limits)).toEqual(new Set([100, 13]));
});

test('one object that is too long by itself ends the list', async () => {
  expect(await listed([10_000, 65 * MIB])).toEqual({ items: 'unavailable', limits: [100, 13, 2, 1, 1] });
});
