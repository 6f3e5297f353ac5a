import { expect, test } from '@jest/globals';
import { addFigure } from '../support/figures.ts';
import { isWhole } from '../support/share.ts';
import { complaintOf, fleetWalkOf, undoComplaintOf } from './walk.ts';

const [WALKS, FLEETS, UNDONE] = isWhole ? [200, 100, 100] : [60, 30, 30];

test(`${WALKS} random walks through changes, rivals, lost nodes, refused writes and crashes keep every rule and come to rest`, async () => {
  const wrong: string[] = [];
  addFigure('walks', WALKS);
  for (let seed = 1; seed <= WALKS; seed++) {
    const complaint = await complaintOf(seed);
    if (complaint !== undefined) {
      wrong.push(complaint);
    }
  }
  expect(wrong).toEqual([]);
}, 600_000);

test(`${FLEETS} random walks of fleets in stages, with budgets, partitions and rivals, keep every rule and come to rest`, async () => {
  const wrong: string[] = [];
  addFigure('walks', FLEETS);
  for (let seed = 1; seed <= FLEETS; seed++) {
    const complaint = await complaintOf(seed, fleetWalkOf(seed));
    if (complaint !== undefined) {
      wrong.push(complaint);
    }
  }
  expect(wrong).toEqual([]);
}, 600_000);

test(`${UNDONE} random walks whose changes are all undone end as if nothing had been changed`, async () => {
  const wrong: string[] = [];
  addFigure('walks', UNDONE);
  for (let seed = 1; seed <= UNDONE; seed++) {
    const complaint = await undoComplaintOf(seed);
    if (complaint !== undefined) {
      wrong.push(complaint);
    }
  }
  expect(wrong).toEqual([]);
}, 600_000);
