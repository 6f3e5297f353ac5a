/** Decisions on anything that the schema of the CRD allows, stored or wished: none throws, and each keeps the rules of every plan. */
import fc from 'fast-check';
import { StatusSchema } from '../../src/api/schema-status.ts';
import type { UpgradeStatus } from '../../src/api/types.ts';
import { decide } from '../../src/core/decision/decide.ts';
import { loose, snapshotFrom } from '../support/arbitraries.ts';
import { valuesOf } from '../support/from-schema.ts';
import { brokenRules } from '../support/plan-rules.ts';

const anything = loose(fc.option(valuesOf(StatusSchema) as fc.Arbitrary<UpgradeStatus>, { nil: undefined }));

/** Throws when a case breaks a rule, with the smallest such case and the seed that plays it again. */
export function fuzzDecisions(seed: number, cases: number): void {
  fc.assert(
    fc.property(anything, (given) => {
      const snapshot = snapshotFrom(given);
      const broken = brokenRules(snapshot, decide(snapshot));
      if (broken.length > 0) {
        throw new Error(`broken: ${broken.join(', ')}`);
      }
    }),
    { seed, numRuns: cases },
  );
}
