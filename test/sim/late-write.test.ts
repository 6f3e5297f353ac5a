/** Writes that come through only after longer than any deadline. */
import { expect, test } from '@jest/globals';
import type { WriteRecord } from './operator.ts';
import { play } from './run.ts';
import { bad, good, KINDS, NEW, OLD } from './stories.ts';

/** Refuses writes of this image for 20 minutes after the first. */
function refusing(image: string) {
  let first = Number.NaN;
  return {
    write: ({ kind, what, at }: WriteRecord) => {
      if (kind !== 'patchImages' || !what.includes(image)) {
        return undefined;
      }
      if (Number.isNaN(first)) {
        first = at;
      }
      return at < first + 20 * 60_000 ? ('unavailable' as const) : undefined;
    },
  };
}

test.each(KINDS)(
  'a fallback of a %s that could be written only after 20 minutes is verified all the same',
  async (kind) => {
    const { ending, violations } = await play({ ...bad(kind), minutes: 60 }, { faults: refusing(OLD) });
    expect(violations).toEqual([]);
    expect(ending).toMatchObject({
      phase: 'FellBack',
      fallback: 'Verified PostCheck',
      pods: Array(3).fill(`${OLD} serves`),
    });
  },
);

test.each(KINDS)(
  'an upgrade of a %s that could be written only after 20 minutes is never called inconclusive, but stalled',
  async (kind) => {
    const { ending, violations, events } = await play(
      { ...good(kind), minutes: 60 },
      { faults: refusing(NEW) },
    );
    expect(violations).toEqual([]);
    expect(ending).toMatchObject({ phase: 'Succeeded', pods: Array(3).fill(`${NEW} serves`) });
    expect(events.map(({ reason }) => reason)).toEqual(['UpgradeStarted', 'Stalled', 'PostCheckPassed']);
  },
);
