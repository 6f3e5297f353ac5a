/** What a fleet in stages may cost, on every kind that can be held. */
import { expect, jest, test } from '@jest/globals';
import { costOf } from './cost.ts';
import { STAGED_KINDS } from './stories.ts';

/** Hundreds of simulated pods take seconds where many others work. */
jest.setTimeout(120_000);

const PODS = 40;

test.each(STAGED_KINDS)(
  'a %s in four stages costs a verdict a pod, a deletion where postcheck replaces it, and little more',
  async (kind) => {
    const cost = await costOf(kind, PODS);
    expect(cost.run.ending.phase).toBe('Succeeded');
    expect(cost.verdicts).toBe(PODS);
    expect(cost.deletions).toBe(kind.endsWith('OnDelete') ? PODS : 0);
    // The images once, with the partition in the same write; then the partition stage by stage.
    expect(cost.specs).toBe(
      kind.startsWith('StatefulSet') && !kind.endsWith('OnDelete') ? 1 + cost.stages : 1,
    );
    expect(cost.stageChanges).toBeLessThanOrEqual(2 * cost.stages + 1);
    expect(cost.progress).toBeLessThanOrEqual(cost.seconds / 2 + cost.stages);
    // What is written to the workload is released; the finalizer comes and goes.
    expect(cost.others).toBeLessThanOrEqual(cost.specs + 6);
    expect(cost.boundaryMs).toBeLessThanOrEqual(1000);
  },
);
