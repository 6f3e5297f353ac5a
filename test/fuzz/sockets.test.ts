/** What speaks with others over sockets, against peers that send anything. `node test/fuzz/soak.ts` does the same many more times. */
import { expect, test } from '@jest/globals';
import { CLIENTS, type Client, fuzzSockets, type Hostile } from './sockets.ts';

const CASES: Readonly<Record<string, number>> = { exec: 700, 'gRPC health check': 700, watch: 100 };

test.each(CLIENTS.map((client) => [client.name, client] as const))(
  '%s: whatever the peer sends, it ends with the right result, keeps little, and leaves no connection',
  async (name, client) => {
    const { failures, outcomes } = await fuzzSockets(client, 1, CASES[name] ?? 0);
    expect(failures).toEqual([]);
    expect([...outcomes]).toEqual(expect.arrayContaining([...client.ends]));
  },
  600_000,
);

test('a case that ends wrongly is told, with the command that plays it again', async () => {
  let closed = 0;
  const hostile: Hostile = {
    play: async (seed) => (seed === 12 ? 'exit 0 instead of broken' : undefined),
    outcomes: new Set(),
    openSockets: () => 0,
    close: () => void closed++,
  };
  const client: Client = { name: 'made up', start: async () => hostile, atOnce: 2, ends: [] };
  const { cases, failures } = await fuzzSockets(client, 10, 5);
  expect({ cases, failures, closed }).toEqual({
    cases: 5,
    failures: [
      "made up, case 12: exit 0 instead of broken\n  node test/fuzz/soak.ts --only 'made up' --seed 12 --cases 1",
    ],
    closed: 1,
  });
});
