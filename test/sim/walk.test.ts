import { expect, test } from '@jest/globals';
import { complaintOf } from './walk.ts';

const WALKS = 200;

test(`${WALKS} random walks through changes, rivals, lost nodes, refused writes and crashes keep every rule and come to rest`, async () => {
  const wrong: string[] = [];
  for (let seed = 1; seed <= WALKS; seed++) {
    const complaint = await complaintOf(seed);
    if (complaint !== undefined) {
      wrong.push(complaint);
    }
  }
  expect(wrong).toEqual([]);
}, 120_000);
