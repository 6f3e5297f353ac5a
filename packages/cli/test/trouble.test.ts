/** Commands that keep reading, in a pipe, while the API server does not respond: they say so, go on, and end with what is final. */
import { expect, test } from '@jest/globals';
import { Stage } from '../../../test/support/stage.ts';
import type { Cluster } from '../src/cluster.ts';
import { requestFault } from '../src/cluster-fault.ts';
import { type Fault, Unreachable } from '../src/fault.ts';
import { tree } from '../src/verbs/tree.ts';
import { type FakeIo, fakeIo } from './io.ts';

const target = { resource: { plural: 'upgrades' } } as Parameters<typeof requestFault>[3];
const fault = (kind: 'unavailable' | 'throttled' | 'forbidden' | 'notFound', status: number): Fault =>
  requestFault('https://api.example', { kind, message: 'GET /x: no', retryAfterMs: 0 }, status, target);

test.each([
  ['unavailable', 0, true],
  ['unavailable', 503, true],
  ['throttled', 429, true],
  ['unavailable', 401, false],
  ['forbidden', 403, false],
  ['notFound', 404, false],
] as const)('a request that failed as %s with status %d can succeed later: %s', (kind, status, later) => {
  expect(fault(kind, status) instanceof Unreachable).toBe(later);
});

/** `tree -w` in a pipe; each read of the Upgrade is answered by the next of these, and the last one interrupts the command. */
async function watched(...reads: readonly (Fault | 'well' | 'stop')[]) {
  const stage = new Stage();
  stage.settle();
  const stop = new AbortController();
  let clock = stage.now;
  const io: FakeIo = {
    ...fakeIo(),
    // Each look at the clock is more than the time between two reads later.
    now: () => (clock += 2000),
    signal: stop.signal,
  };
  const answers = [...reads];
  const cluster = {
    namespace: 'shop',
    fault: () => fault('forbidden', 403),
    // What is shown beside the Upgrade is not readable here.
    try: async ({ target: { resource } }: { target: { resource: { plural: string } } }) =>
      resource.plural === 'upgrades'
        ? { ok: true, body: stage.upgrade }
        : { ok: false, status: 403, failure: { kind: 'forbidden', message: 'no' } },
    read: async () => {
      const answer = answers.shift() ?? 'stop';
      if (answer === 'stop') {
        stop.abort();
      } else if (answer !== 'well') {
        throw answer;
      }
      return stage.upgrade;
    },
  };
  const code = await tree(io, cluster as unknown as Cluster, 'web', { watch: true }).catch(
    (error: Fault) => `${error.message}, ${error.exitCode}`,
  );
  return { code, notes: io.notes };
}

test('tree -w says once that reads fail, and once that they succeed again', async () => {
  const down = fault('unavailable', 0);
  const { code, notes } = await watched(down, down, 'well', 'stop');
  expect(notes).toEqual([
    'connection lost, retrying: cannot reach the API server https://api.example: no',
    'reconnected',
  ]);
  expect(code).toBe(130);
}, 30_000);

test.each(['forbidden', 'notFound'] as const)(
  'tree -w ends with a read that is %s',
  async (kind) => {
    const { code, notes } = await watched('well', fault(kind, 403));
    expect(code).toMatch(/no, 1$/);
    expect(notes).toEqual([]);
  },
  30_000,
);
