import { expect, test } from '@jest/globals';
import { RESOURCES } from '../../../src/kube/client/paths.ts';
import type { Answer, ApiRequest } from '../../../src/kube/client/request.ts';
import { Cluster } from '../src/cluster.ts';
import { Fault } from '../src/fault.ts';

/** A cluster with so many objects, of which so many fit in a response. */
function clusterOf(count: number, fits: number): Cluster {
  const cluster = Object.create(Cluster.prototype) as Cluster;
  const respond = async ({ query = {} }: ApiRequest): Promise<Answer> => {
    const [from, limit] = [Number(query['continue'] ?? 0), Number(query['limit'])];
    const names = Array.from({ length: Math.min(limit, count - from) }, (_, n) => `u-${from + n}`);
    const until = from + names.length;
    return names.length > fits
      ? { ok: false, status: 0, failure: { kind: 'unavailable', message: 'too long', tooLong: true } }
      : {
          ok: true,
          body: {
            kind: 'UpgradeList',
            items: names.map((name) => ({ metadata: { name } })),
            metadata: until < count ? { continue: `${until}` } : {},
          },
        };
  };
  const fault = ({ message }: { readonly message: string }) => new Fault(message);
  return Object.assign(cluster, { try: respond, fault });
}

test.each([1200, 100, 1])(
  'lists all objects, also if %d of them are all that a response can hold',
  async (fits) => {
    const listed = await clusterOf(1100, fits).list(RESOURCES.Upgrade);
    expect(new Set(listed.map(({ metadata }) => (metadata as { name: string }).name)).size).toBe(1100);
    expect(listed).toHaveLength(1100);
  },
);

test('says so if not even one can be read', async () => {
  await expect(clusterOf(3, 0).list(RESOURCES.Upgrade)).rejects.toThrow('too long');
});

test('names the flag of a selector that the API server cannot parse, as its message does not', async () => {
  const failure = { kind: 'invalid', message: "found ',', expected: identifier after ','" };
  const cluster = Object.assign(clusterOf(1, 1), { try: async () => ({ ok: false, status: 400, failure }) });
  await expect(cluster.list(RESOURCES.Upgrade, 'shop', { labelSelector: 'a==b,,c' })).rejects.toThrow(
    `-l "a==b,,c" is no selector: found ',', expected: identifier after ','`,
  );
});
