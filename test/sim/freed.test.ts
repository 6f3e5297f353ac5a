/** A StatefulSet waits for its broken pod for ever, whatever else has happened: the operator frees it before it ends a fallback. */
import { expect, test } from '@jest/globals';
import type { Fault, WriteRecord } from './operator.ts';
import { play } from './run.ts';
import * as stories from './stories.ts';

test('a fallback that fails while something else has to be written first still frees the stuck pod', async () => {
  const story = stories.fallbackFailsToo('StatefulSet');
  const reference = await play(story);
  const isReverted = (write: WriteRecord) => write.kind === 'releaseFields';
  const reverted = reference.writes.filter(isReverted).at(-1);
  let left = 3;
  const write = (record: WriteRecord): Fault | undefined =>
    isReverted(record) && record.at >= (reverted?.at ?? 0) - 1000 && left-- > 0 ? 'unavailable' : undefined;
  const run = await play(story, { faults: { write } });
  expect(left).toBeLessThan(3);
  expect(run.ending).toEqual(reference.ending);
  expect(run.ending.pods).toEqual(Array(3).fill(`${stories.OLD} serves`));
});
